import type { Candidate } from "./candidate.ts";
import { compareRank } from "./rank.ts";

/** The routes of one host and one path, best first. */
export class Bucket<T> {
  readonly #candidates: Candidate<T>[] = [];

  get size(): number {
    return this.#candidates.length;
  }

  /** Best first. */
  get candidates(): readonly Candidate<T>[] {
    return this.#candidates;
  }

  add(candidate: Candidate<T>): void {
    this.#candidates.splice(this.#position(candidate), 0, candidate);
  }

  remove(candidate: Candidate<T>): void {
    const at = this.#position(candidate);
    if (this.#candidates[at] === candidate) this.#candidates.splice(at, 1);
  }

  /** Where the candidate is, or belongs. */
  #position(candidate: Candidate<T>): number {
    let low = 0;
    let high = this.#candidates.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareRank(this.#candidates[middle]!, candidate) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

import { BucketIndex } from "./bucket-index.ts";
import type { Candidate } from "./candidate.ts";
import { insertRanked, removeRanked } from "./ranked-list.ts";

/** From this many routes of one place on they are indexed; trying fewer one by one is faster. */
const INDEXED_FROM = 12;

/** Below this many the index is given up; less than above, so that a route that comes and goes does not build it every time. */
const INDEXED_UNTIL = 6;

/** The routes of one host and one path, best first. */
export class Bucket<T> {
  readonly #candidates: Candidate<T>[] = [];
  #index: BucketIndex<T> | undefined = undefined;

  get size(): number {
    return this.#candidates.length;
  }

  /** Whether the routes that may fit have been chosen by host already, where they have only exact ones. */
  get byHost(): boolean {
    return this.#index !== undefined;
  }

  /** Best first. */
  get candidates(): readonly Candidate<T>[] {
    return this.#candidates;
  }

  add(candidate: Candidate<T>): void {
    insertRanked(this.#candidates, candidate);
    if (this.#index !== undefined) this.#index.add(candidate);
    else if (this.#candidates.length >= INDEXED_FROM) {
      this.#index = new BucketIndex<T>();
      for (const one of this.#candidates) this.#index.add(one);
    }
  }

  remove(candidate: Candidate<T>): void {
    removeRanked(this.#candidates, candidate);
    if (this.#candidates.length < INDEXED_UNTIL) this.#index = undefined;
    else this.#index?.remove(candidate);
  }

  /** The routes that may fit, best first; those left out do not fit for sure. */
  fitting(host: string, path: string): readonly Candidate<T>[] {
    return this.#index === undefined ? this.#candidates : this.#index.fitting(host, path);
  }
}

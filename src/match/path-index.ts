import type { Candidate } from "./candidate.ts";
import type { PathTable } from "./path-table.ts";
import { addTo, type Place, removeFrom } from "./place.ts";
import type { PrefixHashes } from "./prefix-hashes.ts";

const SLASH = 0x2f;

/** The routes of one host by path: paths that must be the same, and prefixes. They stand in a table that all hosts share. */
export class PathIndex<T> {
  readonly #table: PathTable<Place<T>>;
  /** Tells the keys of this host from others'; those of prefixes are one more. */
  readonly #owner: number;
  #exact = 0;
  /** For each length of a prefix, longest first: twice the length, and 1 more where it ends with a slash; and how many places there are of it. */
  #lengths: number[] = [];
  #counts: number[] = [];

  /** @param id A number that no other index of the table has. */
  constructor(table: PathTable<Place<T>>, id: number) {
    this.#table = table;
    this.#owner = id * 2;
  }

  get empty(): boolean {
    return this.#exact === 0 && this.#lengths.length === 0;
  }

  add(candidate: Candidate<T>): void {
    this.#update(candidate, (place) => addTo(place, candidate));
  }

  remove(candidate: Candidate<T>): void {
    this.#update(candidate, (place) => removeFrom(place, candidate));
  }

  /** The routes of exactly that path. */
  exact(hashes: PrefixHashes, path: string): Place<T> | undefined {
    return this.#exact === 0 ? undefined : this.#table.find(this.#owner, hashes, path, path.length);
  }

  /** What lengths of prefixes there are, longest first; for {@link PathIndex.prefix}. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** The routes of the path's prefix of that length: one of {@link PathIndex.lengths}. */
  prefix(hashes: PrefixHashes, path: string, coded: number): Place<T> | undefined {
    const length = coded >> 1;
    // Most prefixes end with a slash: most lengths need not be looked up at all.
    if (length > path.length || (path.charCodeAt(length - 1) === SLASH) !== ((coded & 1) === 1)) return undefined;
    return this.#table.find(this.#owner + 1, hashes, path, length);
  }

  /** The routes that stand where this one stands. */
  placeOf({ pattern: { exact, key } }: Candidate<T>): Place<T> | undefined {
    return this.#table.get(exact ? this.#owner : this.#owner + 1, key);
  }

  #update(
    { pattern: { exact, key } }: Candidate<T>,
    change: (place: Place<T> | undefined) => Place<T> | undefined,
  ): void {
    let difference = 0;
    this.#table.update(exact ? this.#owner : this.#owner + 1, key, (before) => {
      const after = change(before);
      difference = (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
      return after;
    });
    if (difference === 0) return;
    if (exact) this.#exact += difference;
    else this.#count(2 * key.length + (key.endsWith("/") ? 1 : 0), difference);
  }

  #count(coded: number, difference: number): void {
    let at = this.#lengths.findIndex((length) => length <= coded);
    if (at < 0) at = this.#lengths.length;
    if (this.#lengths[at] !== coded) {
      this.#lengths.splice(at, 0, coded);
      this.#counts.splice(at, 0, 0);
    }
    this.#counts[at]! += difference;
    if (this.#counts[at]! > 0) return;
    this.#lengths.splice(at, 1);
    this.#counts.splice(at, 1);
  }
}

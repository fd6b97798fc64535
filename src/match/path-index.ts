import type { Candidate } from "./candidate.ts";
import type { LevelNumbers } from "./level-numbers.ts";
import type { PathTable } from "./path-table.ts";
import { addTo, type Place, removeFrom } from "./place.ts";

/** The routes of one host by path: paths that must be the same, and prefixes. They stand in a table that all hosts share. */
export class PathIndex<T> {
  readonly #table: PathTable<Place<T>>;
  readonly #numbers: LevelNumbers;
  /** Its number among all levels. */
  readonly level: number;
  #exact = 0;
  /** For each length of a prefix, longest first: twice the length, and 1 more where it ends with a slash; and how many places there are of it. */
  #lengths: number[] = [];
  #counts: number[] = [];

  constructor(table: PathTable<Place<T>>, numbers: LevelNumbers) {
    this.#table = table;
    this.#numbers = numbers;
    this.level = numbers.add();
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

  /** What lengths of prefixes there are, longest first. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** The routes that stand where this one stands. */
  placeOf({ pattern: { exact, key } }: Candidate<T>): Place<T> | undefined {
    return this.#table.get(ownerOf(this.level, exact), key);
  }

  #update(
    { pattern: { exact, key } }: Candidate<T>,
    change: (place: Place<T> | undefined) => Place<T> | undefined,
  ): void {
    let difference = 0;
    this.#table.update(ownerOf(this.level, exact), key, (before) => {
      const after = change(before);
      difference = (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
      return after;
    });
    if (difference === 0) return;
    if (exact) this.#numbers.setExact(this.level, this.#exact += difference);
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
    if (this.#counts[at] === 0) {
      this.#lengths.splice(at, 1);
      this.#counts.splice(at, 1);
    }
    this.#numbers.setLengths(this.level, this.#lengths);
  }
}

/** The owner of a level's keys in the table of paths: one for exact paths, one for prefixes. */
export function ownerOf(level: number, exact: boolean): number {
  return exact ? level * 2 : level * 2 + 1;
}

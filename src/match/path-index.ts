import { type AffixNode, AffixTree } from "./affix-tree.ts";
import type { Candidate } from "./candidate.ts";
import { addTo, type Place, removeFrom } from "./place.ts";

/** The routes of one host by path: paths that must be the same, and prefixes. */
export class PathIndex<T> {
  // Most hosts of a large table have few routes: what is not used takes no memory.
  #exact: Map<string, Place<T>> | undefined;
  #prefixes: AffixTree<Place<T>> | undefined;

  get empty(): boolean {
    return (this.#exact?.size ?? 0) === 0 && (this.#prefixes?.size ?? 0) === 0;
  }

  add(candidate: Candidate<T>): void {
    const { exact, key } = candidate.pattern;
    if (exact) {
      this.#exact ??= new Map<string, Place<T>>();
      this.#exact.set(key, addTo(this.#exact.get(key), candidate));
    } else (this.#prefixes ??= new AffixTree<Place<T>>("prefix")).update(key, (place) => addTo(place, candidate));
  }

  remove(candidate: Candidate<T>): void {
    const { exact, key } = candidate.pattern;
    if (!exact) {
      this.#prefixes?.update(key, (place) => removeFrom(place, candidate));
      return;
    }
    const left = removeFrom(this.#exact?.get(key), candidate);
    if (left === undefined) this.#exact?.delete(key);
    else this.#exact?.set(key, left);
  }

  /** The routes of exactly that path. */
  exact(path: string): Place<T> | undefined {
    return this.#exact?.get(path);
  }

  /** Where to begin to climb through the routes of its prefixes, longest first. */
  deepest(path: string): AffixNode<Place<T>> | undefined {
    return this.#prefixes?.deepest(path);
  }

  /** The routes that stand where this one stands. */
  placeOf(candidate: Candidate<T>): Place<T> | undefined {
    const { exact, key } = candidate.pattern;
    return exact ? this.#exact?.get(key) : this.#prefixes?.get(key);
  }

  *places(): Generator<Place<T>> {
    yield* this.#exact?.values() ?? [];
    for (const [, place] of this.#prefixes?.entries() ?? []) yield place;
  }

  /** Nodes of the tree of prefixes, without its root. */
  countNodes(): number {
    return this.#prefixes?.countNodes() ?? 0;
  }
}

import { AffixTree } from "./affix-tree.ts";
import { Bucket } from "./bucket.ts";
import type { Candidate } from "./candidate.ts";

/** The routes of one host by path: paths that must be the same, and prefixes. */
export class PathIndex<T> {
  // Most hosts of a large table have few routes: what is not used takes no memory.
  #exact: Map<string, Bucket<T>> | undefined;
  #prefixes: AffixTree<Bucket<T>> | undefined;

  get empty(): boolean {
    return (this.#exact?.size ?? 0) === 0 && (this.#prefixes?.size ?? 0) === 0;
  }

  add(candidate: Candidate<T>): void {
    const { exact, key } = candidate.pattern;
    if (!exact) {
      (this.#prefixes ??= new AffixTree<Bucket<T>>("prefix")).getOrAdd(key, () => new Bucket<T>()).add(candidate);
      return;
    }
    this.#exact ??= new Map<string, Bucket<T>>();
    let bucket = this.#exact.get(key);
    if (bucket === undefined) this.#exact.set(key, bucket = new Bucket<T>());
    bucket.add(candidate);
  }

  remove(candidate: Candidate<T>): void {
    const { exact, key } = candidate.pattern;
    const bucket = exact ? this.#exact?.get(key) : this.#prefixes?.get(key);
    bucket?.remove(candidate);
    if (bucket?.size !== 0) return;
    if (exact) this.#exact!.delete(key);
    else this.#prefixes!.delete(key);
  }

  /** The routes of exactly that path. */
  exact(path: string): Bucket<T> | undefined {
    return this.#exact?.get(path);
  }

  /** Where to begin to climb through the routes of its prefixes, longest first. */
  deepest(path: string): ReturnType<AffixTree<Bucket<T>>["deepest"]> | undefined {
    return this.#prefixes?.deepest(path);
  }

  /** The routes that stand where this one stands. */
  bucketOf(candidate: Candidate<T>): Bucket<T> | undefined {
    const { exact, key } = candidate.pattern;
    return exact ? this.#exact?.get(key) : this.#prefixes?.get(key);
  }

  *buckets(): Generator<Bucket<T>> {
    yield* this.#exact?.values() ?? [];
    for (const [, bucket] of this.#prefixes?.entries() ?? []) yield bucket;
  }

  /** Nodes of the tree of prefixes, without its root. */
  countNodes(): number {
    return this.#prefixes?.countNodes() ?? 0;
  }
}

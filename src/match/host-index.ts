import { type SuffixNode, SuffixTree } from "./suffix-tree.ts";
import type { Candidate } from "./candidate.ts";
import { PathIndex } from "./path-index.ts";
import { PathTable } from "./path-table.ts";
import type { Place } from "./place.ts";

/**
 * The routes by host: hosts that must be the same, suffixes (`*.a.com` takes `x.y.a.com`, not `a.com`; `*a.com` takes both), and those for any.
 * Each level holds its own {@link PathIndex}; one that has become empty is gone.
 */
export class HostIndex<T> {
  readonly #table = new PathTable<Place<T>>();
  #ids = 0;
  readonly #exact = new Map<string, PathIndex<T>>();
  readonly #suffixes = new SuffixTree<PathIndex<T>>();
  readonly #any = new PathIndex<T>(this.#table, this.#ids++);

  add(candidate: Candidate<T>): void {
    this.#level(candidate.host).add(candidate);
  }

  remove(candidate: Candidate<T>): void {
    const { host } = candidate;
    const level = this.of(candidate);
    level?.remove(candidate);
    if (host === undefined || level?.empty !== true) return;
    if (host.startsWith("*")) this.#suffixes.update(host.slice(1), () => undefined);
    else this.#exact.delete(host);
  }

  /** The routes of exactly that host. */
  exact(host: string): PathIndex<T> | undefined {
    return this.#exact.size === 0 ? undefined : this.#exact.get(host);
  }

  /** Where to begin to climb through the routes of its suffixes, longest first. */
  deepest(host: string): SuffixNode<PathIndex<T>> | undefined {
    return this.#suffixes.size === 0 ? undefined : this.#suffixes.deepest(host);
  }

  /** The routes without a host. */
  get any(): PathIndex<T> {
    return this.#any;
  }

  /** The level that a candidate belongs to, where there is one. */
  of(candidate: Candidate<T>): PathIndex<T> | undefined {
    return candidate.host === undefined ? this.#any : this.#levelOf(candidate.host);
  }

  *levels(): Generator<PathIndex<T>> {
    yield this.#any;
    yield* this.#exact.values();
    for (const [, level] of this.#suffixes.entries()) yield level;
  }

  /** The routes of all hosts by their place, in no particular order. */
  places(): Iterable<Place<T>> {
    return this.#table.values();
  }

  /** Pairs of a host and a path that have routes. */
  get size(): number {
    return this.#table.size;
  }

  /** Nodes of the tree of suffixes, without its root. */
  countNodes(): number {
    return this.#suffixes.countNodes();
  }

  #level(host: string | undefined): PathIndex<T> {
    if (host === undefined) return this.#any;
    const present = this.#levelOf(host);
    if (present !== undefined) return present;
    const level = new PathIndex<T>(this.#table, this.#ids++);
    if (host.startsWith("*")) this.#suffixes.update(host.slice(1), () => level);
    else this.#exact.set(host, level);
    return level;
  }

  #levelOf(host: string): PathIndex<T> | undefined {
    return host.startsWith("*") ? this.#suffixes.get(host.slice(1)) : this.#exact.get(host);
  }
}

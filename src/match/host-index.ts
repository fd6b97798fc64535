import { type SuffixNode, SuffixTree } from "./suffix-tree.ts";
import type { Candidate } from "./candidate.ts";
import { LevelNumbers, MAX_LENGTHS } from "./level-numbers.ts";
import { ownerOf, PathIndex } from "./path-index.ts";
import { PathTable } from "./path-table.ts";
import type { Place } from "./place.ts";
import { hashText, type PrefixHashes } from "./prefix-hashes.ts";

const SLASH = 0x2f;

/**
 * The routes by host: hosts that must be the same, suffixes (`*.a.com` takes `x.y.a.com`, not `a.com`; `*a.com` takes both), and those for any.
 * Each level holds its own {@link PathIndex}; one that has become empty is gone.
 */
export class HostIndex<T> {
  readonly #table = new PathTable<Place<T>>();
  readonly #numbers = new LevelNumbers();
  /** By their number. */
  readonly #levels: (PathIndex<T> | undefined)[] = [];
  /** The numbers of levels by host. */
  readonly #exact = new PathTable<number>();
  readonly #suffixes = new SuffixTree<PathIndex<T>>();
  readonly #any: PathIndex<T> = this.#create();

  add(candidate: Candidate<T>): void {
    this.#level(candidate.host).add(candidate);
  }

  remove(candidate: Candidate<T>): void {
    const { host } = candidate;
    const level = this.of(candidate);
    level?.remove(candidate);
    if (host === undefined || level?.empty !== true) return;
    if (host.startsWith("*")) this.#suffixes.update(host.slice(1), () => undefined);
    else this.#exact.update(0, host, () => undefined);
    this.#levels[level.level] = undefined;
    this.#numbers.remove(level.level);
  }

  /** The number of the level of exactly that host. */
  exact(host: string): number | undefined {
    if (this.#exact.size === 0) return undefined;
    return this.#exact.find(0, hashText(host, 0, host.length), host, 0, host.length);
  }

  /** The routes of a level with exactly that path. */
  exactPath(level: number, hashes: PrefixHashes, path: string): Place<T> | undefined {
    const { length } = path;
    if (this.#numbers.exact(level) === 0) return undefined;
    return this.#table.find(ownerOf(level, true), hashes[length]!, path, 0, length);
  }

  /** How many lengths of prefixes a level has. */
  countLengths(level: number): number {
    return this.#numbers.lengths(level);
  }

  /** The length of a level's prefixes, longest first, by its place among them; undefined where the path has none of it. */
  prefixLength(level: number, i: number, path: string): number | undefined {
    const coded = i < MAX_LENGTHS ? this.#numbers.length(level, i) : this.#levels[level]!.lengths[i]!;
    const length = coded >> 1;
    // Most prefixes end with a slash: most lengths need not be looked up at all.
    const fits = length <= path.length && (path.charCodeAt(length - 1) === SLASH) === ((coded & 1) === 1);
    return fits ? length : undefined;
  }

  /** The routes of a level with the path's prefix of that length. */
  prefix(level: number, hashes: PrefixHashes, path: string, length: number): Place<T> | undefined {
    return this.#table.find(ownerOf(level, false), hashes[length]!, path, 0, length);
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
    for (const level of this.#levels) if (level !== undefined) yield level;
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
    const level = this.#create();
    if (host.startsWith("*")) this.#suffixes.update(host.slice(1), () => level);
    else this.#exact.update(0, host, () => level.level);
    return level;
  }

  #levelOf(host: string): PathIndex<T> | undefined {
    if (host.startsWith("*")) return this.#suffixes.get(host.slice(1));
    const level = this.#exact.get(0, host);
    return level === undefined ? undefined : this.#levels[level];
  }

  #create(): PathIndex<T> {
    const created = new PathIndex<T>(this.#table, this.#numbers);
    this.#levels[created.level] = created;
    return created;
  }
}

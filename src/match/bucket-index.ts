import type { Candidate } from "./candidate.ts";
import { compareRank } from "./rank.ts";
import { SegmentTrie } from "./segment-trie.ts";
import { insertRanked, removeRanked } from "./ranked-list.ts";

/**
 * Narrows many routes of one place down to those that may fit a request: by host, where the router does not index hosts and the route names only exact ones; by the
 * segments of the path, where it has parameters. The others are always tried.
 */
export class BucketIndex<T> {
  readonly #byHost = new Map<string, Candidate<T>[]>();
  readonly #bySegment = new SegmentTrie<T>();
  readonly #others: Candidate<T>[] = [];

  add(candidate: Candidate<T>): void {
    const { exactHosts } = candidate.route;
    if (exactHosts !== undefined) {
      for (const host of exactHosts) {
        let list = this.#byHost.get(host);
        if (list === undefined) this.#byHost.set(host, list = []);
        insertRanked(list, candidate);
      }
    } else if (candidate.pattern.parts !== undefined) this.#bySegment.add(candidate, candidate.pattern.parts);
    else insertRanked(this.#others, candidate);
  }

  remove(candidate: Candidate<T>): void {
    const { exactHosts } = candidate.route;
    if (exactHosts !== undefined) {
      for (const host of exactHosts) {
        const list = this.#byHost.get(host);
        if (list === undefined) continue;
        removeRanked(list, candidate);
        if (list.length === 0) this.#byHost.delete(host);
      }
    } else if (candidate.pattern.parts !== undefined) this.#bySegment.remove(candidate, candidate.pattern.parts);
    else removeRanked(this.#others, candidate);
  }

  /** Lists of the routes that may fit, each best first. */
  fitting(host: string, path: string): readonly (readonly Candidate<T>[])[] {
    const lists: (readonly Candidate<T>[])[] = [];
    const named = this.#byHost.get(host);
    if (named !== undefined) lists.push(named);
    const shaped = this.#bySegment.collect(path);
    if (shaped.length > 0) lists.push(shaped.length > 1 ? shaped.sort(compareRank) : shaped);
    if (this.#others.length > 0) lists.push(this.#others);
    return lists;
  }
}

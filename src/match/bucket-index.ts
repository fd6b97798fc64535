import type { Candidate } from "./candidate.ts";
import { PathTable } from "./path-table.ts";
import { hashText } from "./prefix-hashes.ts";
import { compareRank } from "./rank.ts";
import { SegmentTrie } from "./segment-trie.ts";
import { insertRanked, removeRanked } from "./ranked-list.ts";

/** The routes of one host: one, as it nearly always is, or several, best first. */
type Named<T> = Candidate<T> | Candidate<T>[];

/**
 * Narrows many routes of one place down to those that may fit a request: by host, where the router does not index hosts and the route names only exact ones; by the
 * segments of the path, where it has parameters. The others are always tried.
 */
export class BucketIndex<T> {
  readonly #byHost = new PathTable<Named<T>>();
  readonly #bySegment = new SegmentTrie<T>();
  /** How many routes are indexed by their segments. */
  #shaped = 0;
  readonly #others: Candidate<T>[] = [];

  add(candidate: Candidate<T>): void {
    const { exactHosts } = candidate.route;
    if (exactHosts !== undefined) {
      for (const host of exactHosts) {
        this.#byHost.update(0, host, (before) => {
          if (before === undefined) return candidate;
          const list = Array.isArray(before) ? before : [before];
          insertRanked(list, candidate);
          return list;
        });
      }
    } else if (candidate.pattern.parts !== undefined) {
      this.#bySegment.add(candidate, candidate.pattern.parts);
      this.#shaped++;
    } else insertRanked(this.#others, candidate);
  }

  remove(candidate: Candidate<T>): void {
    const { exactHosts } = candidate.route;
    if (exactHosts !== undefined) {
      for (const host of exactHosts) {
        this.#byHost.update(0, host, (before) => {
          if (!Array.isArray(before)) return before === candidate ? undefined : before;
          removeRanked(before, candidate);
          return before.length === 1 ? before[0] : before;
        });
      }
    } else if (candidate.pattern.parts !== undefined) {
      this.#bySegment.remove(candidate, candidate.pattern.parts);
      this.#shaped--;
    } else removeRanked(this.#others, candidate);
  }

  /** The routes that may fit, best first. */
  fitting(host: string, path: string): readonly Candidate<T>[] {
    const found: Candidate<T>[] = [];
    if (this.#byHost.size > 0) {
      const named = this.#byHost.find(0, hashText(host, 0, host.length), host, 0, host.length);
      if (Array.isArray(named)) found.push(...named);
      else if (named !== undefined) found.push(named);
    }
    // Those of one host, or the others, are in order; of two kinds, they are not.
    let sorted = true;
    if (this.#shaped > 0) {
      const before = found.length;
      this.#bySegment.collect(path, found);
      sorted = found.length === before || found.length === 1;
    }
    const { length } = this.#others;
    if (length > 0) {
      if (found.length === 0) return this.#others;
      for (let i = 0; i < length; i++) found.push(this.#others[i]!);
      sorted = false;
    }
    return sorted ? found : found.sort(compareRank);
  }
}

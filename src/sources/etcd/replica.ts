import type { Edit, Revision } from "../batch-queue.ts";
import type { Header, KeyValue, WatchEvent } from "./client.ts";
import { Doubt } from "./doubt.ts";
import { toText } from "./keys.ts";

/** The whole content of the prefix at one revision. */
export interface Listing {
  readonly header: Header;
  /** By byte string of the whole key. */
  readonly items: ReadonlyMap<string, KeyValue>;
}

/** What a fresh list changed. */
export interface Replacement {
  readonly revision: Revision;
  /** Changes that the watch should have told before: the list found them older than what was already known. */
  readonly repaired: number;
}

const equals = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/**
 * What is held of etcd: every key with its value, and where in etcd's history that is. Only whole revisions go in. Nothing is copied
 * or rebuilt per event.
 */
export class Replica {
  readonly #prefix: string;
  #items = new Map<string, KeyValue>();
  #revision = 0;
  #term = 0;
  #clusterId: string | undefined;

  /** @param prefix Byte string that every key begins with. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** That was listed, or that the last event had; never one that only a header told. 0 before the first list. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#items.size;
  }

  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /** In words, how `header` shows that etcd lost its history or is another one; `undefined` where nothing shows that. */
  historyLoss(header: Header): string | undefined {
    if (this.#clusterId === header.clusterId && header.revision < this.#revision) {
      return `etcd's revision went back from ${this.#revision} to ${header.revision} (wiped, or restored from a backup)`;
    }
    return this.identityLoss(header);
  }

  /** As {@link historyLoss}, of a header whose revision says nothing. */
  identityLoss(header: Header): string | undefined {
    if (this.#clusterId !== undefined && header.clusterId !== this.#clusterId) {
      return `this is another etcd cluster (${header.clusterId}, it was ${this.#clusterId})`;
    }
    if (header.term < this.#term) {
      return `etcd's term went back from ${this.#term} to ${header.term} (wiped, or restored from a backup)`;
    }
    return undefined;
  }

  /** Takes a fresh list, and says in what it differs from what was held. */
  replace({ header, items }: Listing, reset: string | undefined): Replacement {
    const known = this.#revision;
    const edits: Edit[] = [];
    let repaired = 0;
    for (const [key, item] of items) {
      const held = this.#items.get(key);
      // All three are needed: a store that was wiped counts its revisions anew, and may reach the same numbers with other values.
      if (held && held.mod === item.mod && held.create === item.create && equals(held.value, item.value)) continue;
      if (known > 0 && reset === undefined && item.mod <= known) repaired++;
      edits.push(this.#toEdit(item, !held));
    }
    for (const key of this.#items.keys()) {
      if (items.has(key)) continue;
      if (reset === undefined && header.revision === known) repaired++;
      edits.push({ key: this.#toKey(key), value: undefined, revision: header.revision, fresh: false });
    }
    this.#items = new Map(items);
    this.#revision = header.revision;
    this.#term = header.term;
    this.#clusterId = header.clusterId;
    const revision = { revision: header.revision, edits };
    return { revision: reset === undefined ? revision : { ...revision, reset }, repaired };
  }

  /**
   * Takes the events of one whole revision.
   *
   * @returns `undefined` where they are known already: some versions of etcd send events twice.
   */
  apply(events: readonly WatchEvent[]): Revision | undefined {
    const revision = events[0]?.item.mod ?? 0;
    if (revision <= this.#revision) return undefined;
    const edits = new Map<string, Edit>();
    for (const { deleted, item } of events) {
      if (!item.key.startsWith(this.#prefix)) throw new Doubt("protocol", "etcd sent a key outside of the prefix");
      const fresh = !(edits.get(item.key)?.fresh === false || this.#items.has(item.key));
      if (deleted) {
        if (!this.#items.delete(item.key)) continue;
        edits.set(item.key, { key: this.#toKey(item.key), value: undefined, revision, fresh });
      } else {
        this.#items.set(item.key, item);
        edits.set(item.key, this.#toEdit(item, fresh));
      }
    }
    this.#revision = revision;
    return { revision, edits: [...edits.values()] };
  }

  /** Remembers the term that a watch told, which grows with every election. */
  heard(header: Header): void {
    if (header.term > this.#term) this.#term = header.term;
  }

  #toEdit(item: KeyValue, fresh: boolean): Edit {
    return { key: this.#toKey(item.key), value: item.value, revision: item.mod, fresh };
  }

  #toKey(key: string): string {
    return toText(key.slice(this.#prefix.length));
  }
}

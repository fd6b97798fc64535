import type { Issue } from "../config/issue.ts";
import type { Kind } from "../config/kinds.ts";
import type { LoadOptions } from "../config/load.ts";
import type { ResourceOf } from "../config/resource.ts";
import { Commit } from "./commit.ts";
import type { Delta, ServedKind } from "./delta.ts";
import { type Contents, createContents } from "./contents.ts";
import { toStatus, withTrouble } from "./entry.ts";
import type { Counts, KeyFilter, KeyStatus } from "./key-status.ts";
import { type Held, type Read, readAgain, readChanges, type Sealed } from "./reader.ts";
import type { ReferenceExtractor, ResourceName } from "./references.ts";
import type { Batch } from "./source.ts";

/** How a store reads and what it tells. */
export interface StoreOptions {
  /** Plugins, limits, secrets. Default: no plugin is known and no secret resolves. */
  readonly load?: Omit<LoadOptions, "managerOf" | "hidden">;
  /** The source's, put before keys in {@link KeyStatus.key}. Default: empty. */
  readonly prefix?: string;
  /** Finds references inside plugins' configurations. Default: none. */
  readonly references?: ReferenceExtractor;
  /** Bytes that the values of all served keys may have together, each with 256 bytes on top. Default: 268435456 (256 MiB). */
  readonly maxTotalBytes?: number;
  /**
   * Called in the same turn of the event loop in which a batch takes effect, so that nobody sees the store without what is derived from it. It
   * must not throw: the batch is applied by then.
   */
  readonly onCommit?: (delta: Delta) => void;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/**
 * The current resources, fed by batches of a source. A bad value costs its own key alone: the last good one goes on being served until
 * the key is written well or deleted, whether the bad value came by a watch or by a new list.
 *
 * @example
 * ```ts
 * const store = new Store({ onCommit: (delta) => table.apply(delta) });
 * for await (const batch of source.read(signal)) await store.apply(batch);
 * ```
 */
export class Store {
  readonly #options: StoreOptions;
  readonly #contents: Contents;
  #queue: Promise<unknown> = Promise.resolve();
  #counts: Counts | undefined;
  #revisions: Readonly<Partial<Record<Kind, number>>> | undefined;

  constructor(options: StoreOptions = {}) {
    this.#options = options;
    this.#contents = createContents();
  }

  /** The revision of the last batch that was applied; `undefined` before the first. */
  get revision(): number | undefined {
    return this.#contents.revision;
  }

  /**
   * Applies a batch: reads everything first, letting other work run, then commits all of it in one turn and calls
   * {@link StoreOptions.onCommit} in that turn. Calls wait for one another.
   *
   * @throws what `onCommit` throws.
   */
  apply(batch: Batch): Promise<Delta> {
    return this.#enqueue(async () => {
      const reads = await readChanges(batch.changes, this.#held, this.#options.load ?? {});
      return this.#commit(reads, batch);
    });
  }

  /**
   * Reads again what refers to secrets of managers, since one of them may have changed, and commits what that comes to under the revision that
   * is served. Waits for batches that are being applied.
   *
   * @returns undefined where nothing was chosen.
   */
  reread(choose: (sealed: Sealed) => boolean): Promise<Delta | undefined> {
    return this.#enqueue(async () => {
      const { revision } = this.#contents;
      const chosen = [...this.#contents.sealed.values()].filter(choose);
      if (chosen.length === 0 || revision === undefined) return undefined;
      const reads = await readAgain(chosen, this.#held, this.#options.load ?? {});
      return this.#commit(reads, { revision });
    });
  }

  /** Values that refer to secrets of managers. */
  sealed(): Iterable<Sealed> {
    return this.#contents.sealed.values();
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    // Without its result: the first list's would be held until the next batch.
    this.#queue = done.then(ignore, ignore);
    return done;
  }

  #commit(reads: readonly Read[], batch: Pick<Batch, "revision" | "reset">): Delta {
    const delta = new Commit(this.#contents, this.#options).run(reads, batch);
    this.#counts = undefined;
    this.#revisions = undefined;
    this.#options.onCommit?.(delta);
    return delta;
  }

  readonly #held: Held = {
    hashOf: (kind, id) => {
      const entry = this.#contents.entries.get(kind, id);
      if (entry === undefined) return undefined;
      // A secret that could not be fetched then may be there now.
      const failed = entry.trouble?.refusal !== undefined || entry.trouble?.unresolved !== undefined;
      const retry = failed && this.#contents.sealed.has(entry.key);
      return retry ? undefined : entry.hash;
    },
    managerOf: (id) => this.get("secret", id),
    sealed: () => this.#contents.sealed.values(),
  };

  /** What is served for a key; `undefined` where nothing is. */
  get<K extends ServedKind>(kind: K, id: string): ResourceOf<K> | undefined {
    return this.#contents.entries.get(kind, id)?.resource as ResourceOf<K> | undefined;
  }

  /** Every served resource of a kind, in the order in which their keys first came. */
  all<K extends ServedKind>(kind: K): IterableIterator<ResourceOf<K>> {
    return this.#contents.entries.served(kind) as IterableIterator<ResourceOf<K>>;
  }

  /** How many resources of a kind are served. */
  size(kind: ServedKind): number {
    return this.counts().kinds[kind] ?? 0;
  }

  /** Who refers to a resource directly, whether that is there or not. Takes time in proportion to the answer. */
  dependents(kind: Kind, id: string): readonly ResourceName[] {
    return this.#contents.references.direct(kind, id);
  }

  /** Who refers to a resource, directly or through others, as routes do to an upstream through a service. */
  allDependents(kind: Kind, id: string): readonly ResourceName[] {
    return this.#contents.references.transitive(kind, id);
  }

  /** What became of each key. */
  *keys(filter: KeyFilter = {}): Generator<KeyStatus> {
    for (const entry of this.#contents.entries.all(filter.kind)) {
      if (filter.states !== undefined && !filter.states.includes(entry.state)) continue;
      const status = toStatus(entry, this.#options.prefix);
      if (filter.warned !== undefined && filter.warned !== status.warnings.length > 0) continue;
      yield status;
    }
  }

  /** How many resources are served of each kind, and how many keys are in each state. */
  counts(): Counts {
    return this.#counts ??= this.#contents.entries.counts();
  }

  /** The highest revision among the keys of each kind; kinds without keys are left out. */
  revisions(): Readonly<Partial<Record<Kind, number>>> {
    return this.#revisions ??= this.#contents.entries.revisions();
  }

  /**
   * Lets a higher floor add warnings to a key, as that another route shadows it; they replace the topic's earlier ones and go with the
   * key. Unknown keys are left alone.
   */
  annotate(kind: ServedKind, id: string, topic: string, warnings: readonly Issue[]): void {
    const entry = this.#contents.entries.get(kind, id);
    if (entry === undefined) return;
    const notes = new Map(entry.trouble?.notes);
    if (warnings.length === 0) notes.delete(topic);
    else notes.set(topic, warnings);
    entry.trouble = withTrouble(entry.trouble, { notes });
  }
}

function ignore(): void {}

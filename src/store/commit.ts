import type { GlobalRule } from "../config/global-rule.ts";
import type { Issue } from "../config/issue.ts";
import { quote } from "../config/issue.ts";
import type { Resource } from "../config/resource.ts";
import type { Contents } from "./contents.ts";
import type { Delta, ResourceChange } from "./delta.ts";
import { type Entry, stateOf, toStatus, withTrouble } from "./entry.ts";
import { withoutDuplicates } from "./global-rules.ts";
import type { KeyState } from "./key-status.ts";
import type { Read } from "./reader.ts";
import { type Reference, type ReferenceExtractor, referencesOf } from "./references.ts";
import type { Batch } from "./source.ts";

/** What a commit needs to know of its store. */
export interface CommitOptions {
  readonly prefix?: string;
  readonly references?: ReferenceExtractor;
  readonly maxTotalBytes?: number;
  readonly now?: () => number;
}

const DEFAULT_MAX_TOTAL_BYTES = 256 * 1024 * 1024;
/** What a key costs beside its value, so that many tiny ones count, too. */
const KEY_BYTES = 256;

/** One batch taking effect, all at once: nothing in here waits. */
export class Commit {
  readonly #contents: Contents;
  readonly #options: CommitOptions;
  readonly #now: number;
  /** What was served before, for every entry whose resource is another one now. */
  readonly #before = new Map<Entry, Resource | undefined>();
  /** State before, for every entry that was touched; `undefined` for new ones. */
  readonly #states = new Map<Entry, KeyState | undefined>();
  readonly #refused = new Set<Entry>();
  #globalRules = false;

  constructor(contents: Contents, options: CommitOptions) {
    this.#contents = contents;
    this.#options = options;
    this.#now = (options.now ?? Date.now)();
  }

  run(reads: readonly Read[], batch: Pick<Batch, "revision" | "reset">): Delta {
    for (const read of reads) this.#take(read);
    if (this.#globalRules) this.#mergeGlobalRules();
    this.#touchDependents();
    for (const entry of this.#states.keys()) this.#settle(entry);
    const contents = this.#contents;
    const first = contents.revision === undefined;
    contents.revision = batch.revision;
    const delta = { revision: batch.revision, changes: this.#changes(), first, transitions: this.#transitions() };
    return batch.reset === undefined ? delta : { ...delta, reset: batch.reset };
  }

  #take(read: Read): void {
    const entry = this.#contents.entries.get(read.kind, read.id);
    const { outcome } = read;
    if (outcome === "deleted") {
      if (entry !== undefined) this.#delete(entry);
      return;
    }
    if (outcome === "same") {
      if (entry !== undefined) entry.revision = read.revision;
      return;
    }
    const target = entry ?? this.#create(read);
    this.#touch(target);
    target.revision = read.revision;
    if (read.sealed === undefined) this.#contents.sealed.delete(read.key);
    else this.#contents.sealed.set(read.key, read.sealed);
    if (!outcome.ok) this.#refuse(target, read.hash, outcome.state, outcome.issues);
    else if (read.unresolved !== undefined && isWhole(target)) {
      this.#refuse(target, read.hash, "rejected", read.unresolved);
    } else if (target.trouble?.goodHash === read.hash && read.sealed === undefined) this.#restore(target, read.hash);
    else this.#accept(target, read, outcome.resource, outcome.warnings);
  }

  #create({ key, kind, id, revision, hash }: Read): Entry {
    const entry: Entry = {
      key,
      kind,
      id,
      revision,
      hash,
      size: 0,
      state: "rejected",
      since: this.#now,
      resource: undefined,
      trouble: undefined,
    };
    this.#contents.entries.set(entry);
    this.#states.set(entry, undefined);
    return entry;
  }

  #delete(entry: Entry): void {
    this.#contents.entries.delete(entry);
    this.#contents.sealed.delete(entry.key);
    this.#contents.bytes -= cost(entry);
    if (entry.kind === "global_rule") {
      this.#contents.globalRules.delete(entry.id);
      this.#globalRules = true;
    }
    this.#serve(entry, undefined);
    this.#states.delete(entry);
  }

  #accept(entry: Entry, { hash, size, unresolved }: Read, resource: Resource, warnings: readonly Issue[]): void {
    const { maxTotalBytes = DEFAULT_MAX_TOTAL_BYTES } = this.#options;
    const bytes = this.#contents.bytes - cost(entry) + size + KEY_BYTES;
    if (bytes > maxTotalBytes) {
      const message = `cannot be held, as all values together must be at most ${maxTotalBytes} bytes`;
      return this.#refuse(entry, hash, "rejected", [{ path: "", message }]);
    }
    this.#contents.bytes = bytes;
    entry.hash = hash;
    entry.size = size;
    if (entry.kind === "global_rule") {
      this.#contents.globalRules.set(entry.id, resource as GlobalRule);
      this.#globalRules = true;
    }
    entry.trouble = withTrouble(entry.trouble, { refusal: undefined, goodHash: undefined, warnings, unresolved });
    this.#serve(entry, resource);
  }

  /** The good value that is still served was stored again. */
  #restore(entry: Entry, hash: number): void {
    entry.hash = hash;
    entry.trouble = withTrouble(entry.trouble, { refusal: undefined, goodHash: undefined });
  }

  #refuse(entry: Entry, hash: number, state: "rejected" | "unsupported", issues: readonly Issue[]): void {
    const goodHash = entry.resource === undefined ? undefined : entry.trouble?.goodHash ?? entry.hash;
    entry.hash = hash;
    entry.trouble = withTrouble(entry.trouble, { refusal: { state, issues }, goodHash });
    this.#refused.add(entry);
  }

  /** Changes what is served for an entry, and who refers to whom. */
  #serve(entry: Entry, resource: Resource | undefined): void {
    const { resource: before } = entry;
    if (before === resource) return;
    if (!this.#before.has(entry)) this.#before.set(entry, before);
    if (entry.kind !== "unknown") {
      const from = { kind: entry.kind, id: entry.id };
      if (before !== undefined) this.#contents.references.remove(from, this.#referencesOf(entry, before));
      if (resource !== undefined) this.#contents.references.add(from, this.#referencesOf(entry, resource));
    }
    entry.resource = resource;
  }

  #referencesOf(entry: Entry, resource: Resource): Reference[] {
    if (entry.kind === "unknown") return [];
    const found = referencesOf(entry.kind, resource);
    try {
      return [...found, ...this.#options.references?.(entry.kind, resource) ?? []];
    } catch {
      // Half a commit would be worse than a reference that is not watched.
      return found;
    }
  }

  #mergeGlobalRules(): void {
    for (const [id, { rule, warnings }] of withoutDuplicates(this.#contents.globalRules)) {
      const entry = this.#contents.entries.get("global_rule", id);
      if (entry === undefined) continue;
      const notes = new Map(entry.trouble?.notes);
      const had = notes.get("duplicates");
      if (had === undefined && warnings.length === 0 && entry.resource === rule) continue;
      this.#touch(entry);
      if (warnings.length === 0) notes.delete("duplicates");
      else notes.set("duplicates", warnings);
      entry.trouble = withTrouble(entry.trouble, { notes });
      if (!samePlugins(entry.resource as GlobalRule | undefined, rule)) this.#serve(entry, rule);
    }
  }

  /** What appeared or went settles who refers to it. */
  #touchDependents(): void {
    // In the first list everything is new, and touched.
    if (this.#contents.revision === undefined) return;
    for (const [entry, before] of this.#before) {
      if (entry.kind === "unknown" || (before === undefined) === (entry.resource === undefined)) continue;
      for (const { kind, id } of this.#contents.references.direct(entry.kind, entry.id)) {
        const dependent = this.#contents.entries.get(kind, id);
        if (dependent !== undefined) this.#touch(dependent);
      }
    }
  }

  #touch(entry: Entry): void {
    if (!this.#states.has(entry)) this.#states.set(entry, entry.state);
  }

  #settle(entry: Entry): void {
    const missing: Issue[] = [];
    const references = entry.resource === undefined ? [] : this.#referencesOf(entry, entry.resource);
    for (const { kind, id, path } of references) {
      if (this.#contents.entries.get(kind, id)?.resource !== undefined) continue;
      missing.push({ path, message: `refers to ${kind} ${quote(id, 64)}, which is not there` });
    }
    if (missing.length > 0 || entry.trouble?.missing !== undefined) {
      entry.trouble = withTrouble(entry.trouble, { missing });
    }
    const state = stateOf(entry);
    if (state !== entry.state) entry.since = this.#now;
    entry.state = state;
  }

  #changes(): ResourceChange[] {
    const changes: ResourceChange[] = [];
    for (const [{ kind, id, resource: after }, before] of this.#before) {
      if (before !== after) changes.push({ kind, id, before, after } as ResourceChange);
    }
    return changes;
  }

  #transitions(): Delta["transitions"] {
    const told: Entry[] = [];
    for (const [entry, before] of this.#states) {
      if (this.#refused.has(entry) || entry.state !== (before ?? "active")) told.push(entry);
    }
    return told.map((entry) => toStatus(entry, this.#options.prefix));
  }
}

/** Whether a value is served that is more than an outline, and so better than one. */
function isWhole({ resource, trouble }: Entry): boolean {
  return resource !== undefined && trouble?.unresolved === undefined;
}

function cost(entry: Entry): number {
  return entry.resource === undefined ? 0 : entry.size + KEY_BYTES;
}

/** Whether two global rules run the same plugins in the same way; uses of plugins are shared, never copied. */
function samePlugins(a: GlobalRule | undefined, b: GlobalRule): boolean {
  if (a === undefined) return false;
  const names = Object.keys(a.plugins);
  return names.length === Object.keys(b.plugins).length && names.every((name) => a.plugins[name] === b.plugins[name]);
}

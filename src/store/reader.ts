import type { Issue } from "../config/issue.ts";
import { parseKey } from "../config/key.ts";
import type { Kind } from "../config/kinds.ts";
import { type Loaded, type LoadOptions, loadResource } from "../config/load.ts";
import type { Secret } from "../config/secret.ts";
import { managerOfName } from "../config/secrets.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Change } from "./source.ts";

/** A change that was read: what its key names, and what its value is. */
export interface Read {
  readonly key: string;
  readonly kind: Kind | "unknown";
  readonly id: string;
  readonly revision: number;
  readonly hash: number;
  readonly size: number;
  readonly outcome: Outcome;
  /** Why the outcome is but an outline, where it is. */
  readonly unresolved?: readonly Issue[];
  /** Kept for values that refer to a secret manager, to be read again when that changes. */
  readonly sealed?: Sealed;
}

/** A value that must be read again when one of its secrets, or a manager of them, changes. */
export interface Sealed {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly revision: number;
  /** Secrets that it refers to, as in `vault/1/jack/key`: true where it was resolved. */
  readonly fetched: ReadonlyMap<string, boolean>;
}

export type Outcome = "deleted" | "same" | Loaded["result"];

/** What the reader must know of what is held. */
export interface Held {
  /** Fingerprint of the stored bytes, where the same bytes need not be read again. */
  hashOf(kind: Kind, id: string): number | undefined;
  managerOf(id: string): Secret | undefined;
  sealed(): Iterable<Sealed>;
}

/** Longest time that reading keeps the event loop to itself, in milliseconds: requests go on while 50,000 routes are read. */
const SLICE_MS = 8;
/** Values whose secrets are resolved at once. */
const AT_ONCE = 64;

/**
 * Reads what a batch holds, without changing anything: parses, resolves secrets, and lets other work run in between. Secret managers are
 * read first, then what the batch brings, then older values that refer to a manager that the batch changes.
 */
export async function readChanges(changes: readonly Change[], held: Held, options: LoadOptions): Promise<Read[]> {
  const managers = changes.filter((change) => change.key.startsWith("secrets/"));
  const others = managers.length === 0 ? changes : changes.filter((change) => !change.key.startsWith("secrets/"));
  const fresh = new Map<string, Secret | undefined>();
  const managerOf = (id: string): Secret | undefined => fresh.has(id) ? fresh.get(id) : held.managerOf(id);
  const reads = await readAll(managers, held, { ...options, managerOf });
  for (const { kind, id, outcome } of reads) {
    if (kind !== "secret" || outcome === "same") continue;
    if (outcome === "deleted") fresh.set(id, undefined);
    // A manager that became unreadable stays as it was, as every resource does.
    else if (outcome.ok) fresh.set(id, outcome.resource as Secret);
  }
  reads.push(...await readAll(others, held, { ...options, managerOf }));
  if (fresh.size > 0) {
    const touched = new Set(changes.map((change) => change.key));
    const again: Change[] = [];
    for (const { key, bytes, revision, fetched } of held.sealed()) {
      if (touched.has(key) || ![...fetched.keys()].some((name) => fresh.has(managerOfName(name)))) continue;
      again.push({ key, value: bytes, revision });
    }
    reads.push(...await readAll(again, { hashOf: () => undefined }, { ...options, managerOf }));
  }
  return reads;
}

/** Reads values again, as if they had been stored anew. */
export function readAgain(sealed: readonly Sealed[], held: Held, options: LoadOptions): Promise<Read[]> {
  const changes = sealed.map(({ key, bytes, revision }) => ({ key, value: bytes, revision }));
  return readAll(changes, { hashOf: () => undefined }, { ...options, managerOf: held.managerOf });
}

async function readAll(changes: readonly Change[], held: Pick<Held, "hashOf">, options: LoadOptions): Promise<Read[]> {
  const reads: Read[] = [];
  let waiting: Promise<Read>[] = [];
  let since = performance.now();
  for (const [index, change] of changes.entries()) {
    const read = readOne(change, held, options);
    if (read instanceof Promise) waiting.push(read);
    else if (read !== undefined) reads.push(read);
    if (waiting.length >= AT_ONCE) {
      reads.push(...await Promise.all(waiting));
      waiting = [];
    }
    if (index % 16 === 15 && performance.now() - since > SLICE_MS) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      since = performance.now();
    }
  }
  reads.push(...await Promise.all(waiting));
  return reads;
}

function readOne(
  { key, value, revision }: Change,
  held: Pick<Held, "hashOf">,
  options: LoadOptions,
): Read | Promise<Read> | undefined {
  const parsed = parseKey(key, value);
  if (parsed === "ignored") {
    // The key may have held something else before: a placeholder over it ends that.
    return { key, kind: "unknown", id: key, revision, hash: 0, size: 0, outcome: "deleted" };
  }
  if (parsed.kind === "unknown") {
    const outcome: Outcome = value === undefined ? "deleted" : refused(parsed.reason);
    return { key, kind: "unknown", id: key, revision, hash: 0, size: 0, outcome };
  }
  const { kind, id } = parsed;
  if (value === undefined) return { key, kind, id, revision, hash: 0, size: 0, outcome: "deleted" };
  const hash = fingerprint(value);
  const size = value.length;
  if (held.hashOf(kind, id) === hash) return { key, kind, id, revision, hash, size, outcome: "same" };
  const toRead = ({ result, fetched, unresolved }: Loaded): Read => {
    const read: Read = {
      key,
      kind,
      id,
      revision,
      hash,
      size,
      outcome: result,
      ...(unresolved === undefined ? {} : { unresolved }),
    };
    return fetched.size === 0 ? read : { ...read, sealed: { key, bytes: value, revision, fetched } };
  };
  const loaded = loadResource(kind, id, value, options);
  return loaded instanceof Promise ? loaded.then(toRead) : toRead(loaded);
}

function refused(message: string): Outcome {
  const issues: readonly Issue[] = [{ path: "", message }];
  return { ok: false, state: "rejected", issues };
}

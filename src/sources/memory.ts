import type { Batch, ConfigSource, SourceStatus } from "../store/source.ts";
import {
  checkWrite,
  type ReadAt,
  type StoredList,
  type StoredRead,
  type WritableSource,
  type Write,
  WriteError,
  type WriteResult,
} from "../store/writable.ts";
import { BatchQueue } from "./batch-queue.ts";
import { MemoryContent, onlyNow } from "./memory-content.ts";

/** What a value may be given as: bytes, text, or anything that `JSON.stringify` takes. */
export type MemoryValue = Uint8Array | string | object;

/** A source that a program writes itself, for tests and for embedding. */
export interface MemorySource extends ConfigSource, WritableSource {
  /** Puts one key in a revision of its own; returns the revision. */
  put(key: string, value: MemoryValue): number;
  /** Deletes one key in a revision of its own; returns the revision, which does not move where the key does not exist. */
  delete(key: string): number;
  /** Puts (a value) and deletes (`undefined`) together, in one revision; returns the revision. */
  transaction(changes: Readonly<Record<string, MemoryValue | undefined>>): number;
}

/** setTimeout() counts milliseconds in 31 bits. */
const LONGEST_TTL = 2_147_483;

const encoder = new TextEncoder();

function toBytes(value: MemoryValue): Uint8Array {
  if (value instanceof Uint8Array) return value.slice();
  return encoder.encode(typeof value === "string" ? value : JSON.stringify(value));
}

/**
 * A source that holds its content in memory.
 *
 * @param initial Content before the first read, as revision 1.
 * @example
 * ```ts
 * const source = memorySource({ "routes/1": { uri: "/*", upstream: { nodes: { "127.0.0.1:6699": 1 } } } });
 * const gateway = createGateway({ source });
 * source.delete("routes/1"); // gone with the next turn of the event loop
 * ```
 */
export function memorySource(initial: Readonly<Record<string, MemoryValue>> = {}): MemorySource {
  const readers = new Set<BatchQueue>();
  const content = new MemoryContent();
  let closed = false;

  function change(changes: Iterable<readonly [string, Uint8Array | undefined]>): number {
    const revision = content.change(changes);
    if (revision !== undefined) { for (const queue of readers) queue.push(revision); }
    return content.revision;
  }

  function transaction(changes: Readonly<Record<string, MemoryValue | undefined>>): number {
    return change(
      Object.entries(changes).map(([key, value]) => [key, value === undefined ? undefined : toBytes(value)] as const),
    );
  }

  function commit(write: Write): WriteResult {
    checkWrite(write, content.limits);
    const { puts = [], deletes = [], guards = [], ttl } = write;
    if (ttl !== undefined && ttl > LONGEST_TTL) {
      throw new WriteError("refused", `Cannot keep a key for ${ttl} seconds: it must be at most ${LONGEST_TTL}`);
    }
    if (!content.holds(guards)) return { ok: false, revision: content.revision };
    const revision = change([
      ...puts.map(({ key, value }) => [key, value.slice()] as const),
      ...deletes.map((key) => [key, undefined] as const),
    ]);
    if (ttl !== undefined) expire(puts.map(({ key }) => key), revision, ttl);
    return { ok: true, revision };
  }

  function expire(keys: readonly string[], revision: number, ttl: number): void {
    const timer: unknown = setTimeout(() => {
      const due = keys.filter((key) => content.get(key)?.modRevision === revision);
      change(due.map((key) => [key, undefined] as const));
    }, ttl * 1000);
    // A key that will end is no reason for the process to stay.
    (timer as { unref?: () => void }).unref?.();
  }

  transaction(initial);

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    const queue = new BatchQueue();
    const stop = () => queue.close();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    closed = false;
    readers.add(queue);
    queue.push(content.all());
    try {
      for (let batch = await queue.take(); batch; batch = await queue.take()) yield batch;
    } finally {
      signal.removeEventListener("abort", stop);
      readers.delete(queue);
      closed = true;
    }
  }

  function status(): SourceStatus {
    const state = readers.size > 0 ? "synced" : closed ? "closed" : "connecting";
    const { revision, size: keys } = content;
    return { kind: "memory", state, origin: "memory", silentMs: 0, details: { revision, keys } };
  }

  return {
    prefix: "",
    limits: content.limits,
    read,
    status,
    transaction,
    put: (key, value) => transaction({ [key]: value }),
    delete: (key) => transaction({ [key]: undefined }),
    // Asynchronous, so that what is thrown is a rejection as with every other source.
    // deno-lint-ignore require-await
    async get(key: string, { revision }: ReadAt = {}): Promise<StoredRead> {
      onlyNow(revision, content.revision, "memory");
      return { entry: content.get(key), revision: content.revision };
    },
    // deno-lint-ignore require-await
    async list(prefix: string, { revision }: ReadAt = {}): Promise<StoredList> {
      onlyNow(revision, content.revision, "memory");
      return content.list(prefix);
    },
    // deno-lint-ignore require-await
    async commit(write: Write): Promise<WriteResult> {
      return commit(write);
    },
  };
}

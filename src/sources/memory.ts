import type { Batch, ConfigSource, SourceStatus } from "../store/source.ts";
import { BatchQueue, type Edit } from "./batch-queue.ts";

/** What a value may be given as: bytes, text, or anything that `JSON.stringify` takes. */
export type MemoryValue = Uint8Array | string | object;

/** A source that a program writes itself, for tests and for embedding. */
export interface MemorySource extends ConfigSource {
  /** Puts one key in a revision of its own; returns the revision. */
  put(key: string, value: MemoryValue): number;
  /** Deletes one key in a revision of its own; returns the revision, which does not move where the key does not exist. */
  delete(key: string): number;
  /** Puts (a value) and deletes (`undefined`) together, in one revision; returns the revision. */
  transaction(changes: Readonly<Record<string, MemoryValue | undefined>>): number;
}

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
  const items = new Map<string, { readonly value: Uint8Array; readonly revision: number }>();
  const readers = new Set<BatchQueue>();
  let revision = 0;
  let closed = false;

  function transaction(changes: Readonly<Record<string, MemoryValue | undefined>>): number {
    const next = revision + 1;
    const edits: Edit[] = [];
    for (const [key, given] of Object.entries(changes)) {
      const fresh = !items.has(key);
      if (given === undefined) {
        if (fresh) continue;
        items.delete(key);
        edits.push({ key, value: undefined, revision: next, fresh });
      } else {
        const value = toBytes(given);
        items.set(key, { value, revision: next });
        edits.push({ key, value, revision: next, fresh });
      }
    }
    if (edits.length === 0) return revision;
    revision = next;
    for (const queue of readers) queue.push({ revision, edits });
    return revision;
  }

  transaction(initial);

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    const queue = new BatchQueue();
    const stop = () => queue.close();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    closed = false;
    readers.add(queue);
    queue.push({ revision, edits: Array.from(items, ([key, item]) => ({ key, ...item, fresh: true })) });
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
    return { kind: "memory", state, origin: "memory", silentMs: 0, details: { revision, keys: items.size } };
  }

  return {
    prefix: "",
    read,
    status,
    transaction,
    put: (key, value) => transaction({ [key]: value }),
    delete: (key) => transaction({ [key]: undefined }),
  };
}

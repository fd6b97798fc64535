/**
 * Where configuration is written to: the interface that the Admin API and the command line write through, whatever keeps the
 * resources. Keys and values are as in `source.ts`: relative to the prefix, and the bytes as stored.
 */

/** One key as it is stored. */
export interface StoredEntry {
  /** Relative to the source's prefix, as in `routes/1`. */
  readonly key: string;
  readonly value: Uint8Array;
  /** The revision that made the key; a key that was deleted and made again counts anew. */
  readonly createRevision: number;
  /** The revision that last wrote the key. */
  readonly modRevision: number;
}

/** A key, or its absence, and where the store stood when it was read. */
export interface StoredRead {
  readonly entry: StoredEntry | undefined;
  readonly revision: number;
}

/** Several keys, all as of one revision. */
export interface StoredList {
  /** In the order of their keys. */
  readonly entries: readonly StoredEntry[];
  readonly revision: number;
}

/** A condition of a write. */
export interface Guard {
  readonly key: string;
  /** The key must have been written last by this revision; 0: it must not exist. */
  readonly modRevision: number;
}

/** What is written together: all of it in one revision, or nothing. */
export interface Write {
  readonly puts?: readonly { readonly key: string; readonly value: Uint8Array }[];
  /** Keys that need not exist. No key may be put and deleted. */
  readonly deletes?: readonly string[];
  /** All must hold, else nothing is written. */
  readonly guards?: readonly Guard[];
  /** Seconds after which what was put is gone again, unless somebody wrote it meanwhile; without it, it stays. At least 1. */
  readonly ttl?: number;
}

/** `ok: false`: a guard did not hold, and nothing was written. */
export type WriteResult =
  | {
    readonly ok: true;
    /** The revision that the write made; where it changed nothing, the one that the store is at. */
    readonly revision: number;
  }
  | { readonly ok: false; readonly revision: number };

/** Reads may ask for the past, as far as the store keeps it. */
export interface ReadAt {
  /** Default: now. */
  readonly revision?: number;
}

/** Most that one {@link WritableSource.commit} takes. */
export interface WriteLimits {
  /** Puts and deletes together; guards may be as many again. */
  readonly operations: number;
  /** Keys and values together. */
  readonly bytes: number;
}

/**
 * A store that can be written. Memory, the resources file and etcd implement it; `tests/contracts/writable.ts` says what all of them do.
 *
 * @example
 * ```ts
 * const { entry } = await source.get("routes/1");
 * const changed = edit(entry); // and nobody else may have, meanwhile:
 * const guards = [{ key: "routes/1", modRevision: entry?.modRevision ?? 0 }];
 * const result = await source.commit({ puts: [{ key: "routes/1", value: changed }], guards });
 * if (!result.ok) retry();
 * ```
 */
export interface WritableSource {
  /** Put before a key to name it as the operator knows it; the same as the reading source's. */
  readonly prefix: string;
  readonly limits: WriteLimits;
  /** @throws WriteError */
  get(key: string, at?: ReadAt): Promise<StoredRead>;
  /** Every key that begins with `prefix`; the empty one means all. @throws WriteError */
  list(prefix: string, at?: ReadAt): Promise<StoredList>;
  /** @throws WriteError where nothing is known to be written for another reason than a guard. */
  commit(write: Write): Promise<WriteResult>;
}

/**
 * - `unavailable`: the store cannot be reached; nothing was written
 * - `uncertain`: the store did not answer in time; the write may have been made
 * - `refused`: the store does not take the write (rights, size, its own state)
 * - `unsupported`: this kind of store cannot do that at all
 * - `compacted`: the past that was asked for is no longer, or not yet, there
 */
export type WriteErrorCode = "unavailable" | "uncertain" | "refused" | "unsupported" | "compacted";

/** Why a store was not read or written. The message is for the operator and holds no credential and no stored value. */
export class WriteError extends Error {
  override readonly name: string = "WriteError";
  readonly code: WriteErrorCode;

  constructor(code: WriteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * What every source asks of a write before it looks at its content.
 *
 * @throws WriteError `refused` where the write contradicts itself or is larger than the limits.
 */
export function checkWrite({ puts = [], deletes = [], guards = [], ttl }: Write, limits: WriteLimits): void {
  const keys = [...puts.map(({ key }) => key), ...deletes];
  if (new Set(keys).size < keys.length) throw new WriteError("refused", "Cannot write the same key twice at once");
  if (keys.length > limits.operations || guards.length > limits.operations) {
    const most = limits.operations;
    throw new WriteError("refused", `Cannot write more than ${most} keys at once: they are ${keys.length}`);
  }
  const bytes = puts.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  if (bytes > limits.bytes) {
    throw new WriteError("refused", `Cannot write more than ${limits.bytes} bytes at once: they are ${bytes}`);
  }
  if (ttl !== undefined && !(Number.isSafeInteger(ttl) && ttl >= 1)) {
    throw new WriteError("refused", `Cannot keep a key for ${ttl} seconds: it must be an integer of at least 1`);
  }
}

/**
 * Where configuration comes from: etcd, a file, memory. The interface that all of them implement, and the words they share.
 * Keys are relative to the source's prefix (`routes/1`, `node`), values are the bytes as stored: what they mean is for
 * `config/` to say.
 */

/** One key's new value, or its end. */
export interface Change {
  /** Relative to the source's prefix, as in `routes/1`. Bytes that are not UTF-8 are written `\xNN`, so that no two keys are one. */
  readonly key: string;
  /** The value as stored; `undefined` where the key was deleted. The receiver may keep it: it is no view into a larger buffer. */
  readonly value: Uint8Array | undefined;
  /** The store's revision that made this change (etcd: `mod_revision`). */
  readonly revision: number;
}

/**
 * What changed between two revisions. The first batch of a source is its whole content (perhaps nothing); each later one is
 * everything that one revision of the store changed, or, after a doubt, everything that a fresh list found different.
 */
export interface Batch {
  /** The store's revision once this batch is applied. It never falls, unless {@link Batch.reset} says why. */
  readonly revision: number;
  /** No key twice. */
  readonly changes: readonly Change[];
  /** Set where the store lost its history (restored from a backup, wiped, another cluster), in words for the log. */
  readonly reset?: string;
}

/**
 * - `connecting`: nothing was listed yet
 * - `synced`: every change arrives as it is made
 * - `stale`: what was listed is served, and whether it is still true is not known
 * - `closed`: stopped by its owner
 */
export type SourceState = "connecting" | "synced" | "stale" | "closed";

/** What a source says of itself in `/status`; no field ever holds a credential. */
export interface SourceStatus {
  /** `etcd`, `file`, `memory`. */
  readonly kind: string;
  readonly state: SourceState;
  /** What is read: an endpoint with its prefix, a file's path. */
  readonly origin: string;
  /** Milliseconds since the source last heard from the store; `null` before the first time. */
  readonly silentMs: number | null;
  /** Why the state is not `synced`, or what the last doubt was. */
  readonly reason?: string;
  /** What else this kind of source can tell: counts of lists and doubts, the cluster's id. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

/**
 * A source of configuration. It never throws and never ends by itself: what goes wrong is in {@link ConfigSource.status}, and the source tries
 * again for as long as it is read.
 *
 * @example
 * ```ts
 * for await (const batch of source.read(signal)) await store.apply(batch);
 * ```
 */
export interface ConfigSource {
  /** Put before a {@link Change.key} to name it as the operator knows it: `/gatewatch/` for etcd, empty for a file. */
  readonly prefix: string;
  /**
   * Yields batches until `signal` aborts; then it releases what it holds (sockets, timers, file watches) and ends without an error.
   * A source is read once at a time. A slow reader makes it join revisions into one batch; it never grows without bound and never
   * splits a revision.
   */
  read(signal: AbortSignal): AsyncIterable<Batch>;
  status(): SourceStatus;
}

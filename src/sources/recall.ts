import type { Batch, Change, ConfigSource, SourceStatus } from "../store/source.ts";
import type { LogLevel, SourceLog } from "./log.ts";
import { Relay } from "./relay.ts";
import { isExposed, readSnapshot, type Snapshot } from "./snapshot-file.ts";

export interface RecallOptions {
  /** File of the snapshot. */
  readonly file: string;
  /** Milliseconds that the source may take for its first content before the snapshot is served. Default 5000. */
  readonly waitMs?: number;
  /** Takes the wrapper's log lines. Default: nothing is logged. */
  readonly log?: SourceLog;
}

/**
 * Starts from a snapshot where the source does not answer in time. The state is `stale` until the source answers; then only what differs is
 * told. A damaged file is refused, and named in the log and the status. `record.ts` writes the file.
 */
export function recallSource(inner: ConfigSource, options: RecallOptions): ConfigSource {
  let recall: Recall | undefined;

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    const relay = new Relay(inner, signal);
    const own = new Recall(inner, options);
    recall = own;
    const timer = setTimeout(() => relay.wake(), options.waitMs ?? 5000);
    try {
      for (let event = await relay.next(); event !== "ended"; event = await relay.next()) {
        if (event !== "woken") clearTimeout(timer);
        const batch = event === "woken" ? await own.load() : own.take(event);
        if (batch && !signal.aborted) yield batch;
      }
    } finally {
      clearTimeout(timer);
      await relay.stop();
    }
  }

  return { prefix: inner.prefix, read, status: () => recall ? recall.status() : inner.status() };
}

class Recall {
  readonly #inner: ConfigSource;
  readonly #options: RecallOptions;
  /** What the file gave; forgotten when the source has spoken. */
  #snapshot: Snapshot | undefined;
  #heard = false;
  #trouble: string | undefined;

  constructor(inner: ConfigSource, options: RecallOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  status(): SourceStatus {
    const status = this.#inner.status();
    if (this.#trouble === undefined && !this.#snapshot) return status;
    const trouble = this.#trouble === undefined ? {} : { snapshotTrouble: this.#trouble };
    if (!this.#snapshot || status.state === "closed") return { ...status, details: { ...status.details, ...trouble } };
    const { savedAt, revision } = this.#snapshot;
    const why = status.reason === undefined ? "" : `: ${status.reason}`;
    return {
      ...status,
      state: "stale",
      reason: `served from the snapshot of ${savedAt}${why}`,
      details: { ...status.details, ...trouble, snapshotRevision: revision, snapshotSavedAt: savedAt },
    };
  }

  /** The file's content, where the source has not spoken and the file is good. */
  async load(): Promise<Batch | undefined> {
    if (this.#heard || this.#snapshot) return undefined;
    const { file } = this.#options;
    try {
      const snapshot = await readSnapshot(file);
      if (!snapshot) return this.#fail("warn", `there is no snapshot at ${file} to start from`);
      const { prefix, savedAt, revision, items } = snapshot;
      if (prefix !== this.#inner.prefix) {
        return this.#fail("error", `the snapshot ${file} is of the prefix '${prefix}', not of '${this.#inner.prefix}'`);
      }
      if (await isExposed(file)) this.#log("warn", `the snapshot ${file} can be read by others than its owner`);
      this.#snapshot = snapshot;
      this.#log("warn", `serving the snapshot ${file} until the source answers`, {
        savedAt,
        revision,
        keys: items.length,
      });
      return { revision, changes: items };
    } catch (error) {
      return this.#fail("error", `the snapshot ${file} is refused: ${(error as Error).message}`);
    }
  }

  /** A batch of the source: what to pass on of it. */
  take(batch: Batch): Batch {
    const snapshot = this.#snapshot;
    this.#heard = true;
    this.#snapshot = undefined;
    return snapshot ? this.#differ(batch, snapshot) : batch;
  }

  /** In what the source's whole content differs from the file's. */
  #differ(batch: Batch, { revision, clusterId, items }: Snapshot): Batch {
    const held = new Map(items.map(({ key, value }) => [key, value]));
    const changes = batch.changes.filter(({ key, value }): boolean => {
      const before = held.get(key);
      held.delete(key);
      return !before || !value || Buffer.compare(before, value) !== 0;
    });
    const gone = Array.from(held.keys(), (key): Change => ({ key, value: undefined, revision: batch.revision }));
    const reset = this.#historyLoss(batch, revision, clusterId);
    this.#log("info", "the source answered, and takes over from the snapshot", {
      changes: changes.length + gone.length,
    });
    return {
      revision: batch.revision,
      changes: [...changes, ...gone],
      ...(reset === undefined ? {} : { reset }),
    };
  }

  #historyLoss(batch: Batch, revision: number, clusterId: string | null): string | undefined {
    const now = this.#inner.status().details?.["clusterId"];
    if (clusterId !== null && typeof now === "string" && now !== clusterId) {
      return `the snapshot is of another etcd cluster (${clusterId}, this is ${now})`;
    }
    if (batch.revision < revision) return `the store is at revision ${batch.revision}, the snapshot was at ${revision}`;
    return batch.reset;
  }

  #fail(level: LogLevel, trouble: string): undefined {
    this.#trouble = trouble;
    this.#log(level, trouble);
  }

  #log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#options.log?.(level, message, fields);
  }
}

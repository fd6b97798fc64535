import type { Batch, Change, ConfigSource, SourceStatus } from "../store/source.ts";
import type { SourceLog } from "./log.ts";
import { writeSnapshot } from "./snapshot-file.ts";

export interface RecordOptions {
  /** File of the snapshot; its folder must exist. */
  readonly file: string;
  /** Milliseconds without a change after which the snapshot is written. Default 1000; ten times that at most while changes go on. */
  readonly settleMs?: number;
  /** Takes the wrapper's log lines. Default: nothing is logged. */
  readonly log?: SourceLog;
}

/** Writes what passes to a snapshot, for `recall.ts` to start from. */
export function recordSource(inner: ConfigSource, options: RecordOptions): ConfigSource {
  let recorder: Recorder | undefined;

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    const own = new Recorder(inner, options);
    recorder = own;
    try {
      for await (const batch of inner.read(signal)) {
        own.take(batch);
        yield batch;
      }
    } finally {
      await own.stop();
    }
  }

  return {
    prefix: inner.prefix,
    read,
    status(): SourceStatus {
      const status = inner.status();
      return recorder ? { ...status, details: { ...status.details, ...recorder.details() } } : status;
    },
  };
}

class Recorder {
  readonly #inner: ConfigSource;
  readonly #options: RecordOptions;
  readonly #items = new Map<string, Change>();
  #revision = 0;
  #clusterId: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dirtySince: number | undefined;
  #writing: Promise<void> = Promise.resolve();
  #writes = 0;
  #trouble: string | undefined;

  constructor(inner: ConfigSource, options: RecordOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  details(): Readonly<Record<string, string | number>> {
    const writes = { snapshotWrites: this.#writes };
    return this.#trouble === undefined ? writes : { ...writes, snapshotTrouble: this.#trouble };
  }

  take(batch: Batch): void {
    for (const change of batch.changes) {
      if (change.value === undefined) this.#items.delete(change.key);
      else this.#items.set(change.key, change);
    }
    this.#revision = batch.revision;
    const { details } = this.#inner.status();
    // What was just read from the file is not written to it again.
    if (details?.["snapshotRevision"] !== undefined) return;
    const id = details?.["clusterId"];
    this.#clusterId = typeof id === "string" ? id : null;
    this.#schedule();
  }

  /** Writes what is not written yet. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#dirtySince !== undefined) this.#write();
    await this.#writing;
  }

  #schedule(): void {
    const { settleMs = 1000 } = this.#options;
    const now = performance.now();
    this.#dirtySince ??= now;
    const latest = this.#dirtySince + 10 * settleMs - now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#write(), Math.max(0, Math.min(settleMs, latest)));
  }

  #write(): void {
    this.#dirtySince = undefined;
    const snapshot = {
      revision: this.#revision,
      clusterId: this.#clusterId,
      prefix: this.#inner.prefix,
      savedAt: new Date().toISOString(),
      items: [...this.#items.values()],
    };
    const { file, log } = this.#options;
    this.#writing = this.#writing.then(() => writeSnapshot(file, snapshot)).then(() => {
      this.#writes++;
      this.#trouble = undefined;
    }, (error: Error) => {
      const trouble = `the snapshot ${file} cannot be written: ${error.message}`;
      // Told once, until it works again.
      if (this.#trouble !== trouble) log?.("error", trouble);
      this.#trouble = trouble;
    });
  }
}

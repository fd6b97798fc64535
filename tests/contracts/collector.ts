import type { Batch, ConfigSource } from "../../src/store/source.ts";
import { until } from "../support/until.ts";

/** Reads a source in the background, as a store does, and remembers everything that it said. */
export class Collector {
  readonly source: ConfigSource;
  readonly batches: Batch[] = [];
  /** What a store would hold now, as text. */
  readonly content: Map<string, string> = new Map();
  /** Rules of the seam that were broken. */
  readonly broken: string[] = [];
  /** Milliseconds that applying a batch takes. */
  slowness = 0;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  ended = false;
  error: unknown;

  constructor(source: ConfigSource) {
    this.source = source;
    this.#done = this.#read().catch((error) => {
      this.error = error;
    }).finally(() => this.ended = true);
  }

  get revision(): number {
    return this.batches.at(-1)?.revision ?? 0;
  }

  /** Waits until the source holds exactly this content, by key. */
  async holds(expected: Readonly<Record<string, string>> | ReadonlyMap<string, string>, limit = 5000): Promise<void> {
    const wanted = expected instanceof Map ? expected : new Map(Object.entries(expected));
    await until(() => sameMaps(this.content, wanted), {
      limit,
      what:
        `the source holds ${wanted.size} keys (it holds ${this.content.size}: ${
          [...this.content.keys()].slice(0, 5)
        }; ` +
        `status ${JSON.stringify(this.source.status())})`,
    }).catch((error) => {
      throw new Error(
        `${error.message}; now ${this.content.size} keys of ${wanted.size}, ${JSON.stringify(this.source.status())}`,
      );
    });
  }

  async synced(limit = 5000): Promise<void> {
    await until(() => this.batches.length > 0 && this.source.status().state === "synced", {
      limit,
      what: "the source is synced",
    }).catch((error) => {
      throw new Error(`${error.message}; ${JSON.stringify(this.source.status())}`);
    });
  }

  /** Stops reading; resolves to the milliseconds that it took. */
  async stop(): Promise<number> {
    const start = performance.now();
    this.#stop.abort(new Error("stopped by the test"));
    await this.#done;
    if (this.error !== undefined) throw this.error;
    return performance.now() - start;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let before: Batch | undefined;
    for await (const batch of this.source.read(this.#stop.signal)) {
      if (before && batch.revision < before.revision && batch.reset === undefined) {
        this.broken.push(`the revision fell from ${before.revision} to ${batch.revision}`);
      }
      before = batch;
      this.batches.push(batch);
      const keys = new Set<string>();
      for (const { key, value, revision } of batch.changes) {
        if (keys.has(key)) this.broken.push(`the key ${key} came twice in one batch`);
        keys.add(key);
        if (revision > batch.revision) this.broken.push(`${key} has a revision after its batch's`);
        if (value === undefined) this.content.delete(key);
        else this.content.set(key, decoder.decode(value));
      }
      if (this.slowness > 0) await new Promise((resolve) => setTimeout(resolve, this.slowness));
    }
  }
}

function sameMaps(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of b) if (a.get(key) !== value) return false;
  return true;
}

import type { Batch, ConfigSource } from "../store/source.ts";

/**
 * Reads a source for a wrapper, which can be woken between two batches. One batch waits at most, so that a slow reader slows the source down
 * and not this.
 */
export class Relay {
  readonly #left = new AbortController();
  readonly #done: Promise<void>;
  #batch: Batch | undefined;
  #woken = false;
  #ended = false;
  #wakeReader: (() => void) | undefined;
  #wakeSource: (() => void) | undefined;
  readonly #onAbort = (): void => this.#wakeSource?.();

  constructor(inner: ConfigSource, signal: AbortSignal) {
    this.#done = this.#run(inner, AbortSignal.any([signal, this.#left.signal]));
  }

  /** Makes {@link Relay.next} give `woken`, once. */
  wake(): void {
    this.#woken = true;
    this.#wakeReader?.();
  }

  /** For one reader. */
  async next(): Promise<Batch | "woken" | "ended"> {
    for (;;) {
      if (this.#woken) {
        this.#woken = false;
        return "woken";
      }
      if (this.#batch) {
        const batch = this.#batch;
        this.#batch = undefined;
        this.#wakeSource?.();
        return batch;
      }
      if (this.#ended) return "ended";
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
      this.#wakeReader = undefined;
    }
  }

  /** Ends the reading, and waits until the source has let go of what it held. */
  async stop(): Promise<void> {
    this.#left.abort(new Error("the source is no longer read"));
    this.#wakeSource?.();
    await this.#done;
  }

  async #run(inner: ConfigSource, signal: AbortSignal): Promise<void> {
    try {
      for await (const batch of inner.read(signal)) {
        this.#batch = batch;
        this.#wakeReader?.();
        if (this.#batch && !signal.aborted) await this.#taken(signal);
      }
    } finally {
      this.#ended = true;
      this.#wakeReader?.();
    }
  }

  async #taken(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeSource = resolve;
      signal.addEventListener("abort", this.#onAbort, { once: true });
    });
    signal.removeEventListener("abort", this.#onAbort);
    this.#wakeSource = undefined;
  }
}

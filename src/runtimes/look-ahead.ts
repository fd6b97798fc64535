/** What a reader yields. */
export type Part = { done: false; value: Uint8Array } | { done: true; value?: Uint8Array | undefined };

/** Reads a body one part ahead, to know whether what is at hand is all of it. */
export class LookAhead {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #pending: Promise<Part> | undefined;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  /** The next part if it is there already; it stays the next. */
  async peek(): Promise<Part | undefined> {
    let part: Part | undefined;
    this.#pending ??= this.#reader.read() as Promise<Part>;
    this.#pending.then((result) => part = result, () => {});
    // As many turns of the microtask queue as the runtimes' streams take for what is in their queue.
    for (let turn = 0; turn < 4 && part === undefined; turn++) await undefined;
    return part;
  }

  next(): Promise<Part> {
    const pending = this.#pending ?? this.#reader.read() as Promise<Part>;
    this.#pending = undefined;
    return pending;
  }

  cancel(): void {
    this.#reader.cancel().catch(() => {});
  }
}

import type { RawHeaders } from "../../net/raw-headers.ts";
import type { Stream } from "./stream.ts";

/** Sends a web stream's bytes on a stream, as fast as the other side takes them. */
export class SentBody {
  readonly #stream: Stream;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #length: number | undefined;
  #stopped = false;
  #wake: (() => void) | undefined;

  /** @param length Bytes that were announced. */
  constructor(stream: Stream, body: ReadableStream<Uint8Array>, length: number | undefined) {
    this.#stream = stream;
    this.#reader = body.getReader();
    this.#length = length;
  }

  /** Whether the other side has yet to take something. */
  get waits(): boolean {
    return this.#wake !== undefined;
  }

  /** All that was written has been sent. */
  drained(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Nobody wants the rest. */
  stop(reason: Error): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#reader.cancel(reason).catch(() => {});
    this.drained();
  }

  /**
   * Sends all of it.
   *
   * @param step Called before a part is asked for (`false`), and before it is sent (`true`).
   * @throws What the body fails with, or an Error where it is not as long as was announced.
   */
  async send(step: (sending: boolean) => void, trailers?: Promise<RawHeaders>): Promise<void> {
    let rest = this.#length ?? Infinity;
    for (;;) {
      step(false);
      const part = await this.#reader.read();
      if (this.#stopped) return;
      if (part.done) break;
      rest -= part.value.byteLength;
      if (rest < 0) throw new Error(`The body is longer than its Content-Length of ${this.#length}`);
      if (part.value.byteLength === 0) continue;
      step(true);
      if (!this.#stream.write(part.value)) await this.#drain();
      if (this.#stopped) return;
    }
    if (this.#length !== undefined && rest > 0) {
      throw new Error(`The body is ${rest} bytes shorter than its Content-Length`);
    }
    const fields = await trailers;
    if (!this.#stopped && !this.#stream.end(fields)) await this.#drain();
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }
}

import type { Stream } from "./stream.ts";

/** Bytes that a reader need not have asked for. */
const BUFFER = 64 * 1024;

/** How somebody reads a {@link ReceivedBody}. */
export interface BodyReader {
  /** Somebody waits for more. */
  wanted(): void;
  /** More is there than is asked for. */
  full(): void;
  cancelled(reason: unknown): void;
}

/** What comes on a stream as a web stream: as much is allowed to follow as has been read. */
export class ReceivedBody {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #stream: Stream;
  #source!: ReadableStreamDefaultController<Uint8Array>;
  /** Bytes received, and given back. */
  #received = 0;
  #givenBack = 0;
  #over = false;

  constructor(stream: Stream, reader: BodyReader) {
    this.#stream = stream;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#source = controller;
      },
      pull: () => {
        if (this.#over) return;
        this.#giveBack();
        reader.wanted();
      },
      cancel: (reason) => {
        this.#over = true;
        this.#drop();
        reader.cancelled(reason);
      },
    }, { highWaterMark: BUFFER, size: (chunk) => chunk?.byteLength ?? 0 });
    this.#full = () => reader.full();
  }

  readonly #full: () => void;

  add(bytes: Uint8Array): void {
    if (this.#over) return this.#stream.consumed(bytes.byteLength);
    this.#received += bytes.byteLength;
    this.#source.enqueue(bytes);
    this.#giveBack();
    if ((this.#source.desiredSize ?? 0) <= 0) this.#full();
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#source.close();
  }

  fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#source.error(error);
    this.#drop();
  }

  /** What was queued is nobody's any more: others on the connection may use its room. */
  #drop(): void {
    this.#stream.consumed(this.#received - this.#givenBack);
    this.#givenBack = this.#received;
  }

  #giveBack(): void {
    const queued = BUFFER - (this.#source.desiredSize ?? BUFFER);
    const read = this.#received - queued - this.#givenBack;
    if (read <= 0) return;
    this.#givenBack += read;
    this.#stream.consumed(read);
  }
}

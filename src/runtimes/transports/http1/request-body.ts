import type { Socket } from "node:net";
import type { RequestFraming } from "./request-head.ts";

/** Hears how a request's body is sent. */
export interface BodyListener {
  /** The node has to accept a part of it. */
  progress(): void;
  /** The client has to send the next part. */
  idle(): void;
  done(): void;
  /** The body is not what was announced, or broke off. */
  failed(what: string, cause?: unknown): void;
}

/** Sends a request's head and body, as fast as the node takes them. */
export class RequestBody {
  readonly #socket: Socket;
  readonly #framing: RequestFraming;
  readonly #body: ReadableStream<Uint8Array> | Uint8Array | null;
  readonly #listener: BodyListener;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #wake: (() => void) | undefined;
  #cancelled = false;

  constructor(
    socket: Socket,
    framing: RequestFraming,
    body: ReadableStream<Uint8Array> | Uint8Array | null,
    listener: BodyListener,
  ) {
    this.#socket = socket;
    this.#framing = framing;
    this.#body = body;
    this.#listener = listener;
  }

  start(): void {
    const body = this.#body;
    const { text, length } = this.#framing;
    if (body instanceof ReadableStream) {
      this.#socket.write(text, "latin1");
      void this.#pump(body);
      return;
    }
    const bytes = body ?? new Uint8Array(0);
    if (length !== bytes.byteLength) {
      return this.#listener.failed(`The body has ${bytes.byteLength} bytes, Content-Length is ${length}`);
    }
    this.#socket.cork();
    this.#socket.write(text, "latin1");
    this.#listener.progress();
    const flushed = this.#socket.write(bytes);
    this.#socket.uncork();
    if (flushed) this.#listener.done();
    else this.#wake = () => this.#listener.done();
  }

  /** The socket takes more. */
  drained(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Sends no more. */
  stop(): void {
    this.#cancelled = true;
    this.drained();
  }

  /** Sends no more, and tells the body's source. */
  cancel(): void {
    this.stop();
    this.#reader?.cancel(new Error("The exchange is over")).catch(() => {});
  }

  async #pump(body: ReadableStream<Uint8Array>): Promise<void> {
    const { chunked, length } = this.#framing;
    const reader = this.#reader = body.getReader();
    let rest = length ?? Infinity;
    while (!this.#cancelled) {
      let part: Awaited<ReturnType<typeof reader.read>>;
      try {
        this.#listener.idle();
        part = await reader.read();
      } catch (cause) {
        if (!this.#cancelled) this.#listener.failed("The request's body ended too early", cause);
        return;
      }
      if (this.#cancelled) return;
      if (part.done) return this.#end(rest);
      if (part.value.byteLength === 0) continue;
      rest -= part.value.byteLength;
      if (rest < 0) return this.#listener.failed(`The body is longer than its Content-Length of ${length}`);
      this.#listener.progress();
      if (!this.#write(part.value, chunked)) await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** @param rest How much of its announced length has not come. */
  #end(rest: number): void {
    if (Number.isFinite(rest) && rest > 0) {
      return this.#listener.failed(`The body is ${rest} bytes shorter than its Content-Length`);
    }
    if (this.#framing.chunked) this.#socket.write("0\r\n\r\n", "latin1");
    this.#listener.done();
  }

  #write(bytes: Uint8Array, chunked: boolean): boolean {
    if (!chunked) return this.#socket.write(bytes);
    this.#socket.cork();
    this.#socket.write(`${bytes.byteLength.toString(16)}\r\n`, "latin1");
    this.#socket.write(bytes);
    const flushed = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    return flushed;
  }
}

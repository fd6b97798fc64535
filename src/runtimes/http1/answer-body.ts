import type { Socket } from "node:net";
import { Buffer } from "node:buffer";
import { Deadline } from "../../net/deadline.ts";
import type { RawHeaders } from "../../net/raw-headers.ts";
import { LookAhead } from "../look-ahead.ts";
import { sendableTrailers } from "../trailers.ts";
import { latin1 } from "../wire/fields.ts";

/** Bytes up to which a part is written together with the text around it: to copy so few costs less than a second write. */
const SMALL = 4096;

/** How an answer's stream is to be framed. */
export interface StreamFraming {
  /** The head, but for framing and empty line. */
  readonly text: string;
  /** What comes after framing: the connection's own fields, and the empty line. */
  readonly end: string;
  readonly length: number | undefined;
  readonly trailers: Promise<RawHeaders> | undefined;
  /** Whether the client knows no chunks: the connection's end is the body's. */
  readonly http10: boolean;
}

/** Writes head and bytes at once. @returns False where the client does not take them as fast. */
export function writeWhole(socket: Socket, head: string, body: Uint8Array): boolean {
  if (body.byteLength <= SMALL) return socket.write(head + textOf(body), "latin1");
  socket.cork();
  socket.write(head, "latin1");
  const taken = socket.write(body);
  socket.uncork();
  return taken;
}

/** Writes the answer whose body is a stream, as fast as the client takes it. */
export class AnswerBody {
  readonly #socket: Socket;
  readonly #parts: LookAhead;
  readonly #timeout: number;
  readonly #deadline: Deadline;
  #gone = false;
  #wake: (() => void) | undefined;

  /** @param timeout Milliseconds between two writes that the client takes; 0 = none. */
  constructor(socket: Socket, stream: ReadableStream<Uint8Array>, timeout: number) {
    this.#socket = socket;
    this.#parts = new LookAhead(stream.getReader());
    this.#timeout = timeout;
    this.#deadline = new Deadline(() => socket.destroy());
  }

  /** The client takes more. */
  drained(): void {
    this.#wake?.();
  }

  /** The client has gone. */
  gone(): void {
    this.#gone = true;
    this.#wake?.();
    this.#parts.cancel();
  }

  /** @throws where the body fails, or is not as long as was announced: the client must not take it for a whole one. */
  async write(framing: StreamFraming): Promise<void> {
    try {
      await this.#write(framing);
    } catch (error) {
      this.#parts.cancel();
      throw error;
    } finally {
      this.#deadline.dispose();
    }
  }

  async #write({ text, end, length, trailers, http10 }: StreamFraming): Promise<void> {
    const chunked = length === undefined && !http10;
    const head = `${text}${chunked ? "Transfer-Encoding: chunked\r\n" : ""}${end}`;
    let rest = length ?? Infinity;
    const first = await this.#parts.peek();
    if (this.#gone) return;
    if (first !== undefined && !first.done) {
      await this.#parts.next();
      rest -= first.value.byteLength;
      // Most bodies are short, and at hand as a whole: these are written at once, and with their length.
      const whole = trailers === undefined && (await this.#parts.peek())?.done === true;
      if (this.#gone) return;
      if (whole && (rest === 0 || length === undefined)) {
        const known = length === undefined ? `Content-Length: ${first.value.byteLength}\r\n` : "";
        return await this.#taken(writeWhole(this.#socket, `${text}${known}${end}`, first.value));
      }
      if (rest < 0) throw new Error("The body is longer than announced");
      this.#socket.write(head, "latin1");
      await this.#part(first.value, chunked);
    } else this.#socket.write(head, "latin1");
    for (let part = await this.#parts.next(); !part.done; part = await this.#parts.next()) {
      if (this.#gone) return;
      rest -= part.value.byteLength;
      if (rest < 0) throw new Error("The body is longer than announced");
      await this.#part(part.value, chunked);
    }
    if (this.#gone) return;
    if (length !== undefined && rest !== 0) throw new Error("The body is shorter than announced");
    if (!chunked) return;
    const fields = trailers === undefined ? [] : sendableTrailers(await trailers);
    let last = "0\r\n";
    for (let i = 0; i < fields.length; i += 2) last += `${fields[i]}: ${fields[i + 1]}\r\n`;
    await this.#taken(this.#socket.write(`${last}\r\n`, "latin1"));
  }

  #part(bytes: Uint8Array, chunked: boolean): Promise<void> | undefined {
    const { byteLength } = bytes;
    // A chunk of no bytes would be the last one.
    if (byteLength === 0) return;
    const socket = this.#socket;
    if (!chunked) return this.#taken(socket.write(bytes));
    const size = `${byteLength.toString(16)}\r\n`;
    if (byteLength <= SMALL) return this.#taken(socket.write(`${size}${textOf(bytes)}\r\n`, "latin1"));
    socket.cork();
    socket.write(size, "latin1");
    socket.write(bytes);
    const taken = socket.write("\r\n", "latin1");
    socket.uncork();
    return this.#taken(taken);
  }

  #taken(flushed: boolean): Promise<void> | undefined {
    if (flushed || this.#gone) return;
    this.#deadline.set(this.#timeout);
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        this.#deadline.clear();
        resolve();
      };
    });
  }
}

function textOf(bytes: Uint8Array): string {
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return latin1(buffer, 0, buffer.byteLength);
}

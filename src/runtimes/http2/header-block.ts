import { Buffer } from "node:buffer";
import { CODE, ConnectionError } from "./protocol.ts";

/** Frames that one header block may come in: one needs no more than the first, but for very large ones (CVE-2024-27316 floods with them). */
const MAX_FRAMES = 32;

/** A header block that is not complete: it comes in frames, with nothing between them (RFC 9113 section 4.3). */
export class HeaderBlock {
  readonly stream: number;
  /** Whether the stream's side ends with it. */
  readonly end: boolean;
  readonly #most: number;
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  /** @param most Bytes. */
  constructor(stream: number, end: boolean, most: number) {
    this.stream = stream;
    this.end = end;
    this.#most = most;
  }

  /** @throws {ConnectionError} where it is too much: without all of it nothing that follows could be read. */
  add(part: Uint8Array): void {
    this.#bytes += part.byteLength;
    if (this.#bytes > this.#most || this.#parts.length === MAX_FRAMES) {
      throw new ConnectionError(CODE.calm, `Header block of more than ${this.#most} bytes, or ${MAX_FRAMES} frames`);
    }
    // A copy: the view would pin the whole of what was read with it.
    this.#parts.push(part.slice());
  }

  bytes(): Uint8Array {
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#bytes);
  }
}

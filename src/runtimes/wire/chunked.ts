import type { RawHeaders } from "../../net/raw-headers.ts";
import { BadMessage } from "./bad-message.ts";
import { trimBlanks } from "./blanks.ts";

const CR = 0x0d, LF = 0x0a, SEMICOLON = 0x3b, SPACE = 0x20, TAB = 0x09;
/** Hexadecimal digits of a chunk's size; more would leave what a number holds exactly. */
const MAX_DIGITS = 12;
/** Bytes of one chunk's extensions, which nobody uses. */
const MAX_EXTENSION = 1024;
const EMPTY = new Uint8Array(0);
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

type State = "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailer" | "trailer-lf" | "done";

/** Reads a chunked body (RFC 9112 section 7.1), whatever pieces it comes in. Line breaks are CRLF and nothing else. */
export class ChunkedDecoder {
  /** The trailer fields, once the body is over. */
  trailers: RawHeaders | undefined;
  readonly #maxTrailerBytes: number;
  #state: State = "size";
  #size = 0;
  #digits = 0;
  #extension = 0;
  /** Of a trailer that is not complete. */
  #line = "";
  #trailerBytes = 0;
  readonly #fields: string[] = [];

  constructor(maxTrailerBytes: number) {
    this.#maxTrailerBytes = maxTrailerBytes;
  }

  /**
   * Takes what was received, and gives the bytes of the body on as views into it.
   *
   * @returns What was left over after the body's end.
   * @throws {BadMessage}
   */
  take(bytes: Uint8Array, data: (part: Uint8Array) => void): Uint8Array {
    let at = 0;
    while (at < bytes.byteLength) {
      if (this.#state === "data") {
        const end = Math.min(bytes.byteLength, at + this.#size);
        this.#size -= end - at;
        data(at === 0 && end === bytes.byteLength ? bytes : bytes.subarray(at, end));
        at = end;
        if (this.#size === 0) this.#state = "data-cr";
        continue;
      }
      this.#step(bytes[at++]!);
      if (this.#state === "done") return bytes.subarray(at);
    }
    return EMPTY;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size":
        return this.#takeSize(byte);
      case "extension":
        if (byte === CR) this.#state = "size-lf";
        else if (byte < SPACE && byte !== TAB || ++this.#extension > MAX_EXTENSION) {
          throw new BadMessage("Invalid chunk extension");
        }
        return;
      case "size-lf":
        expect(byte, LF);
        this.#digits = 0;
        this.#extension = 0;
        this.#state = this.#size > 0 ? "data" : "trailer";
        return;
      case "data-cr":
        expect(byte, CR);
        this.#state = "data-lf";
        return;
      case "data-lf":
        expect(byte, LF);
        this.#state = "size";
        return;
      case "trailer":
        if (byte === CR) this.#state = "trailer-lf";
        else if (byte < SPACE && byte !== TAB || byte === 0x7f) throw new BadMessage("Control character in a trailer");
        else if (++this.#trailerBytes > this.#maxTrailerBytes) throw new BadMessage("Trailers that are too long");
        else this.#line += String.fromCharCode(byte);
        return;
      case "trailer-lf":
        expect(byte, LF);
        this.#endTrailer();
    }
  }

  #takeSize(byte: number): void {
    const digit = hex(byte);
    if (digit >= 0) {
      if (++this.#digits > MAX_DIGITS) throw new BadMessage("Chunk size that is too large");
      this.#size = this.#size * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw new BadMessage("Chunk without a size");
    if (byte === CR) this.#state = "size-lf";
    else if (byte === SEMICOLON) this.#state = "extension";
    else throw new BadMessage("Invalid chunk size");
  }

  #endTrailer(): void {
    this.#state = "trailer";
    const line = this.#line;
    this.#line = "";
    if (line === "") {
      this.#state = "done";
      this.trailers = this.#fields;
      return;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    if (!NAME.test(name)) throw new BadMessage("Trailer without a valid name");
    this.#fields.push(name, trimBlanks(line, colon + 1));
  }
}

function expect(byte: number, wanted: number): void {
  if (byte !== wanted) throw new BadMessage("Invalid line break in a chunked body");
}

function hex(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

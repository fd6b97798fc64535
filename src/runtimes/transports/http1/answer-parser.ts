import { Buffer } from "node:buffer";
import type { RawHeaders } from "../../../net/raw-headers.ts";
import { sameName } from "../../../net/header-list.ts";
import { findHeadEnd, hasBareBreak, isPlain, latin1, readFields } from "../../wire/fields.ts";
import { ChunkedDecoder } from "../../wire/chunked.ts";
import { BadMessage } from "../../wire/bad-message.ts";

/** An answer's status line and fields, as they were received. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
  /** Whether the node will take another request on the connection, by what it says. */
  readonly keepAlive: boolean;
  /** Milliseconds that the node keeps an idle connection, where it says so. */
  readonly keepAliveTimeout: number | undefined;
}

/** Hears of an answer as it is read. */
export interface AnswerListener {
  /** Not for answers from 100 to 199, but for 101. */
  onHead(head: AnswerHead): void;
  /** An interim answer: the node is at work. */
  onInterim(status: number): void;
  /** The bytes are a view into what was read. */
  onData(bytes: Uint8Array): void;
  onEnd(trailers: RawHeaders): void;
}

/** How the end of a body is told (RFC 9112 section 6.3). */
type Framing = "none" | "length" | "chunked" | "close";

const SPACE = 0x20;
const VERSION = Buffer.from("HTTP/1.");
/** Interim answers to one request; each of them holds off the read timeout, so that without a bound a node could hold a request for ever. */
const MAX_INTERIM = 1000;
const EMPTY: Uint8Array = new Uint8Array(0);
const NO_TRAILERS: RawHeaders = [];

/**
 * Reads the answers that come over one connection, whatever pieces they come in. Strict where an answer could be read in two ways, since what is behind the
 * gateway might read it in the other (RFC 9112 sections 2.2, 5.2, 6 and 11).
 */
export class AnswerParser {
  readonly #listener: AnswerListener;
  readonly #maxHeadBytes: number;
  #method = "GET";
  #state: "idle" | "head" | "body" = "idle";
  #framing: Framing = "none";
  /** Bytes of a head that is not complete. */
  #held: Uint8Array = EMPTY;
  /** Bytes of the body that are still to come. */
  #rest = 0;
  #chunked: ChunkedDecoder | undefined;
  #interim = 0;

  constructor(listener: AnswerListener, maxHeadBytes: number) {
    this.#listener = listener;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** An answer to a request of that method is what comes next. */
  expect(method: string): void {
    this.#method = method;
    this.#interim = 0;
    this.#state = "head";
  }

  /** Whether an answer is being waited for or read. */
  get busy(): boolean {
    return this.#state !== "idle";
  }

  /**
   * Takes what was received.
   *
   * @returns What was left over after the end of an answer, or after `101`.
   * @throws {BadMessage} where it is no answer that can be trusted.
   */
  take(bytes: Uint8Array): Uint8Array {
    let left = bytes;
    while (left.byteLength > 0 && this.#state !== "idle") {
      left = this.#state === "head" ? this.#takeHead(left) : this.#takeBody(left);
    }
    return left;
  }

  /** The node has ended the connection: the end of a body without another one. @returns Whether the answer is complete by that. */
  end(): boolean {
    if (this.#state !== "body" || this.#framing !== "close") return false;
    this.#finish(NO_TRAILERS);
    return true;
  }

  #takeHead(bytes: Uint8Array): Uint8Array {
    const all = this.#held.byteLength === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const view = all instanceof Buffer ? all : Buffer.from(all.buffer, all.byteOffset, all.byteLength);
    const end = findHeadEnd(view, Math.max(0, this.#held.byteLength - 3));
    if (end < 0) {
      if (all.byteLength > this.#maxHeadBytes) throw new BadMessage(`Head of more than ${this.#maxHeadBytes} bytes`);
      // Whoever ends lines so would wait for an answer to what never becomes a head here.
      if (hasBareBreak(view, this.#held.byteLength)) throw new BadMessage("Bare line break in the head");
      // A copy: the view would pin the whole of what was read with it.
      this.#held = this.#held.byteLength === 0 ? bytes.slice() : all;
      return EMPTY;
    }
    if (end > this.#maxHeadBytes) throw new BadMessage(`Head of more than ${this.#maxHeadBytes} bytes`);
    this.#held = EMPTY;
    this.#readHead(view, latin1(view, 0, end));
    // A view costs more than most else here: none is made of nothing.
    return end + 4 === all.byteLength ? EMPTY : all.subarray(end + 4);
  }

  #readHead(bytes: Uint8Array, text: string): void {
    const line = text.indexOf("\r\n"), lineEnd = line < 0 ? text.length : line;
    const status = readStatus(bytes, lineEnd);
    if (status < 0) throw new BadMessage("No HTTP/1 status line");
    const http10 = bytes[7] === 0x30;
    const headers: string[] = [];
    if (line >= 0 && !readFields(bytes, line + 2, text, headers)) {
      throw new BadMessage("Header field without a valid name, or with a control character or bare line break");
    }
    if (status < 200 && status !== 101) {
      if (++this.#interim > MAX_INTERIM) throw new BadMessage(`More than ${MAX_INTERIM} interim answers`);
      this.#listener.onInterim(status);
      return;
    }
    const facts = factsOf(headers);
    const framing = this.#framing = framingOf(this.#method, status, http10, facts);
    this.#rest = framing === "length" ? Number(facts.length) : 0;
    this.#chunked = framing === "chunked" ? new ChunkedDecoder(this.#maxHeadBytes) : undefined;
    this.#state = "body";
    this.#listener.onHead({
      status,
      reason: text.slice(13, lineEnd),
      headers,
      keepAlive: framing !== "close" && staysOpen(facts.connection, http10),
      keepAliveTimeout: facts.keepAlive === undefined ? undefined : idleTimeoutOf(facts.keepAlive),
    });
    if (status === 101) this.#state = "idle";
    else if (framing === "none" || (framing === "length" && this.#rest === 0)) this.#finish(NO_TRAILERS);
  }

  #takeBody(bytes: Uint8Array): Uint8Array {
    if (this.#framing === "chunked") {
      const left = this.#chunked!.take(bytes, (part) => this.#listener.onData(part));
      if (this.#chunked!.trailers !== undefined) this.#finish(this.#chunked!.trailers);
      return left;
    }
    if (this.#framing === "close" || bytes.byteLength < this.#rest) {
      this.#rest -= bytes.byteLength;
      this.#listener.onData(bytes);
      return EMPTY;
    }
    const whole = bytes.byteLength === this.#rest;
    const part = whole ? bytes : bytes.subarray(0, this.#rest);
    const left = whole ? EMPTY : bytes.subarray(this.#rest);
    this.#rest = 0;
    this.#listener.onData(part);
    this.#finish(NO_TRAILERS);
    return left;
  }

  #finish(trailers: RawHeaders): void {
    this.#state = "idle";
    this.#chunked = undefined;
    this.#listener.onEnd(trailers);
  }
}

/** The fields that say how to read an answer. */
interface Facts {
  length: string | undefined;
  coding: string | undefined;
  connection: string | undefined;
  keepAlive: string | undefined;
}

/** The status of `HTTP/1.1 200 OK`; -1 where the line is none. What stands between version, status and reason phrase is one space each. */
function readStatus(bytes: Uint8Array, end: number): number {
  if (end < 12) return -1;
  for (let i = 0; i < 7; i++) if (bytes[i] !== VERSION[i]) return -1;
  const minor = bytes[7];
  if (minor !== 0x30 && minor !== 0x31 || bytes[8] !== SPACE) return -1;
  const status = digit(bytes[9]!) * 100 + digit(bytes[10]!) * 10 + digit(bytes[11]!);
  return status >= 100 && (end === 12 || bytes[12] === SPACE) && isPlain(bytes, 13, end) ? status : -1;
}

function digit(code: number): number {
  return code >= 0x30 && code <= 0x39 ? code - 0x30 : NaN;
}

function factsOf(headers: RawHeaders): Facts {
  const facts: Facts = { length: undefined, coding: undefined, connection: undefined, keepAlive: undefined };
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!;
    switch (name.length) {
      case 10:
        if (sameName(name, "connection")) {
          const value = headers[i + 1]!;
          facts.connection = facts.connection === undefined ? value : `${facts.connection}, ${value}`;
        } else if (sameName(name, "keep-alive")) facts.keepAlive = headers[i + 1]!;
        break;
      case 14:
        if (!sameName(name, "content-length")) break;
        if (facts.length !== undefined) throw new BadMessage("More than one Content-Length");
        facts.length = headers[i + 1]!;
        if (!/^\d{1,15}$/.test(facts.length)) throw new BadMessage("Invalid Content-Length");
        break;
      case 17:
        if (!sameName(name, "transfer-encoding")) break;
        if (facts.coding !== undefined) throw new BadMessage("More than one Transfer-Encoding");
        facts.coding = headers[i + 1]!.toLowerCase();
    }
  }
  return facts;
}

function staysOpen(connection: string | undefined, http10: boolean): boolean {
  if (connection === undefined) return !http10;
  if (connection === "keep-alive") return true;
  const text = connection.toLowerCase();
  return http10 ? /\bkeep-alive\b/.test(text) : !/\bclose\b/.test(text);
}

/** RFC 9112 section 6.3. What could be framed in two ways is refused. */
function framingOf(method: string, status: number, http10: boolean, { length, coding }: Facts): Framing {
  if (coding !== undefined) {
    if (length !== undefined) throw new BadMessage("Content-Length beside Transfer-Encoding");
    if (http10) throw new BadMessage("Transfer-Encoding in HTTP/1.0");
    if (coding !== "chunked") throw new BadMessage("Transfer-Encoding other than chunked");
  }
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return "none";
  if (coding !== undefined) return "chunked";
  return length === undefined ? "close" : "length";
}

function idleTimeoutOf(field: string): number | undefined {
  const seconds = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(field)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

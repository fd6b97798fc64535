import { Buffer } from "node:buffer";
import type { RawHeaders } from "../../../net/raw-headers.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { BadAnswer } from "./bad-answer.ts";
import { trimBlanks } from "./blanks.ts";

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

/** What may come before a status line in no case, and ends the search for a head. */
const HEAD_END = Buffer.from("\r\n\r\n");
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A line break that is not CRLF, NUL and the other control characters but tab: nobody but an attacker sends them. */
// deno-lint-ignore no-control-regex -- control characters are what this is about
const FORBIDDEN = /(?:^|[^\r])\n|\r(?!\n)|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
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
   * @throws {BadAnswer} where it is no answer that can be trusted.
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
    const view = Buffer.from(all.buffer, all.byteOffset, all.byteLength);
    const end = view.indexOf(HEAD_END, Math.max(0, this.#held.byteLength - 3));
    if (end < 0) {
      if (all.byteLength > this.#maxHeadBytes) throw new BadAnswer(`Head of more than ${this.#maxHeadBytes} bytes`);
      // Whoever ends lines so would wait for an answer to what never becomes a head here.
      if (hasBareBreak(view, this.#held.byteLength)) throw new BadAnswer("Bare line break in the head");
      // A copy: the view would pin the whole of what was read with it.
      this.#held = this.#held.byteLength === 0 ? bytes.slice() : all;
      return EMPTY;
    }
    if (end > this.#maxHeadBytes) throw new BadAnswer(`Head of more than ${this.#maxHeadBytes} bytes`);
    this.#held = EMPTY;
    this.#readHead(view.toString("latin1", 0, end));
    return all.subarray(end + 4);
  }

  #readHead(text: string): void {
    if (FORBIDDEN.test(text)) throw new BadAnswer("Control character or bare line break in the head");
    let at = text.indexOf("\r\n");
    const first = at < 0 ? text : text.slice(0, at);
    const line = STATUS_LINE.exec(first);
    if (line === null) throw new BadAnswer("No HTTP/1 status line");
    const http10 = line[1] === "0", status = Number(line[2]);
    const headers: string[] = [];
    const facts: Facts = { length: undefined, coding: undefined, connection: undefined, keepAlive: undefined };
    while (at >= 0) {
      const start = at + 2;
      at = text.indexOf("\r\n", start);
      readField(at < 0 ? text.slice(start) : text.slice(start, at), headers, facts);
    }
    if (status < 200 && status !== 101) {
      if (++this.#interim > MAX_INTERIM) throw new BadAnswer(`More than ${MAX_INTERIM} interim answers`);
      this.#listener.onInterim(status);
      return;
    }
    this.#framing = framingOf(this.#method, status, http10, facts);
    this.#rest = this.#framing === "length" ? Number(facts.length) : 0;
    this.#chunked = this.#framing === "chunked" ? new ChunkedDecoder(this.#maxHeadBytes) : undefined;
    this.#state = "body";
    const connection = facts.connection?.toLowerCase() ?? "";
    this.#listener.onHead({
      status,
      reason: line[3] ?? "",
      headers,
      keepAlive: this.#framing !== "close" &&
        (http10 ? /\bkeep-alive\b/.test(connection) : !/\bclose\b/.test(connection)),
      keepAliveTimeout: idleTimeoutOf(facts.keepAlive),
    });
    if (status === 101) this.#state = "idle";
    else if (this.#framing === "none" || (this.#framing === "length" && this.#rest === 0)) this.#finish(NO_TRAILERS);
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
    const part = bytes.byteLength === this.#rest ? bytes : bytes.subarray(0, this.#rest);
    const left = bytes.subarray(this.#rest);
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

/** Whether a line feed at or after `from` has no carriage return before it. */
function hasBareBreak(bytes: Uint8Array, from: number): boolean {
  for (let at = bytes.indexOf(0x0a, from); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at - 1] !== 0x0d) return true;
  }
  return false;
}

/** The fields that say how to read an answer. */
interface Facts {
  length: string | undefined;
  coding: string | undefined;
  connection: string | undefined;
  keepAlive: string | undefined;
}

function readField(line: string, headers: string[], facts: Facts): void {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  // No name: obs-fold (RFC 9112 section 5.2), or white space before the colon (section 5.1); both are read differently by different readers.
  if (!NAME.test(name)) throw new BadAnswer("Header field without a valid name");
  const value = trimBlanks(line, colon + 1);
  headers.push(name, value);
  switch (name.length) {
    case 10: {
      const lower = name.toLowerCase();
      if (lower === "connection") {
        facts.connection = facts.connection === undefined ? value : `${facts.connection}, ${value}`;
      } else if (lower === "keep-alive") facts.keepAlive = value;
      return;
    }
    case 14:
      if (name.toLowerCase() !== "content-length") return;
      if (facts.length !== undefined) throw new BadAnswer("More than one Content-Length");
      if (!/^\d{1,15}$/.test(value)) throw new BadAnswer("Invalid Content-Length");
      facts.length = value;
      return;
    case 17:
      if (name.toLowerCase() !== "transfer-encoding") return;
      if (facts.coding !== undefined) throw new BadAnswer("More than one Transfer-Encoding");
      facts.coding = value.toLowerCase();
  }
}

/** RFC 9112 section 6.3. What could be framed in two ways is refused. */
function framingOf(method: string, status: number, http10: boolean, { length, coding }: Facts): Framing {
  if (coding !== undefined) {
    if (length !== undefined) throw new BadAnswer("Content-Length beside Transfer-Encoding");
    if (http10) throw new BadAnswer("Transfer-Encoding in HTTP/1.0");
    if (coding !== "chunked") throw new BadAnswer("Transfer-Encoding other than chunked");
  }
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return "none";
  if (coding !== undefined) return "chunked";
  return length === undefined ? "close" : "length";
}

function idleTimeoutOf(field: string | undefined): number | undefined {
  const seconds = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(field ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

import { Buffer } from "node:buffer";
import { AnswerParser } from "../../../../../src/runtimes/transports/http1/answer-parser.ts";
import { BadMessage } from "../../../../../src/runtimes/wire/bad-message.ts";

/** What became of an answer. Two readings of the same bytes have to be equal in all of it. */
export interface Reading {
  interim: number[];
  status: number | undefined;
  reason: string | undefined;
  headers: readonly string[] | undefined;
  keepAlive: boolean | undefined;
  body: string;
  trailers: readonly string[] | undefined;
  /** What came after the answer. */
  left: string;
  bad: boolean;
}

export const MAX_HEAD = 4096;

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export function text(part: Uint8Array): string {
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("latin1");
}

/** Reads one answer from pieces. `ended`: the node closes the connection after them. Only `BadMessage` may be thrown, and ends the reading. */
export function read(pieces: readonly Uint8Array[], method = "GET", ended = false): Reading {
  const reading: Reading = {
    interim: [],
    status: undefined,
    reason: undefined,
    headers: undefined,
    keepAlive: undefined,
    body: "",
    trailers: undefined,
    left: "",
    bad: false,
  };
  const parser = new AnswerParser({
    onHead(head) {
      if (reading.status !== undefined) throw new Error("Two heads of one answer");
      reading.status = head.status;
      reading.reason = head.reason;
      reading.headers = head.headers;
      reading.keepAlive = head.keepAlive;
    },
    onInterim: (status) => void reading.interim.push(status),
    onData(part) {
      if (part.byteLength === 0) throw new Error("A part of nothing");
      reading.body += text(part);
    },
    onEnd(trailers) {
      if (reading.trailers !== undefined) throw new Error("Two ends of one answer");
      reading.trailers = trailers;
    },
  }, MAX_HEAD);
  parser.expect(method);
  try {
    for (const piece of pieces) {
      const left = parser.take(piece);
      reading.left += text(left);
      if (left.byteLength > 0 && parser.busy) throw new Error("Bytes left over within an answer");
    }
    if (ended) parser.end();
  } catch (error) {
    if (!(error instanceof BadMessage)) throw error;
    reading.bad = true;
  }
  return reading;
}

/** The bytes cut at the given offsets. */
export function cut(all: Uint8Array, ...at: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const to of [...at, all.byteLength]) {
    pieces.push(all.slice(from, to));
    from = to;
  }
  return pieces;
}

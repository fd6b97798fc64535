import type { Buffer } from "node:buffer";
import { sameName } from "../../net/header-list.ts";
import { latin1, readFields } from "../wire/fields.ts";

/** A request's line and fields as they were received. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly http10: boolean;
  readonly headers: string[];
}

/** ` HTTP/1.1` */
const VERSION_LENGTH = 9;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Reads a request's head (RFC 9112 sections 3 and 5).
 *
 * @param end Where the line break before the empty line begins.
 * @returns The status to refuse it with, where it is none.
 */
export function readRequestHead(bytes: Buffer, end: number): RequestHead | 400 | 505 {
  const text = latin1(bytes, 0, end);
  const line = text.indexOf("\r\n"), lineEnd = line < 0 ? end : line;
  const space = text.indexOf(" "), version = lineEnd - VERSION_LENGTH;
  if (space <= 0 || space >= version || !text.startsWith(" HTTP/", version)) return 400;
  const method = text.slice(0, space);
  if (!TOKEN.test(method)) return 400;
  const numbers = text.slice(version + 6, lineEnd);
  if (numbers !== "1.1" && numbers !== "1.0") return /^\d\.\d$/.test(numbers) ? 505 : 400;
  const headers: string[] = [];
  if (line >= 0 && !readFields(bytes, line + 2, text, headers)) return 400;
  return { method, target: text.slice(space + 1, version), http10: numbers === "1.0", headers };
}

/** What a `Connection` field says, and whether `Upgrade` asks for WebSocket: what is the connection's own of a head. */
export interface ConnectionFacts {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly websocket: boolean;
  readonly expectsContinue: boolean;
}

const NOTHING: ConnectionFacts = { close: false, keepAlive: false, websocket: false, expectsContinue: false };

/** Reads {@link ConnectionFacts}. Most requests have none of these fields. */
export function connectionFacts(headers: readonly string[]): ConnectionFacts {
  let connection: string | undefined, upgrade: string | undefined, expect: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    switch (headers[i]!.length) {
      case 6:
        if (sameName(headers[i]!, "expect")) expect = headers[i + 1]!;
        break;
      case 7:
        if (sameName(headers[i]!, "upgrade")) upgrade = headers[i + 1]!;
        break;
      case 10:
        if (!sameName(headers[i]!, "connection")) break;
        connection = connection === undefined ? headers[i + 1]! : `${connection},${headers[i + 1]!}`;
    }
  }
  if (connection === undefined && expect === undefined) return NOTHING;
  const tokens = (connection ?? "").toLowerCase().split(",").map((token) => token.trim());
  return {
    close: tokens.includes("close"),
    keepAlive: tokens.includes("keep-alive"),
    websocket: tokens.includes("upgrade") && upgrade?.toLowerCase() === "websocket",
    expectsContinue: expect?.toLowerCase() === "100-continue",
  };
}

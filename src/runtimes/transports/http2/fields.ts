import type { OutboundRequest } from "../../../forward/transport.ts";
import type { RawHeaders } from "../../../net/raw-headers.ts";
import { areTrailers, isAllowedField, isConnectionField } from "../../http2/field-rules.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** No space, no control character, nothing beyond a byte. */
const TARGET = /^\/[\x21-\x7e\x80-\xff]*$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A request's head. */
export interface SentFields {
  readonly fields: string[];
  /** Bytes that it announces; undefined where it does not. */
  readonly length: number | undefined;
}

/** Writes a request's head (RFC 9113 section 8.3.1). @returns Undefined where method, target or a field cannot be sent as they are. */
export function requestFields({ method, target, headers, peer, checked }: OutboundRequest): SentFields | undefined {
  if (!TOKEN.test(method) || method === "CONNECT" || !TARGET.test(target)) return undefined;
  const rest: string[] = [];
  let authority: string | undefined, length: number | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase(), value = headers[i + 1]!;
    if (checked !== true && !(TOKEN.test(name) && VALUE.test(value))) return undefined;
    // They have been taken out, unless a plugin has set one.
    if (name === "te" || isConnectionField(name)) continue;
    if (name === "host") {
      if (authority !== undefined) return undefined;
      authority = value;
      continue;
    }
    if (name === "content-length") {
      if (length !== undefined || !/^\d{1,15}$/.test(value)) return undefined;
      length = Number(value);
    }
    rest.push(name, value);
  }
  const scheme = peer.tls === undefined ? "http" : "https";
  const pseudo = [":method", method, ":scheme", scheme, ":path", target];
  if (authority !== undefined) pseudo.push(":authority", authority);
  return { fields: [...pseudo, ...rest, "te", "trailers"], length };
}

/** An answer's head. */
export interface ReceivedHead {
  readonly status: number;
  readonly headers: RawHeaders;
  /** Bytes that it announces; undefined where it does not. */
  readonly length: number | undefined;
}

/** Reads an answer's head (RFC 9113 sections 8.2 and 8.3.2). @returns Why it is none. */
export function readAnswerHead(fields: readonly string[]): ReceivedHead | string {
  if (fields[0] !== ":status" || !/^[1-9]\d\d$/.test(fields[1] ?? "")) return "No status";
  let length: number | undefined;
  for (let i = 2; i + 1 < fields.length; i += 2) {
    const name = fields[i]!, value = fields[i + 1]!;
    if (!isAllowedField(name, value) || !VALUE.test(value)) return `Field ${JSON.stringify(name.slice(0, 64))}`;
    if (name !== "content-length") continue;
    if (length !== undefined || !/^\d{1,15}$/.test(value)) return "Content-Length";
    length = Number(value);
  }
  return { status: Number(fields[1]), headers: fields.slice(2), length };
}

/** Whether fields may come after an answer's body, and be sent on. */
export function areAnswerTrailers(fields: readonly string[]): boolean {
  return areTrailers(fields) && fields.every((text, i) => i % 2 === 0 || VALUE.test(text));
}

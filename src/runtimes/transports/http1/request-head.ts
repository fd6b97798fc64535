import type { OutboundRequest } from "../../../forward/transport.ts";

/** How a request's body is sent. */
export interface RequestFraming {
  /** The head, up to and with the empty line. */
  readonly text: string;
  /** Whether the body is sent in chunks. */
  readonly chunked: boolean;
  /** Bytes that the head announces; undefined without Content-Length. */
  readonly length: number | undefined;
}

/** Those that requests have; others are looked at. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** No space, no control character, nothing beyond a byte: written as Latin-1, `\u010a` would be a line break. */
const TARGET = /^[\x21-\x7e\x80-\xff]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Writes a request's head.
 *
 * @param last Whether the connection is to be closed after the answer.
 * @returns undefined where method, target or a field cannot be sent as they are.
 */
export function requestHead(request: OutboundRequest, last: boolean): RequestFraming | undefined {
  const { method, target, headers, body, checked } = request;
  if (!METHODS.has(method) && (!TOKEN.test(method) || method === "CONNECT") || !TARGET.test(target)) return undefined;
  let text = `${method} ${target} HTTP/1.1\r\n`;
  let length: number | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!, value = headers[i + 1]!;
    if (checked !== true && !(TOKEN.test(name) && VALUE.test(value))) return undefined;
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      if (length !== undefined || !/^\d{1,15}$/.test(value)) return undefined;
      length = Number(value);
    } else if (name.length === 17 && name.toLowerCase() === "transfer-encoding") return undefined;
    text += `${name}: ${value}\r\n`;
  }
  let chunked = false;
  if (body instanceof Uint8Array && length === undefined) {
    length = body.byteLength;
    text += `Content-Length: ${length}\r\n`;
  } else if (body !== null && length === undefined) {
    chunked = true;
    text += "Transfer-Encoding: chunked\r\n";
  } else if (body === null && length === undefined && expectsBody(method)) {
    // RFC 9110 section 8.6: a method that has a meaning for bodies says that there is none.
    length = 0;
    text += "Content-Length: 0\r\n";
  }
  return { text: `${text}${last ? "Connection: close\r\n" : ""}\r\n`, chunked, length };
}

function expectsBody(method: string): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

import type { RawHeaders } from "../net/raw-headers.ts";

/** Fields that must not come after a body (RFC 9110 section 6.5.1), since they say how to read it, or who may; nor those of a connection, which break one over HTTP/2. */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "host",
  "keep-alive",
  "proxy-connection",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Those of a node's trailers that may be sent on. */
export function sendableTrailers(raw: RawHeaders): string[] {
  return raw.filter((_, i) => !NO_TRAILERS.has(raw[i & ~1]!.toLowerCase()));
}

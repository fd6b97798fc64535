import { isHopByHop } from "../net/hop-by-hop.ts";
import type { RawHeaders } from "../net/raw-headers.ts";

/** Fields that must not come after a body (RFC 9110 section 6.5.1), since they say how to read it, or who may; hop-by-hop ones beside. */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  "authorization",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "host",
  "set-cookie",
  "trailer",
]);

/** Those of a node's trailers that may be sent on. */
export function sendableTrailers(raw: RawHeaders): string[] {
  return raw.filter((_, i) => {
    const name = raw[i & ~1]!;
    return !isHopByHop(name) && !NO_TRAILERS.has(name.toLowerCase());
  });
}

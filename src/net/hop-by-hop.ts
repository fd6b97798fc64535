import { sameName } from "./header-list.ts";
import type { RawHeaders } from "./raw-headers.ts";

/**
 * Fields that belong to one connection and are never forwarded (RFC 9110 section 7.6.1), with `Proxy-Authorization` and `Proxy-Authenticate`,
 * which are between a client and its own proxy.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** Fields that a `Connection` field cannot take away: without them the message would be another one. */
const NEVER_NAMED: ReadonlySet<string> = new Set(["host", "content-length"]);

/**
 * The fields of a request that go on to the next hop: without the hop-by-hop ones, those that `Connection` names, and `Expect` (the
 * listener has answered `100-continue`) and `Trailer` (transports send no request trailers).
 */
export function forwardableRequest(raw: RawHeaders): string[] {
  return strip(raw, true);
}

/** The fields of an answer that go on to the client: without the hop-by-hop ones and those that `Connection` names. */
export function forwardableAnswer(raw: RawHeaders): string[] {
  return strip(raw, false);
}

function strip(raw: RawHeaders, request: boolean): string[] {
  const named = connectionTokens(raw);
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (HOP_BY_HOP.has(name) || named?.has(name)) continue;
    if (request && (name === "expect" || name === "trailer")) continue;
    kept.push(raw[i]!, raw[i + 1]!);
  }
  return kept;
}

/** Names that `Connection` fields list, in lower case; undefined where they list none but the usual `keep-alive` and `close`. */
function connectionTokens(raw: RawHeaders): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (!sameName(raw[i]!, "connection")) continue;
    const value = raw[i + 1]!.toLowerCase();
    if (value === "keep-alive" || value === "close") continue;
    for (const part of value.split(",")) {
      const token = part.trim();
      if (token !== "" && !NEVER_NAMED.has(token)) (named ??= new Set()).add(token);
    }
  }
  return named;
}

import { sameName } from "./header-list.ts";
import type { RawHeaders } from "./raw-headers.ts";

/**
 * Fields that belong to one connection and are never forwarded (RFC 9110 section 7.6.1), with `Proxy-Authorization` and `Proxy-Authenticate`,
 * which are between a client and its own proxy.
 */
const HOP_BY_HOP: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "transfer-encoding",
  "upgrade",
];

/** The same, by the length of the name. */
const BY_LENGTH: readonly (readonly string[] | undefined)[] = Array.from(
  { length: 20 },
  (_, length) => HOP_BY_HOP.filter((name) => name.length === length),
).map((names) => names.length === 0 ? undefined : names);

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
  const kept: string[] = [];
  let named: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    if (isHopByHop(name)) {
      if (name.length === 10) named = connectionTokens(name, raw[i + 1]!, named);
    } else if (!request || !isOfTheRequest(name)) kept.push(name, raw[i + 1]!);
  }
  return named === undefined ? kept : without(kept, named);
}

/** Whether a field of that name, in whatever case, belongs to one connection: told by the length first, which most names fail. */
export function isHopByHop(name: string): boolean {
  const candidates = BY_LENGTH[name.length];
  if (candidates === undefined) return false;
  for (let i = 0; i < candidates.length; i++) if (sameName(name, candidates[i]!)) return true;
  return false;
}

function isOfTheRequest(name: string): boolean {
  return name.length === 6 ? sameName(name, "expect") : name.length === 7 && sameName(name, "trailer");
}

/** Adds the names that a `Connection` field lists, in lower case; undefined where that is none but the usual `keep-alive` and `close`. */
function connectionTokens(name: string, text: string, named: Set<string> | undefined): Set<string> | undefined {
  if (text === "keep-alive" || text === "close" || !sameName(name, "connection")) return named;
  let all = named;
  for (const part of text.toLowerCase().split(",")) {
    const token = part.trim();
    if (token !== "" && token !== "keep-alive" && token !== "close" && !NEVER_NAMED.has(token)) {
      (all ??= new Set()).add(token);
    }
  }
  return all;
}

function without(raw: readonly string[], named: ReadonlySet<string>): string[] {
  return raw.filter((_, i) => !named.has(raw[i & ~1]!.toLowerCase()));
}

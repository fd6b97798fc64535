import { isAllowedField } from "./field-rules.ts";

/** A request's head, in the form that HTTP/1.1 has. */
export interface RequestHead {
  readonly method: string;
  /** `:path`. */
  readonly target: string;
  /** Host first, then the rest as it came. */
  readonly headers: string[];
  /** The client waits to be told to send the body. */
  readonly expectsContinue: boolean;
}

/**
 * Reads a request's fields (RFC 9113 sections 8.2 and 8.3.1). Several `cookie` fields become one, as HTTP/1.1 has it (section 8.2.3).
 *
 * @returns Undefined where they are malformed, which is an error of the stream. Values are not looked at: who routes the request does that.
 */
export function readRequestHead(fields: readonly string[]): RequestHead | undefined {
  const pseudo = new Map<string, string>();
  const headers: string[] = [];
  let host: string | undefined, cookie: string | undefined;
  let regular = false, expectsContinue = false;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!, value = fields[i + 1]!;
    if (name.charCodeAt(0) === 0x3a) {
      if (regular || pseudo.has(name) || !PSEUDO.has(name)) return undefined;
      pseudo.set(name, value);
      continue;
    }
    regular = true;
    if (!isAllowedField(name, value)) return undefined;
    if (name === "cookie") cookie = cookie === undefined ? value : `${cookie}; ${value}`;
    else if (name === "host") {
      if (host !== undefined) return undefined;
      host = value;
    } else {
      if (name === "expect") expectsContinue = value.toLowerCase() === "100-continue";
      headers.push(name, value);
    }
  }
  const method = pseudo.get(":method"), scheme = pseudo.get(":scheme"), target = pseudo.get(":path");
  if (method === undefined || scheme === undefined || target === undefined || target === "") return undefined;
  if (!SCHEME.test(scheme)) return undefined;
  const authority = pseudo.get(":authority") ?? host;
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase()) return undefined;
  if (cookie !== undefined) headers.push("cookie", cookie);
  return {
    method,
    target,
    headers: authority === undefined ? headers : ["Host", authority, ...headers],
    expectsContinue,
  };
}

/** RFC 3986 section 3.1. */
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
const PSEUDO: ReadonlySet<string> = new Set([":method", ":scheme", ":path", ":authority"]);

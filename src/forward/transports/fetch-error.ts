import { TransportError, type TransportErrorCode } from "../transport.ts";

/**
 * What the runtimes' `fetch` throws, by its code where there is one (`error.code` on Bun, `error.cause.code` on Node), else by its text (Deno). Whether
 * a request can have been sent follows from what went wrong.
 */
const SIGNS: readonly (readonly [RegExp, TransportErrorCode])[] = [
  [/ECONNREFUSED|ConnectionRefused|connection refused/i, "connect_refused"],
  [/UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|ConnectionTimeout|connect(?:ion)? timed? ?out/i, "connect_timeout"],
  [
    /CERT|ERR_TLS|ERR_SSL|UNABLE_TO_|SELF_SIGNED|EPROTO|invalid peer certificate|tls handshake|HandshakeFailure/i,
    "tls_failed",
  ],
  [
    /ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|FailedToOpenSocket|dns error|lookup address|error trying to connect/i,
    "connect_failed",
  ],
  [/bad port|requests to port \d+ are blocked/i, "unsupported"],
  [
    /HTTPParserError|HEADERS_OVERFLOW|RES_CONTENT_LENGTH|bad (?:response|upgrade)|Malformed|InvalidContentLength|InvalidHTTP|Invalid_?HTTP|invalid (?:HTTP|content-length|header)|message head|Unrequested/i,
    "bad_answer",
  ],
  [/REQ_CONTENT_LENGTH|RequestContentLengthMismatch/i, "client_gone"],
];

const NOT_SENT: ReadonlySet<TransportErrorCode> = new Set([
  "connect_refused",
  "connect_timeout",
  "connect_failed",
  "tls_failed",
  "unsupported",
]);

export function toTransportError(thrown: unknown, where: string): TransportError {
  if (thrown instanceof TransportError) return thrown;
  const text = describe(thrown, 0);
  const code = SIGNS.find(([sign]) => sign.test(text))?.[1] ?? "reset";
  return new TransportError(code, !NOT_SENT.has(code), `${where}: ${text}`, { cause: thrown });
}

function describe(thrown: unknown, depth: number): string {
  if (!(thrown instanceof Error) || depth > 3) return String(thrown);
  const code = "code" in thrown && typeof thrown.code === "string" ? `${thrown.code} ` : "";
  const cause = thrown.cause === undefined ? "" : ` (${describe(thrown.cause, depth + 1)})`;
  const name = thrown.name === "Error" || thrown.name === "TypeError" ? "" : `${thrown.name} `;
  return `${name}${code}${thrown.message}${cause}`;
}

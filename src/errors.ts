/**
 * Every code that a request can end with. Stable: clients read it in `X-Gatewatch-Error`, operators search for it in logs.
 *
 * The part before a request reaches an upstream: `route_not_found`, `bad_request`, `header_too_large`, `body_too_large`,
 * `upgrade_refused`, `not_ready`, `missing_reference`, `no_upstream`, `no_healthy_node`. The part after: `connect_*`, `tls_failed`, `*_timeout`,
 * `reset` (the upstream ended the connection), `bad_answer` (what it sent is not a valid answer), `unsupported` (the transport cannot send such
 * a request), `client_gone`.
 */
export type ErrorCode =
  | "route_not_found"
  | "bad_request"
  | "header_too_large"
  | "body_too_large"
  | "upgrade_refused"
  | "not_ready"
  | "missing_reference"
  | "no_upstream"
  | "no_healthy_node"
  | "connect_refused"
  | "connect_timeout"
  | "connect_failed"
  | "tls_failed"
  | "send_timeout"
  | "read_timeout"
  | "total_timeout"
  | "reset"
  | "bad_answer"
  | "unsupported"
  | "client_gone"
  | "internal";

/** Reason phrases of the statuses that the gateway itself answers with. */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  499: "Client Closed Request",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/**
 * What went wrong with a request: a stable code and the status that answers it. The message and the cause are for the log;
 * {@link errorResponse} never shows them to the client, since they may name addresses.
 *
 * @example
 * ```ts
 * const error = new GatewayError("connect_refused", 502, "connect 10.0.0.7:80: refused");
 * ```
 */
export class GatewayError extends Error {
  override readonly name: string = "GatewayError";
  readonly code: ErrorCode;
  readonly status: number;

  constructor(code: ErrorCode, status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = status;
  }
}

/**
 * The answer to a request that failed: Apache APISIX's body (`{"error_msg":"502 Bad Gateway"}`) and the code in
 * `X-Gatewatch-Error`. It tells nothing of the cause.
 *
 * @param message Replaces the reason phrase, as in `404 Route Not Found`.
 */
export function errorResponse(code: ErrorCode, status: number, message?: string): Response {
  const text = `${status} ${message ?? REASONS[status] ?? "Error"}`;
  const body = JSON.stringify({ error_msg: text }) + "\n";
  return new Response(body, {
    status,
    // All of it is ASCII. A length that is told need not be found out by those who count bytes.
    headers: { "content-type": "application/json", "x-gatewatch-error": code, "content-length": String(body.length) },
  });
}

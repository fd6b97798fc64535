import type { ErrorCode } from "../errors.ts";

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** Failures that are the client's, the deadline's or the transport's, which no other node can do better. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  "bad_request",
  "body_too_large",
  "client_gone",
  "total_timeout",
  "unsupported",
]);

/** A try that failed, and the request it was made for. */
export interface FailedTry {
  readonly code: ErrorCode;
  /** False only where it is certain that no byte of the request was sent (`TransportError.sent`). */
  readonly sent: boolean;
  readonly method: string;
  /** Whether the body can be sent again from its first byte; true where there is none. */
  readonly replayable: boolean;
  /** Tries made so far, this one included. */
  readonly tries: number;
  /** Milliseconds since the first try began. */
  readonly elapsed: number;
}

/** What an upstream allows. */
export interface RetryLimits {
  /** Tries after the first. */
  readonly retries: number;
  /** Milliseconds since the first try began in which another may begin; 0 = no limit. */
  readonly timeout: number;
}

/** Whether to try another node; if not, why, in words for the log. */
export type RetryDecision = { readonly retry: true } | { readonly retry: false; readonly reason: string };

const RETRY: RetryDecision = { retry: true };

/** Whether a method may be sent twice without harm. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/**
 * Decides on a second try. A request goes to a second node only where nothing of it was sent to the first, or where sending it twice does no
 * harm; the same rule as nginx's `proxy_next_upstream` without `non_idempotent`.
 *
 * @param withdraw Takes a retry from the upstream's budget; asked last, so that a refusal for other reasons costs nothing.
 */
export function decideRetry(failed: FailedTry, limits: RetryLimits, withdraw: () => boolean): RetryDecision {
  if (FINAL.has(failed.code)) return no(`${failed.code} ends the request`);
  if (failed.tries > limits.retries) return no(`${failed.tries} of ${limits.retries + 1} tries made`);
  if (limits.timeout > 0 && failed.elapsed >= limits.timeout) {
    return no(`retry_timeout of ${limits.timeout} ms is over`);
  }
  if (failed.sent && !isIdempotent(failed.method)) {
    return no(`${failed.method} is not idempotent and may have reached the node`);
  }
  if (!failed.replayable) return no("the body cannot be sent again");
  if (!withdraw()) return no("the retry budget is used up");
  return RETRY;
}

function no(reason: string): RetryDecision {
  return { retry: false, reason };
}

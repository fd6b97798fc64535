import type { ErrorCode } from "../errors.ts";

/** How a try ended. */
export interface Outcome {
  /** Whether the node gave an answer and, where its end is known, gave all of it. */
  readonly ok: boolean;
  /** The answer's status, where there was one. */
  readonly status?: number;
  /** Why the try failed. */
  readonly code?: ErrorCode;
  /** Whether the connection was one kept from before, which the node may have closed by then (`TransportError.reused`). */
  readonly reused?: boolean;
  /** Milliseconds until the answer's head, or the failure. */
  readonly ms: number;
}

/** Failures that say something of the node; any other is the client's or the gateway's own. */
const OF_THE_NODE: ReadonlySet<ErrorCode> = new Set([
  "connect_refused",
  "connect_timeout",
  "connect_failed",
  "tls_failed",
  "send_timeout",
  "read_timeout",
  "total_timeout",
  "reset",
  "bad_answer",
]);

/** Whether the node is to blame for a failure, or to praise for an answer. */
export function isOfTheNode({ ok, code, reused }: Outcome): boolean {
  return ok || (code !== undefined && reused !== true && OF_THE_NODE.has(code));
}

/** What counting one request came to. */
export interface Verdict {
  readonly allowed: boolean;
  /** Requests that the window has room for still; at least 0. */
  readonly remaining: number;
  /** Seconds until there is room again, or the window begins anew. */
  readonly reset: number;
}

/** Counts requests by key, in windows of time. */
export interface Counter {
  /**
   * Counts one request.
   *
   * @param limit Requests that a window has room for.
   * @param windowMs Length of the window, in milliseconds.
   * @returns A promise that rejects where counting failed, for counters elsewhere.
   */
  take(key: string, limit: number, windowMs: number): Verdict | Promise<Verdict>;
}

/** The kinds of window: `fixed` begins with a key's first request; `sliding` weighs in how busy the window before was. */
export type WindowType = "fixed" | "sliding";

/** What a fixed window says once `count` requests are in it. */
export function fixedVerdict(count: number, limit: number, leftMs: number): Verdict {
  return { allowed: count <= limit, remaining: Math.max(limit - count, 0), reset: Math.floor(leftMs / 10) / 100 };
}

/** What is known of a sliding window after a request. */
export interface Sliding {
  readonly accepted: boolean;
  /** Requests in this window, with this one where it was accepted. */
  readonly count: number;
  /** Requests in the window before, at most the limit. */
  readonly last: number;
  /** Milliseconds of this window that are left. */
  readonly leftMs: number;
}

/** What a sliding window says (APISIX `plugins/limit-count/sliding-window/sliding-window.lua`). */
export function slidingVerdict({ accepted, count, last, leftMs }: Sliding, limit: number, windowMs: number): Verdict {
  if (!accepted) {
    // The estimate falls below the limit once enough of the window before has slid out.
    const waitMs = count >= limit || last === 0 ? leftMs : leftMs - (limit - count) / last * windowMs;
    return { allowed: false, remaining: 0, reset: hundredths(Math.max(waitMs, 0)) };
  }
  const remaining = Math.floor(limit - count - last / windowMs * leftMs);
  return { allowed: true, remaining: Math.max(remaining, 0), reset: hundredths(leftMs) };
}

function hundredths(ms: number): number {
  return Math.ceil(ms / 10) / 100;
}

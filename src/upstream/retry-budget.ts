/** How much of the traffic may be tries after the first. */
export interface RetryBudgetOptions {
  /** Retries allowed per request. Default: 0.2. */
  readonly ratio?: number;
  /** Retries allowed per second beside that, so that rare requests can be tried again too. Default: 10. */
  readonly minPerSecond?: number;
  /** Retries that can be saved up at the most. Default: 500. */
  readonly burst?: number;
}

/**
 * Bounds retries to a share of the requests, so that an upstream that is failing is not sent a multiple of its usual load: a bucket of
 * tokens that requests and time fill and that each retry takes one from.
 */
export class RetryBudget {
  readonly #now: () => number;
  readonly #ratio: number;
  readonly #minPerSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filled: number;

  /** @param now Milliseconds, never going back. */
  constructor(now: () => number, options: RetryBudgetOptions = {}) {
    this.#now = now;
    this.#ratio = options.ratio ?? 0.2;
    this.#minPerSecond = options.minPerSecond ?? 10;
    this.#burst = options.burst ?? 500;
    this.#tokens = Math.min(this.#burst, this.#minPerSecond);
    this.#filled = now();
  }

  /** Counts a request's first try. */
  deposit(): void {
    const tokens = this.#tokens + this.#ratio;
    this.#tokens = tokens > this.#burst ? this.#burst : tokens;
  }

  /** Takes a token for a retry; false where there is none. */
  withdraw(): boolean {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filled) / 1000 * this.#minPerSecond);
    this.#filled = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

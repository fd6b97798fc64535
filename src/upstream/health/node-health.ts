/** As lua-resty-healthcheck names them; nodes in the two `healthy` states are used. */
export type HealthState = "healthy" | "mostly_healthy" | "mostly_unhealthy" | "unhealthy";

/** What a check or a request can say of a node. */
export type Finding = "success" | "http_failure" | "tcp_failure" | "timeout";

/** How often each was found since the last one of the other kind. */
export interface HealthCounters {
  readonly success: number;
  readonly http_failure: number;
  readonly tcp_failure: number;
  readonly timeout: number;
}

/**
 * The health of one node, counted as lua-resty-healthcheck does (`lib/resty/healthcheck.lua`, `incr_counter`): a success clears the counts of
 * failures and the other way round; each kind of failure has a count and a limit of its own; active and passive checks share
 * the counts. Nothing is counted that would confirm a state that is reached in full.
 */
export class NodeHealth {
  #state: HealthState = "healthy";
  #since: Date;
  #reason = "no check has failed yet";
  readonly #counters = { success: 0, http_failure: 0, tcp_failure: 0, timeout: 0 };

  constructor(since: Date) {
    this.#since = since;
  }

  get state(): HealthState {
    return this.#state;
  }

  /** When the state was reached. */
  get since(): Date {
    return this.#since;
  }

  /** What led to the state. */
  get reason(): string {
    return this.#reason;
  }

  get counters(): HealthCounters {
    return { ...this.#counters };
  }

  /** Whether the node is to have requests. */
  get usable(): boolean {
    return this.#state === "healthy" || this.#state === "mostly_healthy";
  }

  /**
   * Counts a finding. True where the state has changed by it.
   *
   * @param limit Findings of this kind that turn the state; 0 = never.
   * @param why Asked for where the state changes.
   */
  report(finding: Finding, limit: number, date: () => Date, why: () => string): boolean {
    if (limit === 0) return false;
    const goal: HealthState = finding === "success" ? "healthy" : "unhealthy";
    if (goal === this.#state) return false;
    const counters = this.#counters;
    if (finding === "success") counters.http_failure = counters.tcp_failure = counters.timeout = 0;
    else counters.success = 0;
    const count = ++counters[finding];
    const next = count >= limit
      ? goal
      : this.#state === "healthy" || this.#state === "unhealthy"
      ? `mostly_${this.#state}` as const
      : this.#state;
    if (next === this.#state) return false;
    this.#state = next;
    this.#since = date();
    this.#reason = `${why()}, ${count} of ${limit}`;
    return true;
  }
}

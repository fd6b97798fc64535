import type { ActiveCheck, Checks, UnhealthyLimits } from "../../config/checks.ts";
import type { UpstreamNode } from "../node.ts";
import type { Outcome } from "../outcome.ts";
import type { Timers } from "../timers.ts";
import { ActiveChecks } from "./active-checks.ts";
import { type Finding, type HealthCounters, type HealthState, NodeHealth } from "./node-health.ts";
import type { Probe, ProbeResult, ProbeTarget } from "./probe.ts";

/** Milliseconds before a node that passive checks alone have closed is tried again; doubled with each failure up to the longest. */
const FIRST_TRIAL = 10_000;
const LONGEST_TRIAL = 60_000;

/** A node's health, as `GET /upstreams` of the control API shows it. */
export interface HealthSnapshot {
  readonly state: HealthState;
  /** What led to the state. */
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
  readonly counters: HealthCounters;
}

/** A node's health has changed. */
export interface HealthEvent extends HealthSnapshot {
  /** `host:port`. */
  readonly node: string;
  readonly before: HealthState;
}

/** What health checks need of their upstream. */
export interface HealthOwner {
  readonly timers: Timers;
  readonly random: () => number;
  /** Without it there are no active checks. */
  readonly probe?: Probe | undefined;
  target(node: UpstreamNode, settings: ActiveCheck): ProbeTarget;
  /** Called after a node was put into use or out of it. */
  useChanged(): void;
  stateChanged?(event: HealthEvent): void;
}

interface Watched {
  readonly health: NodeHealth;
  /** Times in a row that it was closed, for the wait before the next trial. */
  closings: number;
  /** Ends the wait for the next trial. */
  cancel: (() => void) | undefined;
}

/**
 * The health checks of one upstream. Active ones probe; passive ones judge by the requests that pass. A node that is closed opens again by active
 * checks; where there are none, it is tried with one request at a time after a while (half-open), which succeeds as often as
 * `passive.healthy.successes` says, or closes it again for longer.
 */
export class Health {
  readonly #owner: HealthOwner;
  readonly #watched: Map<UpstreamNode, Watched> = new Map();
  readonly #active: ActiveChecks<UpstreamNode> | undefined;
  readonly #date = (): Date => this.#owner.timers.date();
  #checks: Checks | undefined;
  #statuses: { healthy: ReadonlySet<number>; unhealthy: ReadonlySet<number> } | undefined;

  constructor(owner: HealthOwner) {
    this.#owner = owner;
    const { timers, random, probe } = owner;
    if (probe === undefined) return;
    this.#active = new ActiveChecks({
      timers,
      random,
      probe,
      target: (node, settings) => owner.target(node, settings),
      usable: (node) => this.#watched.get(node)?.health.usable ?? true,
      found: (node, settings, result) => this.#found(node, settings, result),
    });
  }

  /** Takes up new settings and nodes. What is known of nodes that stay is kept for as long as there are checks at all. */
  update(checks: Checks | undefined, nodes: Iterable<UpstreamNode>): void {
    this.#checks = checks;
    const passive = checks?.passive;
    this.#statuses = passive && {
      healthy: new Set(passive.healthy.http_statuses),
      unhealthy: new Set(passive.unhealthy.http_statuses),
    };
    const stay = new Set(checks === undefined ? [] : nodes);
    for (const [node, watched] of this.#watched) {
      if (stay.has(node)) continue;
      watched.cancel?.();
      node.use = "open";
      node.trying = false;
      this.#watched.delete(node);
    }
    for (const node of stay) {
      const watched = this.#watched.get(node);
      if (watched === undefined) {
        this.#watched.set(node, { health: new NodeHealth(this.#date()), closings: 0, cancel: undefined });
      } else if (!watched.health.usable && (node.use !== "trial" || this.#probed)) this.#close(node, watched);
    }
    this.#active?.update(checks?.active, stay);
  }

  close(): void {
    this.update(undefined, []);
  }

  /** Judges a node by a request that it is to blame or to praise for. */
  observe(node: UpstreamNode, outcome: Outcome): void {
    node.trying = false;
    const passive = this.#checks?.passive, statuses = this.#statuses;
    if (passive === undefined || statuses === undefined) return;
    const { status, code } = outcome;
    if (code !== undefined && !outcome.ok) {
      const finding = code.endsWith("_timeout") ? "timeout" : "tcp_failure";
      return this.#report(node, finding, limitOf(passive.unhealthy, finding), () => `passive: ${code}`);
    }
    if (status === undefined) return;
    if (statuses.healthy.has(status)) {
      // Where successes do not count, one still has to end a trial: nothing else would.
      const limit = passive.healthy.successes || (node.use === "open" || this.#probed ? 0 : 1);
      this.#report(node, "success", limit, () => `passive: status ${status}`);
    } else if (statuses.unhealthy.has(status)) {
      this.#report(node, "http_failure", passive.unhealthy.http_failures, () => `passive: status ${status}`);
    }
  }

  snapshot(node: UpstreamNode): HealthSnapshot | undefined {
    const health = this.#watched.get(node)?.health;
    return health && toSnapshot(health);
  }

  /** Whether active checks will find out that a node has recovered. */
  get #probed(): boolean {
    return this.#checks?.active !== undefined && this.#active !== undefined;
  }

  #found(node: UpstreamNode, settings: ActiveCheck, result: ProbeResult): void {
    switch (result.kind) {
      case "connected":
        return this.#report(node, "success", settings.healthy.successes, () => "active: connected");
      case "timeout":
        return this.#report(node, "timeout", settings.unhealthy.timeouts, () => "active: timeout");
      case "failed":
        return this.#report(node, "tcp_failure", settings.unhealthy.tcp_failures, () => `active: ${result.reason}`);
      case "status": {
        const { status } = result;
        const why = () => status === 0 ? "active: not an HTTP answer" : `active: status ${status}`;
        if (settings.healthy.http_statuses.includes(status)) {
          return this.#report(node, "success", settings.healthy.successes, why);
        }
        if (status !== 0 && !settings.unhealthy.http_statuses.includes(status)) return;
        return this.#report(node, "http_failure", settings.unhealthy.http_failures, why);
      }
    }
  }

  #report(node: UpstreamNode, finding: Finding, limit: number, why: () => string): void {
    const watched = this.#watched.get(node);
    if (watched === undefined) return;
    const { health } = watched, before = health.state;
    const changed = health.report(finding, limit, this.#date, why);
    if (changed) this.#owner.stateChanged?.({ node: node.id, before, ...toSnapshot(health) });
    if (health.usable) {
      if (node.use !== "open") this.#open(node, watched);
    } else if (node.use === "open" || (node.use === "trial" && finding !== "success" && limit > 0)) {
      this.#close(node, watched);
      this.#owner.useChanged();
    }
  }

  #open(node: UpstreamNode, watched: Watched): void {
    watched.cancel?.();
    watched.cancel = undefined;
    watched.closings = 0;
    node.use = "open";
    node.trying = false;
    this.#owner.useChanged();
  }

  /** Takes the node out of use, until active checks find it healthy or, without them, until it is time to try it. */
  #close(node: UpstreamNode, watched: Watched): void {
    if (this.#probed) {
      watched.cancel?.();
      watched.cancel = undefined;
      node.use = "closed";
      return;
    }
    // A change of the configuration does not begin the wait anew.
    if (node.use === "closed" && watched.cancel !== undefined) return;
    node.use = "closed";
    const wait = Math.min(LONGEST_TRIAL, FIRST_TRIAL * 2 ** watched.closings++);
    watched.cancel = this.#owner.timers.after(wait, () => {
      watched.cancel = undefined;
      node.use = "trial";
      this.#owner.useChanged();
    });
  }
}

function limitOf(limits: UnhealthyLimits, finding: "timeout" | "tcp_failure"): number {
  return finding === "timeout" ? limits.timeouts : limits.tcp_failures;
}

function toSnapshot(health: NodeHealth): HealthSnapshot {
  const { state, reason, since, counters } = health;
  return { state, reason, since: since.toISOString(), counters };
}

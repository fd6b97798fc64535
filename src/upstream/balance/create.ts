import type { BalancedNode, Balancer } from "./balancer.ts";
import { PeakEwma } from "./ewma.ts";
import { ConsistentHash } from "./hash.ts";
import { LeastConnections } from "./least-conn.ts";
import { RoundRobin } from "./round-robin.ts";

/** What balancers may need beside the nodes. */
export interface BalancerEnvironment {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** A number from 0 up to, but not including, 1. */
  readonly random: () => number;
}

/** The values of an upstream's `type`. */
export const BALANCER_TYPES: readonly string[] = ["roundrobin", "chash", "least_conn", "ewma"];

/**
 * Makes the balancer that an upstream's `type` names.
 *
 * @throws {TypeError} for a name that is not in {@link BALANCER_TYPES}.
 */
export function createBalancer<N extends BalancedNode>(type: string, environment: BalancerEnvironment): Balancer<N> {
  switch (type) {
    case "roundrobin":
      return new RoundRobin();
    case "chash":
      return new ConsistentHash();
    case "least_conn":
      return new LeastConnections();
    case "ewma":
      return new PeakEwma(environment.now, environment.random);
    default:
      throw new TypeError(
        `Cannot balance as 'type' must be one of ${BALANCER_TYPES.join(", ")}: current value is ${type}`,
      );
  }
}

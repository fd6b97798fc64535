import type { BalancedNode, Balancer } from "./balancer.ts";
import { RoundRobin } from "./round-robin.ts";

/** Makes the balancer that an upstream's `type` names. */
export function createBalancer<N extends BalancedNode>(type: string | undefined): () => Balancer<N> {
  switch (type ?? "roundrobin") {
    case "roundrobin":
      return () => new RoundRobin();
    default:
      return () => new RoundRobin();
  }
}

import type { BalancedNode, Balancer, Excluded } from "./balancer.ts";
import { NodeHeap } from "./heap.ts";

/**
 * Smooth weighted round robin (`roundrobin`): each node gets its weight's share, spread evenly. The rotation goes on where it was when
 * nodes come, go or change weight.
 */
export class RoundRobin<N extends BalancedNode> implements Balancer<N> {
  readonly keepsUnused: boolean = false;
  readonly #heap: NodeHeap<N> = new NodeHeap();

  update(nodes: readonly N[]): void {
    this.#heap.update(nodes);
  }

  pick(_key: string | undefined, excluded: Excluded<N> | undefined): N | undefined {
    const place = this.#heap.first(excluded);
    if (place === undefined) return undefined;
    this.#heap.take(place);
    return place.node;
  }

  peek(_key: string | undefined, excluded: Excluded<N> | undefined): N | undefined {
    return this.#heap.first(excluded)?.node;
  }
}

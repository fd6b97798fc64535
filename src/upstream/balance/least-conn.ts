import type { BalancedNode, Balancer, Excluded } from "./balancer.ts";
import { NodeHeap } from "./heap.ts";

/**
 * Least connections (`least_conn`): the node with the fewest requests under way for its weight; weighted round robin among equals, so that
 * an idle upstream does not send everything to its first node.
 */
export class LeastConnections<N extends BalancedNode> implements Balancer<N> {
  readonly keepsUnused: boolean = false;
  readonly #heap: NodeHeap<N> = new NodeHeap();
  /** Requests under way; by the node, so that one that was out of use for a while comes back with those it still has. */
  readonly #active: WeakMap<N, number> = new WeakMap();

  update(nodes: readonly N[]): void {
    this.#heap.update(nodes, (node) => this.#load(node));
  }

  pick(_key: string | undefined, excluded: Excluded<N> | undefined): N | undefined {
    const place = this.#heap.first(excluded);
    if (place === undefined) return undefined;
    const { node } = place;
    this.#active.set(node, (this.#active.get(node) ?? 0) + 1);
    place.load = this.#load(node);
    this.#heap.take(place);
    return node;
  }

  peek(_key: string | undefined, excluded: Excluded<N> | undefined): N | undefined {
    return this.#heap.first(excluded)?.node;
  }

  done(node: N): void {
    this.#active.set(node, Math.max(0, (this.#active.get(node) ?? 0) - 1));
    const place = this.#heap.get(node);
    if (place === undefined) return;
    place.load = this.#load(node);
    this.#heap.rise(place);
  }

  #load(node: N): number {
    return (this.#active.get(node) ?? 0) / node.weight;
  }
}

import type { BalancedNode, Excluded } from "./balancer.ts";

/** One node's place in a {@link NodeHeap}. */
export interface Place<N extends BalancedNode> {
  readonly node: N;
  /** The weight that the fields below were computed with. */
  weight: number;
  /** What is compared first: the load, for least connections; always 0 for a plain rotation. */
  load: number;
  /** Turns taken, on the node's own scale; a fraction after its weight has changed. */
  turns: number;
  /** Place in the configuration, so that equal nodes take turns in its order. */
  order: number;
  /** Place in the heap. */
  at: number;
}

/** When the node's next turn is due: in the middle of its interval, so that heavy nodes do not take all their turns in a row. */
function due<N extends BalancedNode>(place: Place<N>): number {
  return (place.turns + 0.5) / place.weight;
}

function before<N extends BalancedNode>(a: Place<N>, b: Place<N>): boolean {
  if (a.load !== b.load) return a.load < b.load;
  const dueA = due(a), dueB = due(b);
  return dueA !== dueB ? dueA < dueB : a.order < b.order;
}

/**
 * Nodes in the order of their next turn: the least loaded first, then the one whose turn is due earliest (earliest deadline first, with
 * the inverse of the weight as the interval). In any run of picks each node's share differs from its weight's by less than one or two.
 */
export class NodeHeap<N extends BalancedNode> {
  #heap: Place<N>[] = [];
  readonly #places: Map<N, Place<N>> = new Map();
  /** When the last turn was due; a node that joins starts from here, and has no arrears to catch up on. */
  #now = 0;

  /** Replaces the nodes, keeping the turns and loads of those that stay. O(n log n). */
  update(nodes: readonly N[], load: (node: N) => number = () => 0): void {
    const stay = new Set(nodes);
    for (const node of this.#places.keys()) if (!stay.has(node)) this.#places.delete(node);
    for (const [order, node] of nodes.entries()) {
      const place = this.#places.get(node);
      if (place === undefined) {
        const turns = this.#now * node.weight;
        this.#places.set(node, { node, weight: node.weight, load: load(node), turns, order, at: 0 });
        continue;
      }
      // Never due in the past: a node that was excluded for long would make up for it in one burst.
      place.turns = place.weight === node.weight && due(place) >= this.#now
        ? place.turns
        : Math.max(this.#now, due(place)) * node.weight - 0.5;
      place.weight = node.weight;
      place.order = order;
      place.load = load(node);
    }
    this.#heap = [...this.#places.values()].sort((a, b) => before(a, b) ? -1 : 1);
    for (const [at, place] of this.#heap.entries()) place.at = at;
  }

  get(node: N): Place<N> | undefined {
    return this.#places.get(node);
  }

  /** The node whose turn it is. O(1); O(n) where that one is excluded. */
  first(excluded: Excluded<N> | undefined): Place<N> | undefined {
    const first = this.#heap[0];
    if (first === undefined || excluded === undefined || !excluded(first.node)) return first;
    let best: Place<N> | undefined;
    for (const place of this.#heap) {
      if ((best === undefined || before(place, best)) && !excluded(place.node)) best = place;
    }
    return best;
  }

  /** Takes the node's turn. O(log n). */
  take(place: Place<N>): void {
    this.#now = Math.max(this.#now, due(place));
    place.turns++;
    this.sink(place);
  }

  /** Puts a node whose turn or load has grown where it belongs. */
  sink(place: Place<N>): void {
    const heap = this.#heap;
    let at = place.at;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, place)) break;
      heap[at] = heap[child]!;
      heap[at]!.at = at;
      at = child;
    }
    heap[at] = place;
    place.at = at;
  }

  /** Puts a node whose load has shrunk where it belongs. */
  rise(place: Place<N>): void {
    const heap = this.#heap;
    let at = place.at;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(place, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      heap[at]!.at = at;
      at = parent;
    }
    heap[at] = place;
    place.at = at;
  }
}

import type { BalancedNode, Balancer, Excluded } from "./balancer.ts";
import { hash32, mix32 } from "./hash-function.ts";

/** Points on the ring of the heaviest node, at the least; at the most twice as many. More points, more even shares. */
const POINTS = 256;

/** Hashes are 32 bits; the node's number goes below them, so that one native sort of plain numbers orders the ring. */
const MAX_NODES = 2 ** 20;

/**
 * Consistent hash (`chash`), in the manner of ketama: each node has many points on a ring of 32-bit hashes, and a key belongs to the first
 * point at or after its own hash. A node's points depend on nothing but its id and its weight relative to the heaviest one's, rounded to a power of
 * two; so the same key finds the same node on every instance, and a node that goes hands its keys, and only those, to the others.
 */
export class ConsistentHash<N extends BalancedNode> implements Balancer<N> {
  readonly keepsUnused: boolean = true;
  #nodes: readonly N[] = [];
  /** What the ring was made from. */
  #signature = "";
  #hashes: Uint32Array = new Uint32Array(0);
  #owners: Uint32Array = new Uint32Array(0);

  update(nodes: readonly N[]): void {
    // By id, so that equal points fall to the same node however the configuration orders them.
    this.#nodes = [...nodes].sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0).slice(0, MAX_NODES);
    const signature = this.#nodes.map((node) => `${node.id}=${node.weight}`).join(" ");
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.#build();
  }

  pick(key: string | undefined, excluded: Excluded<N> | undefined): N | undefined {
    const hashes = this.#hashes, count = hashes.length;
    if (count === 0) return undefined;
    const hash = hash32(key ?? "");
    let low = 0, high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (hashes[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    const first = this.#nodes[this.#owners[low === count ? 0 : low]!]!;
    return excluded === undefined || !excluded(first) ? first : this.#walk(low, excluded);
  }

  peek(key: string | undefined, excluded: Excluded<N> | undefined): N | undefined {
    return this.pick(key, excluded);
  }

  /** The next node on the ring that is not excluded. */
  #walk(from: number, excluded: Excluded<N>): N | undefined {
    const owners = this.#owners, count = owners.length;
    const seen = new Set<number>();
    for (let i = 0; i < count && seen.size < this.#nodes.length; i++) {
      const owner = owners[(from + i) % count]!;
      if (seen.has(owner)) continue;
      const node = this.#nodes[owner]!;
      if (!excluded(node)) return node;
      seen.add(owner);
    }
    return undefined;
  }

  #build(): void {
    const heaviest = this.#nodes.reduce((most, node) => Math.max(most, node.weight), 0);
    // A power of two, so that the points of nodes that stay are the same when a node of about the same weight comes or goes.
    const scale = POINTS / 2 ** Math.floor(Math.log2(Math.max(heaviest, Number.MIN_VALUE)));
    const counts = this.#nodes.map((node) => Math.max(1, Math.round(node.weight * scale)));
    const points = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
    let at = 0;
    for (const [owner, node] of this.#nodes.entries()) {
      const a = hash32(node.id), b = hash32(node.id, 0x9747b28c);
      for (let i = 0; i < counts[owner]!; i++) {
        points[at++] = mix32(a ^ mix32(b + Math.imul(i, 0x9e3779b9))) * MAX_NODES + owner;
      }
    }
    points.sort();
    this.#hashes = new Uint32Array(points.length);
    this.#owners = new Uint32Array(points.length);
    for (let i = 0; i < points.length; i++) {
      const hash = Math.floor(points[i]! / MAX_NODES);
      this.#hashes[i] = hash;
      this.#owners[i] = points[i]! - hash * MAX_NODES;
    }
  }
}

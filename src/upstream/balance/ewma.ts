import type { BalancedNode, Balancer, Excluded } from "./balancer.ts";

/** Milliseconds in which a measurement loses two thirds of its influence. */
const DECAY = 10_000;

/** What a failure counts as, in milliseconds at the least: a node that refuses at once must not look fast. */
const FAILURE = 1_000;

/** Cost of a node that is busy with its first request, of which nothing is known yet. */
const UNKNOWN = 1e9;

interface Measure {
  /** Milliseconds. */
  average: number;
  /** When it was taken. */
  at: number;
  /** Requests under way. */
  active: number;
}

/**
 * Peak EWMA with two choices (`ewma`): of two nodes drawn at random, the one with the lower expected wait: the moving average of its answer
 * times, which jumps up at once to a slow answer and comes down slowly, multiplied by the requests that it would have with this one,
 * divided by its weight. A node that is not asked for a while is forgiven, and so tried again.
 */
export class PeakEwma<N extends BalancedNode> implements Balancer<N> {
  readonly keepsUnused: boolean = false;
  readonly #now: () => number;
  readonly #random: () => number;
  /** By the node, so that one that was out of use for a while is known when it comes back. */
  readonly #measures: WeakMap<N, Measure> = new WeakMap();
  #nodes: readonly N[] = [];

  /**
   * @param now Milliseconds, never going back.
   * @param random A number from 0 up to, but not including, 1.
   */
  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
  }

  update(nodes: readonly N[]): void {
    this.#nodes = nodes;
  }

  pick(_key: string | undefined, excluded: Excluded<N> | undefined): N | undefined {
    const node = this.peek(_key, excluded);
    if (node !== undefined) this.#measure(node).active++;
    return node;
  }

  peek(_key: string | undefined, excluded: Excluded<N> | undefined): N | undefined {
    const nodes = this.#nodes, count = nodes.length;
    const a = this.#from(Math.floor(this.#random() * count), excluded);
    if (a < 0 || count === 1) return nodes[a];
    // Any place but a's; where what stands there is excluded, the next one, which may be a again.
    const b = this.#from((a + 1 + Math.floor(this.#random() * (count - 1))) % count, excluded);
    if (b === a) return nodes[a];
    const now = this.#now();
    return this.#cost(nodes[b]!, now) < this.#cost(nodes[a]!, now) ? nodes[b] : nodes[a];
  }

  measured(node: N, ms: number, ok: boolean): void {
    const measure = this.#measure(node), now = this.#now();
    const sample = ok ? ms : Math.max(ms, FAILURE);
    const weight = Math.exp((measure.at - now) / DECAY);
    measure.average = sample > measure.average ? sample : measure.average * weight + sample * (1 - weight);
    measure.at = now;
  }

  done(node: N): void {
    const measure = this.#measure(node);
    measure.active = Math.max(0, measure.active - 1);
  }

  #cost(node: N, now: number): number {
    const { average, at, active } = this.#measure(node);
    if (average === 0) return active === 0 ? 0 : UNKNOWN * active;
    return average * Math.exp((at - now) / DECAY) * (active + 1) / node.weight;
  }

  /** The first place from one on whose node is not excluded; -1 where there is none. */
  #from(place: number, excluded: Excluded<N> | undefined): number {
    const nodes = this.#nodes, count = nodes.length;
    for (let i = 0; i < count; i++) {
      const at = (place + i) % count;
      if (excluded === undefined || !excluded(nodes[at]!)) return at;
    }
    return -1;
  }

  #measure(node: N): Measure {
    let measure = this.#measures.get(node);
    if (measure === undefined) {
      measure = { average: 0, at: this.#now(), active: 0 };
      this.#measures.set(node, measure);
    }
    return measure;
  }
}

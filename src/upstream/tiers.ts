import type { Balancer, Excluded } from "./balance/balancer.ts";
import type { UpstreamNode } from "./node.ts";

interface Tier {
  readonly priority: number;
  readonly balancer: Balancer<UpstreamNode>;
  nodes: UpstreamNode[];
  /** Whether it has a node that may be used. */
  usable: boolean;
}

/** Excludes what checks have closed, and recovering nodes that are being tried already. */
const outOfUse: Excluded<UpstreamNode> = (node) => node.use === "closed" || (node.use === "trial" && node.trying);

/**
 * The nodes of an upstream by priority: a tier is used only where the higher ones have no node left to offer. Where checks have closed every
 * node, all of them are used, since an answer that may fail is better than none (as in Apache APISIX).
 */
export class Tiers {
  readonly #make: () => Balancer<UpstreamNode>;
  #tiers: Tier[] = [];
  #allDown = false;
  /** Whether picks have to look at the state of nodes at all. */
  #careful = false;

  constructor(make: () => Balancer<UpstreamNode>) {
    this.#make = make;
  }

  /** Whether every node with a weight is out of use, so that all are used. */
  get allDown(): boolean {
    return this.#allDown;
  }

  /** Replaces the nodes; balancers of tiers that stay keep their state. */
  update(nodes: Iterable<UpstreamNode>): void {
    const byPriority = new Map<number, UpstreamNode[]>();
    for (const node of nodes) {
      if (node.weight <= 0) continue;
      const tier = byPriority.get(node.priority);
      if (tier === undefined) byPriority.set(node.priority, [node]);
      else tier.push(node);
    }
    const before = new Map(this.#tiers.map((tier) => [tier.priority, tier]));
    this.#tiers = [...byPriority].sort(([a], [b]) => b - a).map(([priority, members]) => {
      const tier = before.get(priority) ?? { priority, balancer: this.#make(), nodes: members, usable: true };
      tier.nodes = members;
      for (const node of members) node.balancer = tier.balancer;
      return tier;
    });
    this.refresh();
  }

  /** Takes up what checks have found out since. Called when the state of a node changes, not per request. */
  refresh(): void {
    this.#allDown = this.#tiers.every((tier) => tier.nodes.every((node) => node.use !== "open"));
    this.#careful = false;
    for (const tier of this.#tiers) {
      const used = this.#allDown ? tier.nodes : tier.nodes.filter((node) => node.use !== "closed");
      tier.usable = used.length > 0;
      tier.balancer.update(tier.balancer.keepsUnused ? tier.nodes : used);
      this.#careful ||= !this.#allDown && tier.nodes.some((node) => node.use !== "open");
    }
  }

  pick(key: string | undefined, tried: ReadonlySet<UpstreamNode> | undefined): UpstreamNode | undefined {
    const excluded = this.#excluded(tried);
    for (const tier of this.#tiers) {
      if (!tier.usable) continue;
      const node = tier.balancer.pick(key, excluded);
      if (node !== undefined) return node;
    }
    return undefined;
  }

  /** What {@link Tiers.pick} would choose, without moving the rotation. */
  peek(key: string | undefined, tried: ReadonlySet<UpstreamNode> | undefined): UpstreamNode | undefined {
    const excluded = this.#excluded(tried);
    for (const tier of this.#tiers) {
      if (!tier.usable) continue;
      const node = tier.balancer.peek(key, excluded);
      if (node !== undefined) return node;
    }
    return undefined;
  }

  /** Undefined where no node has to be left out, which is the usual case and costs nothing. */
  #excluded(tried: ReadonlySet<UpstreamNode> | undefined): Excluded<UpstreamNode> | undefined {
    if (tried === undefined || tried.size === 0) return this.#careful ? outOfUse : undefined;
    return this.#careful ? (node) => tried.has(node) || outOfUse(node) : (node) => tried.has(node);
  }
}

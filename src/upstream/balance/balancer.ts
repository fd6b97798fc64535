/** A node as balancers see it. The same object is the same node: balancers keep what they measure by it. */
export interface BalancedNode {
  /** `host:port`; the same on every instance. */
  readonly id: string;
  /** Its share of the requests, relative to the others. May change between two calls of {@link Balancer.update}. */
  readonly weight: number;
}

/** Says which nodes a pick must leave out: those already tried, and those out of use. */
export type Excluded<N extends BalancedNode> = (node: N) => boolean;

/**
 * Chooses a node for a request. `pick` neither allocates nor looks at every node unless nodes are excluded; everything else is prepared
 * by `update`, which is called when the configuration or a node's health changes.
 */
export interface Balancer<N extends BalancedNode> {
  /**
   * Whether nodes that are out of use stay in the list and are excluded pick by pick, so that the keys of the others stay where
   * they are (consistent hash). The other balancers are given only the nodes in use: a node left out of a rotation at each pick would
   * leave its whole share to the one after it.
   */
  readonly keepsUnused: boolean;
  /** Replaces the nodes; none has weight 0. What is known of nodes that stay is kept. */
  update(nodes: readonly N[]): void;
  /**
   * The node for the next request; undefined where every node is excluded.
   *
   * @param key What consistent hash goes by; the others ignore it.
   */
  pick(key: string | undefined, excluded: Excluded<N> | undefined): N | undefined;
  /** The same choice, without anything being counted: for explanations. */
  peek(key: string | undefined, excluded: Excluded<N> | undefined): N | undefined;
  /** The node's answer began after `ms` milliseconds, or the try failed after them. */
  measured?(node: N, ms: number, ok: boolean): void;
  /** A request that `pick` gave to the node is over. */
  done?(node: N): void;
}

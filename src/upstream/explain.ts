import type { HealthSnapshot } from "./health/health.ts";
import type { UpstreamNode } from "./node.ts";

/** Whether a node would be picked for a request, and why or why not. */
export interface NodeExplanation {
  /** `host:port`. */
  readonly node: string;
  readonly weight: number;
  readonly priority: number;
  readonly picked: boolean;
  readonly reason: string;
}

/** What an explanation goes by. */
export interface PickFacts {
  readonly nodes: Iterable<UpstreamNode>;
  readonly picked: UpstreamNode | undefined;
  readonly tried: ReadonlySet<UpstreamNode> | undefined;
  /** Whether checks have closed all nodes, so that all are used. */
  readonly allDown: boolean;
  readonly type: string;
  /** Of `chash`. */
  readonly key: string | undefined;
  health(node: UpstreamNode): HealthSnapshot | undefined;
}

/** Tells of each node whether it would be picked next, in the order of the configuration. */
export function explainPick(facts: PickFacts): NodeExplanation[] {
  return Array.from(facts.nodes, (node) => {
    const { id, weight, priority } = node, picked = node === facts.picked;
    return { node: id, weight, priority, picked, reason: picked ? whyPicked(facts) : whyNot(node, facts) };
  });
}

function whyPicked({ allDown, type, key }: PickFacts): string {
  const choice = type === "chash"
    ? `the key ${JSON.stringify(key ?? "")} belongs to it`
    : type === "ewma"
    ? "drawn by answer times; another draw may differ"
    : "it is its turn";
  return allDown ? `${choice}; every node is unhealthy, so all are used` : choice;
}

function whyNot(node: UpstreamNode, { picked, tried, allDown, type, health }: PickFacts): string {
  if (node.weight <= 0) return "weight 0";
  if (tried?.has(node)) return "tried already";
  if (!allDown && node.use !== "open") {
    const { state, since, reason } = health(node) ??
      { state: "unhealthy", since: "an unknown time", reason: "unknown" };
    const trial = node.use === "closed" ? "" : node.trying ? "; a trial is under way" : "; the next trial is its own";
    return `${state} since ${since} (${reason})${trial}`;
  }
  if (picked !== undefined && node.priority < picked.priority) {
    return `priority ${node.priority}: nodes of priority ${picked.priority} go first`;
  }
  return type === "chash" ? "the key belongs to another node" : "it is another node's turn";
}

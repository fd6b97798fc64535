import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BalancedNode, Balancer } from "../../src/upstream/balance/balancer.ts";

/** A balancer under the contract. */
export interface BalancerCase {
  readonly name: string;
  make(): Balancer<BalancedNode>;
  /** How far a node's share of 100,000 picks may be from its weight's, as a part of the latter. */
  readonly tolerance: number;
  /** Whether it draws at random, so that two looks may see different nodes. */
  readonly drawn?: boolean;
}

export const PICKS = 100_000;

export function createNodes(weights: readonly number[]): { readonly id: string; weight: number }[] {
  return weights.map((weight, i) => ({ id: `10.0.0.${i + 1}:80`, weight }));
}

/** Picks one after the other, each with a key of its own, and counts by node. */
export function count(
  balancer: Balancer<BalancedNode>,
  picks: number,
  excluded?: (node: BalancedNode) => boolean,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < picks; i++) {
    const node = balancer.pick(`key-${i}`, excluded);
    assert.ok(node !== undefined);
    counts.set(node.id, (counts.get(node.id) ?? 0) + 1);
    balancer.measured?.(node, 10, true);
    balancer.done?.(node);
  }
  return counts;
}

/** Fails unless each node's count is its weight's share, within the tolerance. */
export function assertShares(counts: Map<string, number>, nodes: readonly BalancedNode[], tolerance: number): void {
  const picks = [...counts.values()].reduce((sum, n) => sum + n, 0);
  const sum = nodes.reduce((total, node) => total + node.weight, 0);
  for (const node of nodes) {
    const share = picks * node.weight / sum, got = counts.get(node.id) ?? 0;
    const deviation = Math.abs(got - share) / share;
    assert.ok(deviation <= tolerance, `${node.id} of weight ${node.weight}: ${got} picks, ${share.toFixed(0)} wanted`);
  }
}

/** What every balancer promises. */
export function testBalancer({ name, make, tolerance, drawn = false }: BalancerCase): void {
  const started = (weights: readonly number[]) => {
    const nodes = createNodes(weights), balancer = make();
    balancer.update(nodes);
    return { nodes, balancer };
  };

  describe(`balancer ${name}`, () => {
    it("picks nothing without nodes", () => {
      const balancer = make();
      assert.equal(balancer.pick("a", undefined), undefined);
      assert.equal(balancer.peek("a", undefined), undefined);
      balancer.update([]);
      assert.equal(balancer.pick("a", () => false), undefined);
    });

    it("picks the only node each time", () => {
      const { balancer } = started([7]);
      assert.deepEqual([...count(balancer, 100)], [["10.0.0.1:80", 100]]);
    });

    it("gives nodes of equal weight equal shares of 100,000 picks", () => {
      const { nodes, balancer } = started([1, 1, 1, 1, 1]);
      assertShares(count(balancer, PICKS), nodes, tolerance);
    });

    it("leaves out what is excluded, and yields nothing where that is every node", () => {
      const { nodes, balancer } = started([1, 2, 3]);
      const counts = count(balancer, 3000, (node) => node === nodes[1]);
      assert.equal(counts.get(nodes[1]!.id), undefined);
      assert.ok(counts.get(nodes[0]!.id)! > 0 && counts.get(nodes[2]!.id)! > 0);
      assert.equal(balancer.pick("a", () => true), undefined);
      for (const node of nodes) assert.equal(balancer.pick("a", (other) => other !== node), node);
    });

    it("picks new nodes and no removed ones after an update", () => {
      const { nodes, balancer } = started([1, 1, 1]);
      count(balancer, 1000);
      const added = { id: "10.0.0.9:80", weight: 1 };
      balancer.update([nodes[0]!, nodes[2]!, added]);
      const counts = count(balancer, PICKS);
      assert.equal(counts.get(nodes[1]!.id), undefined);
      assertShares(counts, [nodes[0]!, nodes[2]!, added], tolerance);
    });

    it("takes no harm from a node that is done after it was removed", () => {
      const { nodes, balancer } = started([1, 1]);
      const picked = balancer.pick("a", undefined)!;
      const rest = nodes.filter((node) => node !== picked);
      balancer.update(rest);
      balancer.measured?.(picked, 5, true);
      balancer.done?.(picked);
      assert.equal(balancer.pick("a", undefined), rest[0]);
    });

    it("is not disturbed by an update with the same nodes", () => {
      const { nodes, balancer } = started([3, 2, 1]);
      const { balancer: undisturbed } = started([3, 2, 1]);
      for (let i = 0; i < 1000; i++) {
        if (i % 7 === 0) balancer.update([...nodes]);
        assert.deepEqual([...count(balancer, 10)], [...count(undisturbed, 10)]);
      }
    });

    it("peeks without moving", () => {
      const { balancer } = started([3, 2, 1]);
      const { balancer: other } = started([3, 2, 1]);
      if (drawn) return assert.ok(balancer.peek("a", undefined));
      for (let i = 0; i < 100; i++) {
        const peeked = balancer.peek(`key-${i}`, undefined);
        balancer.peek(`key-${i + 1}`, undefined);
        const picked = balancer.pick(`key-${i}`, undefined);
        assert.equal(peeked, picked);
        assert.equal(picked?.id, other.pick(`key-${i}`, undefined)?.id);
      }
    });

    it("picks from a thousand nodes", () => {
      const { nodes, balancer } = started(Array.from({ length: 1000 }, (_, i) => 1 + i % 3));
      const counts = count(balancer, PICKS);
      assert.ok(counts.size > nodes.length * 0.99, `${counts.size} of ${nodes.length} nodes were picked`);
    });
  });
}

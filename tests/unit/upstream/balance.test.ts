import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BalancedNode, Balancer } from "../../../src/upstream/balance/balancer.ts";
import { createBalancer } from "../../../src/upstream/balance/create.ts";
import { PeakEwma } from "../../../src/upstream/balance/ewma.ts";
import { hash32 } from "../../../src/upstream/balance/hash-function.ts";
import { ConsistentHash } from "../../../src/upstream/balance/hash.ts";
import { LeastConnections } from "../../../src/upstream/balance/least-conn.ts";
import { RoundRobin } from "../../../src/upstream/balance/round-robin.ts";
import { assertShares, count, createNodes, PICKS } from "../../contracts/balancer.ts";
import { seededRandom } from "./seeded-random.ts";

function filled<B extends Balancer<BalancedNode>>(balancer: B, nodes: readonly BalancedNode[]): B {
  balancer.update(nodes);
  return balancer;
}

/** Names of the nodes of so many picks, by their last number. */
function sequence(balancer: Balancer<BalancedNode>, picks: number): string {
  return Array.from({ length: picks }, () => /(\d+):/.exec(balancer.pick(undefined, undefined)!.id)![1]).join("");
}

describe("round robin", () => {
  it("takes nodes in the order of the configuration", () => {
    assert.equal(sequence(filled(new RoundRobin(), createNodes([1, 1, 1])), 7), "1231231");
  });

  it("spreads a heavy node's turns", () => {
    assert.equal(sequence(filled(new RoundRobin(), createNodes([5, 1, 1])), 14), "11123111112311");
  });

  it("gives each node its weight's share of 100,000 picks, to the pick", () => {
    const nodes = createNodes([1, 3, 7, 100, 1009]);
    const counts = count(filled(new RoundRobin(), nodes), PICKS);
    for (const node of nodes) {
      const share = PICKS * node.weight / 1120;
      assert.ok(
        Math.abs((counts.get(node.id) ?? 0) - share) <= 1,
        `${node.id}: ${counts.get(node.id)}, ${share} wanted`,
      );
    }
  });

  it("goes on with its turns when a node joins or changes weight", () => {
    const nodes = createNodes([1, 1, 1]), balancer = filled(new RoundRobin(), nodes);
    assert.equal(sequence(balancer, 2), "12");
    balancer.update([...nodes, { id: "10.0.0.4:80", weight: 1 }]);
    assert.equal(sequence(balancer, 5), "34123");
    nodes[0]!.weight = 2;
    balancer.update(nodes);
    assertShares(count(balancer, 4000), nodes, 0.01);
  });

  it("does not let a node that was excluded for long make up for it", () => {
    const nodes = createNodes([1, 1, 1]), balancer = filled(new RoundRobin(), nodes);
    count(balancer, 1000, (node) => node === nodes[0]);
    balancer.update(nodes);
    assertShares(count(balancer, 30), nodes, 0.11);
  });

  it("does not starve light nodes when it is updated after each pick", () => {
    const nodes = createNodes([10, 1]), balancer = filled(new RoundRobin(), nodes);
    const counts = new Map<string, number>();
    for (let i = 0; i < 1100; i++) {
      const { id } = balancer.pick(undefined, undefined)!;
      counts.set(id, (counts.get(id) ?? 0) + 1);
      balancer.update(nodes);
    }
    assertShares(counts, nodes, 0.02);
  });
});

/** Fixed, since instances of different releases must agree as well. */
const HASHES = [2872998923, 444641715, 2193908274, 2005895916, 853201105, 4059490649, 155621723];
const OWNERS = [6, 1, 1, 6, 5, 9, 10, 1].map((n) => `10.0.0.${n}:80`);

describe("consistent hash", () => {
  const nodes = createNodes([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  const owners = (balancer: ConsistentHash<BalancedNode>, excluded?: (node: BalancedNode) => boolean) =>
    Array.from({ length: PICKS }, (_, i) => balancer.pick(`user-${i}`, excluded)!.id);

  it("hashes to the same numbers on every runtime", () => {
    assert.deepEqual(["", "a", "b", "user-1", "user-2", "schön", "水"].map((text) => hash32(text)), HASHES);
  });

  it("finds the same nodes on every runtime, whatever their order", () => {
    const keys = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
    const pick = (balancer: ConsistentHash<BalancedNode>) => keys.map((key) => balancer.pick(key, undefined)!.id);
    assert.deepEqual(pick(filled(new ConsistentHash(), nodes)), OWNERS);
    assert.deepEqual(pick(filled(new ConsistentHash(), nodes.toReversed())), OWNERS);
  });

  it("moves the keys of a removed node only, which are about a tenth of them", () => {
    const balancer = filled(new ConsistentHash<BalancedNode>(), nodes);
    const before = owners(balancer), removed = nodes[3]!;
    balancer.update(nodes.filter((node) => node !== removed));
    const after = owners(balancer);
    const moved = before.filter((id, i) => id !== after[i]);
    assert.ok(moved.every((id) => id === removed.id));
    assert.ok(moved.length > PICKS * 0.07 && moved.length < PICKS * 0.13, `${moved.length} of ${PICKS} keys moved`);
  });

  it("moves keys to an added node only, about an eleventh of them", () => {
    const balancer = filled(new ConsistentHash<BalancedNode>(), nodes);
    const before = owners(balancer), added = { id: "10.0.0.11:80", weight: 1 };
    balancer.update([...nodes, added]);
    const after = owners(balancer);
    const moved = after.filter((id, i) => id !== before[i]);
    assert.ok(moved.every((id) => id === added.id));
    assert.ok(moved.length > PICKS * 0.06 && moved.length < PICKS * 0.12, `${moved.length} of ${PICKS} keys moved`);
  });

  it("walks on from an excluded node as if it were not there", () => {
    const all = filled(new ConsistentHash<BalancedNode>(), nodes), out = nodes[5]!;
    const without = filled(new ConsistentHash<BalancedNode>(), nodes.filter((node) => node !== out));
    assert.deepEqual(owners(all, (node) => node === out), owners(without));
  });

  it("gives weights their shares", () => {
    const weighted = createNodes([1, 2, 4, 8]);
    assertShares(count(filled(new ConsistentHash(), weighted), PICKS), weighted, 0.25);
  });

  it("spreads keys over huge weights without a huge ring", () => {
    const heavy = createNodes([1_000_000, 2_000_000]);
    assertShares(count(filled(new ConsistentHash(), heavy), PICKS), heavy, 0.2);
  });
});

describe("least connections", () => {
  it("picks the node with the fewest requests for its weight", () => {
    const nodes = createNodes([1, 1, 2]), balancer = filled(new LeastConnections<BalancedNode>(), nodes);
    assert.deepEqual([...sequence(balancer, 4)].sort().join(""), "1233");
    balancer.done(nodes[1]!);
    assert.equal(balancer.pick(undefined, undefined), nodes[1]);
    balancer.done(nodes[2]!);
    balancer.done(nodes[2]!);
    assert.equal(balancer.pick(undefined, undefined), nodes[2]);
    assert.equal(balancer.pick(undefined, undefined), nodes[2]);
  });

  it("holds as many requests at each node as its weight says", () => {
    const nodes = createNodes([1, 2, 3, 4]), balancer = filled(new LeastConnections<BalancedNode>(), nodes);
    const random = seededRandom(7), active: BalancedNode[] = [], counts = new Map<string, number>();
    for (let i = 0; i < PICKS; i++) {
      active.push(balancer.pick(undefined, undefined)!);
      if (active.length > 1000) balancer.done(active.splice(Math.floor(random() * active.length), 1)[0]!);
    }
    for (const { id } of active) counts.set(id, (counts.get(id) ?? 0) + 1);
    assertShares(counts, nodes, 0.02);
  });

  it("remembers the requests of a node that was away for a while", () => {
    const nodes = createNodes([1, 1]), balancer = filled(new LeastConnections<BalancedNode>(), nodes);
    sequence(balancer, 20);
    balancer.update([nodes[0]!]);
    for (let i = 0; i < 10; i++) balancer.done(nodes[0]!);
    balancer.update(nodes);
    assert.equal(sequence(balancer, 5), "11111");
  });
});

describe("peak EWMA", () => {
  /** Runs a request every `every` ms of simulated time against nodes that take so long each, and counts. */
  function simulate(latency: (node: BalancedNode, now: number) => number, weights: readonly number[], every: number) {
    let now = 0;
    const nodes = createNodes(weights), random = seededRandom(3);
    const balancer = filled(new PeakEwma<BalancedNode>(() => now, random), nodes);
    const active: { node: BalancedNode; began: number; until: number }[] = [];
    const counts = new Map<string, number>();
    for (let i = 0; i < PICKS; i++) {
      now += every;
      for (let at = active.length - 1; at >= 0; at--) {
        const { node, began, until } = active[at]!;
        if (until > now) continue;
        balancer.measured(node, until - began, true);
        balancer.done(node);
        active.splice(at, 1);
      }
      const node = balancer.pick(undefined, undefined)!;
      counts.set(node.id, (counts.get(node.id) ?? 0) + 1);
      active.push({ node, began: now, until: now + latency(node, now) * (0.5 + random()) });
    }
    return { nodes, share: (i: number) => (counts.get(nodes[i]!.id) ?? 0) / PICKS };
  }

  it("gives equal nodes equal shares under load", () => {
    const { nodes, share } = simulate(() => 20, [1, 1, 1, 1], 1);
    for (const i of nodes.keys()) assert.ok(Math.abs(share(i) - 0.25) < 0.01, `${share(i)}`);
  });

  it("gives weights about their shares under load", () => {
    const { share } = simulate(() => 20, [1, 3], 0.5);
    assert.ok(share(0) > 0.2 && share(0) < 0.32, `${share(0)}`);
  });

  it("sends a node that is ten times slower less than a tenth of the others' share", () => {
    const { share } = simulate((node) => node.id.startsWith("10.0.0.1:") ? 200 : 20, [1, 1, 1], 1);
    assert.ok(share(0) < 0.05, `${share(0)}`);
    assert.ok(share(0) > 0.0005, "but tries it now and then");
  });

  it("comes back to a node that was slow for a while", () => {
    const slow = (now: number) => now < 10_000 ? 500 : 20;
    const { share } = simulate((node, now) => node.id.startsWith("10.0.0.1:") ? slow(now) : 20, [1, 1], 1);
    assert.ok(share(0) > 0.3, `${share(0)}`);
  });

  it("does not take a fast failure for a fast node", () => {
    let now = 0;
    const nodes = createNodes([1, 1]), balancer = filled(new PeakEwma<BalancedNode>(() => now, seededRandom(5)), nodes);
    let failing = 0;
    for (let i = 0; i < 1000; i++) {
      now += 1;
      const node = balancer.pick(undefined, undefined)!;
      if (node === nodes[0]) failing++;
      balancer.measured(node, node === nodes[0] ? 0.5 : 20, node !== nodes[0]);
      balancer.done(node);
    }
    assert.ok(failing < 10, `${failing} of 1000 went to the failing node`);
  });
});

describe("createBalancer", () => {
  it("names the types that there are", () => {
    const environment = { now: () => 0, random: () => 0 };
    assert.ok(createBalancer("ewma", environment) instanceof PeakEwma);
    assert.throws(
      () => createBalancer("random", environment),
      /'type' must be one of roundrobin, chash, least_conn, ewma.*random/,
    );
  });
});

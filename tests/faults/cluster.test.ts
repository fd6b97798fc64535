// runtimes: deno, bun
// limit: 300
// waits
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseEtcdOptions } from "../../src/sources/etcd/options.ts";
import { createEtcdSource } from "../../src/sources/etcd/source.ts";
import { Collector } from "../contracts/collector.ts";
import { type EtcdServer, startCluster } from "../support/etcd.ts";
import { until } from "../support/until.ts";
import { CARRIERS, PREFIX, report } from "./rig.ts";

interface Member {
  readonly carrier: string;
  readonly collector: Collector;
}

/** A cluster of three, and a reader per carrier that knows all of them. */
async function withCluster(
  test: (members: EtcdServer[], readers: readonly Member[]) => Promise<void>,
  random: () => number = Math.random,
): Promise<void> {
  const members = await startCluster(3, { flags: ["--heartbeat-interval", "50", "--election-timeout", "500"] });
  const readers = CARRIERS.map((carrier) => ({
    carrier,
    collector: new Collector(
      createEtcdSource(parseEtcdOptions({ endpoints: members.map(({ url }) => url), prefix: PREFIX, carrier }), {
        random,
      }),
    ),
  }));
  let passed = false;
  try {
    await test(members, readers);
    passed = true;
  } finally {
    for (const { collector, carrier } of readers) {
      await collector.stop();
      if (passed) assert.deepEqual(collector.broken, [], carrier);
    }
    for (const member of members) await member.close();
  }
}

/** Writes through any member that takes it. */
async function put(members: readonly EtcdServer[], value: string): Promise<void> {
  await until(async () => {
    for (const member of members) {
      if (!member.running) continue;
      try {
        await member.put(`${PREFIX}/routes/a`, value);
        return true;
      } catch {
        // No leader yet; the next one may know more.
      }
    }
    return false;
  }, { limit: 10_000, every: 20, what: "a member takes a write" });
}

async function holds(readers: readonly Member[], value: string, limit: number): Promise<Record<string, number>> {
  const start = performance.now();
  const times: Record<string, number> = {};
  await Promise.all(readers.map(async ({ carrier, collector }) => {
    await collector.holds({ "routes/a": value }, limit);
    times[carrier] = Math.round(performance.now() - start);
  }));
  return times;
}

describe("faults: a cluster", () => {
  it("F17 each member stops in turn", () =>
    withCluster(async (members, readers) => {
      await put(members, "0");
      await holds(readers, "0", 5000);
      for (const [index, member] of members.entries()) {
        await member.stop(index % 2 === 0 ? "kill" : "graceful");
        await put(members, String(index + 1));
        report(`F17 ${index}`, await holds(readers, String(index + 1), 2000));
        await member.start();
        await Promise.all(members.map((one) => one.ready()));
        await put(members, `again ${index + 1}`);
        await holds(readers, `again ${index + 1}`, 2000);
      }
    }));

  it("F18 a member loses its majority: it is given up for the other side", () =>
    withCluster(async (members, readers) => {
      await put(members, "0");
      await holds(readers, "0", 5000);
      for (const { collector } of readers) await collector.synced();
      const frozen = members.slice(1);
      for (const member of frozen) member.pause();
      const start = performance.now();
      await until(() => readers.every(({ collector }) => collector.source.status().state !== "synced"), {
        limit: 6000,
        what: "every reader doubts",
      });
      report("F18 doubt", { ms: Math.round(performance.now() - start) });
      for (const member of frozen) member.resume();
      await put(members, "1");
      report("F18", await holds(readers, "1", 6000));
    }, () => 0));

  it("F18b only one member is frozen: its readers move on", () =>
    withCluster(async (members, readers) => {
      await put(members, "0");
      await holds(readers, "0", 5000);
      for (const { collector } of readers) await collector.synced();
      const [frozen, ...others] = members;
      assert.ok(frozen);
      frozen.pause();
      await put(others, "1");
      report("F18b", await holds(readers, "1", 12_000));
      for (const { collector } of readers) {
        assert.notEqual(collector.source.status().details?.["endpoint"], frozen.url);
      }
      frozen.resume();
    }, () => 0));
});

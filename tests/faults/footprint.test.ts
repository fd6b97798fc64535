// runtimes: deno, bun
// limit: 300
// waits
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { etcdSource } from "../../src/sources/etcd/source.ts";
import { Collector } from "../contracts/collector.ts";
import { startEtcd } from "../support/etcd.ts";
import { until } from "../support/until.ts";
import { CARRIERS, LONG, PREFIX, report, sleep, withRig } from "./rig.ts";

const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** Seconds of processor that a process has used. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Every runtime can collect its garbage when it is told to, each in its own way. */
function collectGarbage(): void {
  const { Bun } = globalThis as { readonly Bun?: { gc(now: boolean): void } };
  if (Bun) return Bun.gc(true);
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

async function memory(): Promise<number> {
  for (let look = 0; look < 3; look++) {
    collectGarbage();
    await sleep(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("faults: footprint", () => {
  it(
    "connections that are cut again and again leave nothing behind",
    withRig({}, async (rig) => {
      await rig.fill(20);
      const readers = await rig.read({ spreadMs: 0, backoffMaxMs: 1 });
      await rig.converged(5000);
      const before = descriptors();
      const cycles = LONG ? 1000 : 200;
      for (let cycle = 1; cycle <= cycles; cycle++) {
        for (const { proxy } of readers) proxy.cut();
        await until(() => readers.every((reader) => reader.count("watches") > cycle && reader.state === "synced"), {
          limit: 10_000,
          what: `cycle ${cycle}`,
        });
      }
      await rig.put("routes/new", "{}");
      await rig.converged(2000);
      await until(() => descriptors() <= before + 4, {
        limit: 8000,
        what: `${before} descriptors before, ${descriptors()} after`,
      });
      await until(async () => await rig.etcd.watchers() === CARRIERS.length, { what: "one watcher for each reader" });
    }),
  );

  it(
    "many changes need no more memory than few",
    withRig({}, async (rig) => {
      await rig.fill(1000, () => `{"x":"${"x".repeat(500)}"}`);
      const readers = await rig.read();
      await rig.converged(5000);
      let value = 0;
      const change = async (count: number) => {
        for (let from = 0; from < count; from += 100) {
          await rig.etcd.txn(Array.from({ length: 100 }, (_, at) => ({
            key: `${PREFIX}/routes/${(from + at) % 1000}`,
            value: `{"n":${value++},"x":"${"x".repeat(500)}"}`,
          })));
          // What the test itself remembers is not what is measured.
          for (const { collector } of readers) collector.batches.splice(0, collector.batches.length - 1);
        }
        await rig.etcd.compact();
        await rig.converged(5000);
      };
      await change(5000);
      const few = await memory();
      await change(LONG ? 100_000 : 50_000);
      const many = await memory();
      report("memory", { fewMiB: few / 2 ** 20, manyMiB: many / 2 ** 20 });
      assert.ok(many - few < 10 * 2 ** 20, `${few} bytes, then ${many}`);
    }),
  );

  it("many instances cost etcd little while nothing changes", async () => {
    const etcd = await startEtcd();
    const count = LONG ? 100 : 30;
    const collectors: Collector[] = [];
    try {
      await etcd.put(`${PREFIX}/routes/a`, "{}");
      for (let instance = 0; instance < count; instance++) {
        const carrier = CARRIERS[instance % CARRIERS.length] ?? "grpc";
        collectors.push(new Collector(etcdSource({ endpoints: [etcd.url], prefix: PREFIX, carrier })));
      }
      for (const collector of collectors) await collector.synced(20_000);
      assert.equal(await etcd.watchers(), count, "one watch for each instance");
      assert.ok(etcd.pid);
      const before = cpuSeconds(etcd.pid);
      const seconds = LONG ? 20 : 8;
      await sleep(seconds * 1000);
      const share = (cpuSeconds(etcd.pid) - before) / seconds;
      report("idle", { instances: count, etcdCpu: `${(share * 100).toFixed(1)} % of one core` });
      assert.ok(share < 0.2, `${share} of a core`);
      const lists = collectors.map((collector) => Number(collector.source.status().details?.["lists"]));
      assert.deepEqual(lists, lists.map(() => 1), "nothing is polled");
      const start = performance.now();
      await etcd.put(`${PREFIX}/routes/a`, `{"n":1}`);
      for (const collector of collectors) await collector.holds({ "routes/a": `{"n":1}` }, 2000);
      report("fan out", { instances: count, ms: Math.round(performance.now() - start) });
    } finally {
      for (const collector of collectors) await collector.stop();
      await etcd.close();
    }
  });
});

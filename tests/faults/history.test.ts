// runtimes: deno, bun
// limit: 300
// waits
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { describe, it } from "node:test";
import type { Carrier, CarrierName } from "../../src/sources/etcd/carrier.ts";
import { startEtcd } from "../support/etcd.ts";
import { until } from "../support/until.ts";
import { PREFIX, type Reader, report, type Rig, sleep, withRig } from "./rig.ts";

/** Cuts every reader off, until the answer is called. */
async function cutOff(rig: Rig): Promise<() => Promise<void>> {
  for (const { proxy } of rig.readers) {
    await proxy.setMode("refuse");
    proxy.cut();
  }
  await rig.doubted(2000);
  return async () => {
    for (const { proxy } of rig.readers) await proxy.setMode("pass");
  };
}

/** Writes a key, and forgets everything before. */
async function overwrite(rig: Rig, key: string): Promise<void> {
  await rig.put(key, `{"at":${performance.now()}}`);
  const revision = await rig.put(key, `{"at":${performance.now()}}`);
  // The other reader's test may have compacted later revisions meanwhile.
  await rig.etcd.compact(revision).catch(() => undefined);
}

const told = ({ collector }: Reader, from: number): string[] =>
  collector.batches.slice(from).flatMap(({ changes }) => changes.map(({ key }) => key)).sort();

describe("faults: the store's history", () => {
  it(
    "F10 the history is compacted while the watch is cut off",
    withRig({}, async (rig) => {
      await rig.fill(30);
      const readers = await rig.read();
      await rig.converged(5000);
      const heal = await cutOff(rig);
      await rig.put("routes/1", `{"changed":true}`);
      await rig.etcd.del(`${PREFIX}/routes/2`);
      await rig.put("routes/gone", "{}");
      await rig.etcd.del(`${PREFIX}/routes/gone`);
      await rig.etcd.compact();
      await heal();
      report("F10", await rig.converged(5000));
      for (const reader of readers) assert.deepEqual(told(reader, 1), ["routes/1", "routes/2"]);
    }),
  );

  it(
    "F10b the history is compacted under a watch that lags behind: etcd cancels it",
    withRig({}, async (rig) => {
      await rig.fill(30);
      // A session whose list is old when its watch begins, as where the list took longer than the history is kept.
      const lists = { grpc: 0, json: 0 };
      const tamper = (create: Carrier, name: CarrierName): Carrier => (options) => {
        const client = create(options);
        return {
          ...client,
          async range(request) {
            const answer = await client.range(request);
            if (request.limit !== 1 && lists[name]++ < 2) await overwrite(rig, `routes/${name}`);
            return answer;
          },
        };
      };
      const readers = await rig.read({}, { tamper });
      await until(() => lists.grpc > 2 && lists.json > 2, { limit: 10_000, what: "the lists begin anew" });
      await rig.converged(5000);
      for (const reader of readers) assert.match(String(reader.status.details?.["lastDoubt"]), /^compacted: /);
    }),
  );

  it(
    "F11 the history is compacted between two pages of the list",
    withRig({}, async (rig) => {
      await rig.fill(100);
      const pages = { grpc: 0, json: 0 };
      const tamper = (create: Carrier, name: CarrierName): Carrier => (options) => {
        const client = create(options);
        return {
          ...client,
          async range(request) {
            if (request.limit !== 1 && (++pages[name] === 3 || pages[name] === 8)) {
              await overwrite(rig, `routes/${name}`);
            }
            return await client.range(request);
          },
        };
      };
      const readers = await rig.read({ pageSize: 10 }, { tamper });
      await until(() => pages.grpc > 17 && pages.json > 17, { limit: 10_000, what: "the lists begin anew" });
      await rig.converged(5000);
      for (const reader of readers) assert.equal(reader.count("doubts"), 0, "the list began anew by itself");
    }),
  );

  it(
    "F12 the history is compacted while the prefix is idle",
    withRig({}, async (rig) => {
      await rig.fill(10);
      const readers = await rig.read();
      await rig.converged(5000);
      for (let write = 0; write < 20; write++) await rig.etcd.put("/faults-other/x", String(write));
      await rig.etcd.compact();
      await rig.converged(1000);
      for (const { proxy } of readers) proxy.cut();
      await rig.doubted(1000);
      await rig.converged(3000);
      for (const reader of readers) assert.deepEqual(told(reader, 1), []);
    }),
  );

  it(
    "F13 the store is wiped: what was known serves on while it is empty, and what is put again is taken",
    withRig({}, async (rig) => {
      await rig.fill(30);
      const readers = await rig.read();
      await rig.converged(5000);
      await rig.etcd.wipe();
      await rig.etcd.start();
      for (const reader of readers) {
        await until(() => /empty now/.test(reader.status.reason ?? ""), { limit: 6000, what: "the wipe is named" });
        assert.equal(reader.state, "stale");
      }
      await sleep(3000);
      for (const { collector, state } of readers) {
        assert.equal(collector.content.size, 30);
        assert.equal(state, "stale");
      }
      await rig.fill(29);
      report("F13", await rig.converged(2000));
      for (const { collector, lines } of readers) {
        assert.equal(collector.batches.filter(({ reset }) => reset !== undefined).length, 1);
        assert.match(lines.join("\n"), /revision went back/);
      }
      const lists = readers.map((reader) => reader.count("lists"));
      await rig.put("routes/later", "{}");
      await rig.converged(500);
      assert.deepEqual(readers.map((reader) => reader.count("lists")), lists, "no list follows another for ever");
    }),
  );

  it(
    "F14 an older snapshot is restored",
    withRig({}, async (rig) => {
      const file = `${rig.etcd.directory}.snapshot`;
      await rig.fill(10);
      await rig.put("routes/1", `{"old":true}`);
      await rig.etcd.etcdctl("snapshot", "save", file);
      await rig.put("routes/1", `{"old":false}`);
      await rig.put("routes/new", "{}");
      await rig.etcd.del(`${PREFIX}/routes/2`);
      const readers = await rig.read();
      await rig.converged(5000);
      await rig.etcd.restore(file);
      await rig.etcd.start();
      report("F14", await rig.converged(6000));
      await rm(file);
      for (const { collector } of readers) {
        assert.equal(collector.content.get("routes/1"), `{"old":true}`);
        assert.match(collector.batches.at(-1)?.reset ?? "", /went back/);
        assert.equal(collector.batches.length, 2);
      }
    }),
  );

  it(
    "F15 the store is wiped and outgrows its old revision while we are cut off",
    withRig({}, async (rig) => {
      await rig.fill(10);
      await rig.put("routes/same", "{}");
      const readers = await rig.read();
      await rig.converged(5000);
      const heal = await cutOff(rig);
      await rig.etcd.wipe();
      await rig.etcd.start();
      await rig.fill(10, (index) => `{"again":${index}}`);
      await rig.put("routes/same", "{}");
      for (let write = 0; write < 20; write++) await rig.put("routes/new", `{"n":${write}}`);
      await heal();
      report("F15", await rig.converged(5000));
      for (const { collector } of readers) assert.equal(collector.content.get("routes/3"), `{"again":3}`);
    }),
  );

  it(
    "F16 another cluster answers at the endpoint",
    withRig({}, async (rig) => {
      await rig.fill(10);
      const readers = await rig.read();
      await rig.converged(5000);
      const other = await startEtcd();
      try {
        for (let write = 0; write < 30; write++) await other.put(`${PREFIX}/routes/other`, `{"n":${write}}`);
        for (const { proxy } of readers) {
          proxy.target = { host: "127.0.0.1", port: other.port };
          proxy.cut();
        }
        for (const { collector, lines, carrier } of readers) {
          await collector.holds({ "routes/other": `{"n":29}` }, 3000);
          assert.match(collector.batches.at(-1)?.reset ?? "", /another etcd cluster/, carrier);
          await until(() => lines.some((line) => line.includes("another etcd cluster")), { what: "the log says so" });
        }
      } finally {
        await other.close();
      }
    }),
  );

  it(
    "F24 a lease ends: its keys go together",
    withRig({}, async (rig) => {
      const readers = await rig.read();
      const lease = await rig.etcd.lease(2);
      await rig.etcd.txn([1, 2].map((id) => ({ key: `${PREFIX}/routes/${id}`, value: "{}", lease })));
      await rig.put("routes/stays", "{}");
      await rig.converged(5000);
      for (const { collector } of readers) {
        await collector.holds({ "routes/stays": "{}" }, 5000);
        assert.equal(collector.batches.at(-1)?.changes.length, 2);
      }
    }),
  );

  it(
    "F28 the last key is deleted, and a whole prefix",
    withRig({}, async (rig) => {
      await rig.put("routes/last", "{}");
      const readers = await rig.read();
      await rig.converged(5000);
      await rig.etcd.del(`${PREFIX}/routes/last`);
      report("F28", await rig.converged(1000));
      await rig.fill(300);
      await rig.converged(1000);
      await rig.etcd.del(`${PREFIX}/`, { prefix: true });
      report("F28 prefix", await rig.converged(1000));
      for (const { collector } of readers) {
        assert.equal(collector.content.size, 0);
        assert.equal(collector.batches.at(-1)?.changes.length, 300);
      }
    }),
  );

  it(
    "F36 a key is put, deleted and put again in one gap",
    withRig({}, async (rig) => {
      await rig.put("routes/a", "{}");
      await rig.put("routes/b", "{}");
      const readers = await rig.read();
      await rig.converged(5000);
      const heal = await cutOff(rig);
      await rig.put("routes/a", `{"n":1}`);
      await rig.etcd.del(`${PREFIX}/routes/a`);
      await rig.put("routes/a", "{}");
      await heal();
      await rig.converged(5000);
      // The value is the same, but it is another key: a consumer of the source may have seen the first one go.
      for (const reader of readers) assert.deepEqual(told(reader, 1), ["routes/a"]);
    }),
  );

  it(
    "a source that lost etcd between its first list and its first watch is stale, and not just connecting",
    withRig({}, async (rig) => {
      let refuse = true;
      const tamper = (create: Carrier): Carrier => (options) => {
        const client = create(options);
        return {
          ...client,
          watch(request, handler) {
            if (!refuse) return client.watch(request, handler);
            queueMicrotask(() => handler.failed(new Error("no watch today")));
            return { requestProgress: () => undefined, cancel: () => undefined };
          },
        };
      };
      await rig.put("routes/1", "{}");
      const readers = await rig.read({}, { tamper });
      for (const reader of readers) {
        await until(() => reader.collector.content.size === 1, { what: "the list has come" });
        await until(() => reader.state === "stale", { what: "the source says that it is stale" });
        assert.match(reader.status.reason ?? "", /no watch today/);
      }
      refuse = false;
      await rig.synced();
    }),
  );
});

// runtimes: deno, bun
// limit: 400
// waits
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../support/until.ts";
import { LONG, PREFIX, report, sleep, withRig } from "./rig.ts";

const big = (size: number) => (index: number): string => `{"n":${index},"x":"${"x".repeat(size)}"}`;

describe("faults: the network", () => {
  it(
    "F5 the connection is reset",
    withRig({}, async (rig) => {
      await rig.fill(20);
      const readers = await rig.read();
      await rig.converged(5000);
      for (let round = 0; round < 5; round++) {
        for (const { proxy } of readers) assert.ok(proxy.cut() > 0);
        await rig.put("routes/new", `{"n":${round}}`);
        report("F5", await rig.converged(1000));
        await sleep(2100);
      }
    }),
  );

  it(
    "F6 the connection is half open: nothing comes, and nothing fails",
    withRig({}, async (rig) => {
      await rig.fill(20);
      const readers = await rig.read();
      await rig.converged(5000);
      // etcd answered for signs of life by then. Before, JSON would take the silence for an etcd that cannot, and begin anew without a doubt.
      await sleep(500);
      for (const { proxy } of readers) proxy.blackholeExisting();
      await rig.put("routes/new", "{}");
      report("F6 doubt", await rig.doubted(10_000));
      report("F6", await rig.converged(2000));
      for (const reader of readers) {
        assert.match(
          String(reader.status.details?.["lastDoubt"]),
          /nothing came for|did not answer|ended the connection/,
        );
      }
    }),
  );

  it(
    "F6a a connection that is half open from the start of its watch heals as well",
    withRig({}, async (rig) => {
      await rig.fill(20);
      const readers = await rig.read();
      await rig.converged(5000);
      for (const { proxy } of readers) proxy.blackholeExisting();
      await rig.put("routes/new", "{}");
      report("F6a", await rig.converged(15_000));
    }),
  );

  it(
    "F6b a connection that was half open for a moment is given up, and the watch moves to another endpoint",
    withRig({}, async (rig) => {
      await rig.fill(20);
      const [first] = await rig.read({}, { carriers: ["grpc"] });
      assert.ok(first);
      const endpoints = [first.proxy.url, `http://127.0.0.1:${rig.etcd.port}`];
      const readers = await rig.read({ endpoints });
      await rig.converged(5000);
      await first.proxy.setMode("blackhole");
      first.proxy.blackholeExisting();
      for (const reader of readers.slice(1)) {
        if (reader.status.details?.["endpoint"] === endpoints[1]) continue;
        await until(() => reader.status.details?.["endpoint"] === endpoints[1] && reader.state === "synced", {
          limit: 12_000,
          what: `${reader.carrier} moved to the other endpoint`,
        });
      }
      await first.proxy.setMode("pass");
      first.proxy.cut();
      report("F6b", await rig.converged(10_000));
    }),
  );

  it(
    "F7 new connections are swallowed too, then the network heals",
    withRig({}, async (rig) => {
      await rig.fill(20);
      const readers = await rig.read();
      await rig.converged(5000);
      for (const { proxy } of readers) {
        await proxy.setMode("blackhole");
        proxy.blackholeExisting();
      }
      await rig.put("routes/new", "{}");
      await sleep(20_000);
      for (const reader of readers) assert.equal(reader.state, "stale");
      // Heals for new connections: those that were swallowed stay so.
      for (const { proxy } of readers) await proxy.setMode("pass");
      report("F7", await rig.converged(10_000));
    }),
  );

  it(
    "F8 the list, and the backlog, are cut after any number of bytes",
    withRig({}, async (rig) => {
      await rig.fill(200);
      const readers = await rig.read({ pageSize: 50, spreadMs: 20, backoffMaxMs: 100 });
      await rig.converged(5000);
      const steps = LONG ? 60 : 16;
      for (let step = 0; step < steps; step++) {
        for (const { proxy } of readers) {
          proxy.downLimit = 50 + Math.floor((step / steps) ** 2 * 60_000);
          proxy.cut();
        }
        const start = readers.map((reader) => reader.count("doubts"));
        for (let write = 0; write < 5; write++) {
          await rig.etcd.txn([
            { key: `${PREFIX}/routes/a`, value: `{"s":${step},"w":${write}}` },
            { key: `${PREFIX}/routes/b`, value: `{"s":${step},"w":${write}}` },
            { key: `${PREFIX}/routes/${step * 5 + write}` },
          ]);
        }
        for (const [index, reader] of readers.entries()) {
          await until(() => reader.count("doubts") > (start[index] ?? 0), { what: "a connection was cut" });
          // As long as the list is cut as well; a high limit lets it pass.
          await until(() => reader.count("doubts") >= (start[index] ?? 0) + 3 || reader.state === "synced", {
            what: "a try",
          });
          reader.proxy.downLimit = 0;
        }
        await rig.converged(4000);
      }
      for (const { collector } of readers) {
        for (const batch of collector.batches) {
          const pair = batch.changes.filter(({ key }) => key === "routes/a" || key === "routes/b");
          assert.notEqual(pair.length, 1, "half of a transaction");
        }
      }
    }),
  );

  it(
    "F9 a backlog above every limit of a message",
    withRig({ flags: ["--max-txn-ops", "512"] }, async (rig) => {
      await rig.fill(20);
      const readers = await rig.read({ auditMs: 3_600_000 });
      await rig.converged(5000);
      for (const count of LONG ? [30, 400] : [30, 150]) {
        for (const { proxy } of readers) {
          await proxy.setMode("refuse");
          proxy.cut();
        }
        await rig.doubted(2000);
        for (let index = 0; index < count; index++) await rig.put(`routes/big${index}`, big(200_000)(index));
        for (const { proxy } of readers) await proxy.setMode("pass");
        report(`F9 ${count}`, await rig.converged(15_000));
      }
    }),
  );

  it(
    "F9b fragments: a watch that lags behind large writes loses none",
    withRig({}, async (rig) => {
      await rig.fill(5);
      const readers = await rig.read();
      await rig.converged(5000);
      // The connection stays, and its buffers fill up, so that etcd has to catch the watch up with fragments.
      for (const { proxy } of readers) proxy.throttle = 2_000_000;
      for (let index = 0; index < 30; index++) await rig.put(`routes/big${index}`, big(200_000)(index));
      for (const { proxy } of readers) proxy.throttle = 0;
      report("F9b", await rig.converged(15_000));
      for (const reader of readers) assert.equal(reader.count("doubts"), 0, reader.status.reason);
    }),
  );

  it(
    "F34 a slow link: the list completes, in smaller pages",
    withRig({}, async (rig) => {
      await rig.fill(1200, big(1000));
      const readers = await rig.read({ callMs: 2000 });
      for (const { proxy } of readers) proxy.throttle = 200_000;
      report("F34", await rig.converged(40_000));
    }),
  );
});

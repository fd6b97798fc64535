// runtimes: deno, bun
// limit: 400
// waits
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../support/until.ts";
import { heldConnections } from "./sockets.ts";
import { LONG, report, sleep, withRig } from "./rig.ts";

describe("faults: etcd goes and comes", () => {
  it(
    "F1 etcd is killed, and comes back after 5 s",
    withRig({}, async (rig) => {
      await rig.fill(50);
      const readers = await rig.read();
      await rig.converged(5000);
      await rig.etcd.stop("kill");
      await rig.doubted(1000);
      for (const { state, status, collector } of readers) {
        assert.equal(state, "stale");
        assert.match(status.reason ?? "", /etcd at http:/);
        assert.equal(collector.content.size, 50);
      }
      await sleep(5000);
      await rig.etcd.start();
      await rig.put("routes/new", "{}");
      report("F1", await rig.converged(5000));
      await rig.synced();
      for (const { status, collector } of readers) {
        assert.equal(status.reason, undefined, "what is over is no reason");
        assert.match(String(status.details?.["lastDoubt"]), /etcd at http:/);
        const later = collector.batches.slice(1).flatMap(({ changes }) => changes.map(({ key }) => key));
        assert.deepEqual(later, ["routes/new"], "what did not change is not told again");
      }
    }),
  );

  it(
    "F1b etcd stops gracefully, and comes back",
    withRig({}, async (rig) => {
      await rig.fill(5);
      await rig.read();
      await rig.converged(5000);
      await rig.etcd.stop("graceful");
      await rig.doubted(1000);
      await rig.etcd.start();
      await rig.put("routes/new", "{}");
      report("F1b", await rig.converged(5000));
    }),
  );

  it(
    "F2 etcd is away for long: tries are few, and so are lines in the log",
    withRig({}, async (rig) => {
      const seconds = LONG ? 60 : 20;
      await rig.fill(5);
      const readers = await rig.read();
      await rig.converged(5000);
      await rig.etcd.stop("kill");
      await sleep(8000);
      const before = readers.map((reader) => reader.count("doubts"));
      await sleep((seconds - 8) * 1000);
      for (const [index, reader] of readers.entries()) {
        const tries = reader.count("doubts") - (before[index] ?? 0);
        assert.ok(tries > 0 && tries <= (seconds - 8) / 2.5 + 1, `${reader.carrier}: ${tries} tries`);
        assert.ok(reader.lines.length <= 5, reader.lines.join("\n"));
      }
      await rig.etcd.start();
      await rig.put("routes/new", "{}");
      report("F2", await rig.converged(5000));
    }),
  );

  it(
    "F3 etcd is away when the source starts",
    withRig({ away: true }, async (rig) => {
      const readers = await rig.read({
        endpoints: [`http://127.0.0.1:${rig.etcd.port}`],
      });
      for (const reader of readers) {
        await until(() => reader.status.reason, { what: "a reason" });
        assert.equal(reader.state, "connecting");
        assert.match(
          reader.status.reason ?? "",
          /^etcd at http:\/\/127\.0\.0\.1:\d+ refused the connection \(is it running\?\)$/,
        );
        assert.equal(reader.collector.batches.length, 0);
      }
      await sleep(3000);
      await rig.etcd.start();
      await rig.fill(10);
      report("F3", await rig.converged(5000));
    }),
  );

  it(
    "F4 etcd is frozen",
    withRig({}, async (rig) => {
      await rig.fill(5);
      await rig.read();
      await rig.converged(5000);
      rig.etcd.pause();
      report("F4 doubt", await rig.doubted(10_000));
      await sleep(LONG ? 20_000 : 3000);
      rig.etcd.resume();
      await rig.put("routes/new", "{}");
      report("F4", await rig.converged(6000));
    }),
  );

  it(
    "F33 restarts in a row leave nothing behind",
    withRig({}, async (rig) => {
      await rig.fill(20);
      const readers = await rig.read();
      await rig.converged(5000);
      for (let round = 0; round < (LONG ? 20 : 8); round++) {
        await rig.etcd.stop(round % 2 === 0 ? "kill" : "graceful");
        await rig.etcd.start();
        await rig.put("routes/round", `{"n":${round}}`);
        await rig.converged(6000);
      }
      for (const reader of readers) {
        // gRPC has one connection; JSON one for the watch, and one for calls that ends by itself.
        await until(() => reader.proxy.open <= 2, {
          limit: 6000,
          what: `${reader.carrier} keeps ${reader.proxy.open} connections`,
        });
        assert.equal(reader.count("keys"), 21);
      }
    }),
  );

  it(
    "F35 stopping is quick in every phase, and leaves no watcher and no connection",
    withRig({}, async (rig) => {
      await rig.fill(2000, () => `{"uri":"/${"x".repeat(1000)}"}`);
      for (const phase of ["connect", "list", "watch", "silent", "unanswered", "backoff"]) {
        const readers = await rig.read();
        if (phase === "unanswered") {
          for (const { proxy } of readers) await proxy.setMode("blackhole");
          await until(() => readers.every(({ proxy }) => proxy.open > 0), { what: "a connection is open" });
        } else if (phase === "list") {
          for (const { proxy } of readers) proxy.throttle = 200_000;
          await until(() => readers.every(({ proxy }) => proxy.bytesDown > 10_000), { what: "the list has begun" });
        } else if (phase !== "connect") await rig.synced();
        if (phase === "silent") { for (const { proxy } of readers) proxy.blackholeExisting(); }
        if (phase === "backoff") {
          for (const { proxy } of readers) {
            await proxy.setMode("refuse");
            proxy.cut();
          }
          await rig.doubted(2000);
          await sleep(500);
        }
        while (rig.readers[0]) {
          const reader = rig.readers[0];
          await reader.finish();
          await until(async () => await heldConnections(reader.proxy.port) === 0, {
            limit: 1500,
            what: `${reader.carrier} has no connection after ${phase}`,
          });
          await reader.proxy.close();
          rig.readers.shift();
        }
      }
      await until(async () => await rig.etcd.watchers() === 0, { limit: 2000, what: "etcd has no watcher" });
    }),
  );
});

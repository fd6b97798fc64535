// runtimes: deno, bun
// limit: 400
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Carrier, CarrierName } from "../../src/sources/etcd/carrier.ts";
import type { WatchMessage } from "../../src/sources/etcd/client.ts";
import type { EtcdWrite } from "../support/etcd.ts";
import { until } from "../support/until.ts";
import { LONG, PREFIX, report, sleep, withRig } from "./rig.ts";

/** Changes the messages of a watch on their way; `undefined` drops one. */
const tamperMessages =
  (change: (message: WatchMessage, name: CarrierName) => WatchMessage | undefined) =>
  (create: Carrier, name: CarrierName): Carrier =>
  (options) => {
    const client = create(options);
    return {
      ...client,
      watch: (request, handler) =>
        client.watch(request, {
          ...handler,
          message(message) {
            const changed = change(message, name);
            if (changed) handler.message(changed);
          },
        }),
    };
  };

/** The longest time that this thread was away, as timers see it. */
function measureLag(): () => number {
  let worst = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - 10);
    last = now;
  }, 10);
  return () => {
    clearInterval(timer);
    return Math.round(worst);
  };
}

const sixKeys = (round: number): EtcdWrite[] =>
  Array.from({ length: 6 }, (_, index) => ({ key: `${PREFIX}/pair/${index}`, value: `{"round":${round}}` }));

describe("faults: load, and what no network does", () => {
  it(
    "F25 transactions of six keys are never seen in part, whatever is cut",
    withRig({}, async (rig) => {
      await rig.etcd.txn(sixKeys(0));
      const readers = await rig.read({ spreadMs: 50, backoffMaxMs: 500 });
      await rig.converged(5000);
      const end = performance.now() + (LONG ? 60_000 : 12_000);
      let round = 0;
      let cuts = 0;
      const halves: string[] = [];
      const check = setInterval(() => {
        for (const { collector, carrier } of readers) {
          const rounds = new Set(
            [...collector.content].filter(([key]) => key.startsWith("pair/")).map(([, value]) => value),
          );
          if (rounds.size !== 1) halves.push(`${carrier}: ${[...rounds]}`);
        }
      }, 1);
      try {
        while (performance.now() < end) {
          await rig.etcd.txn(sixKeys(++round));
          if (round % 40 === 0) {
            for (const { proxy } of readers) {
              proxy.downLimit = round % 80 === 0 ? 500 + Math.floor(Math.random() * 20_000) : 0;
              proxy.cut();
              cuts++;
            }
          }
          if (round % 300 === 0) await rig.etcd.compact();
          await sleep(5);
        }
      } finally {
        clearInterval(check);
      }
      for (const { proxy } of readers) proxy.downLimit = 0;
      report("F25", { rounds: round, cuts, ...await rig.converged(5000) });
      assert.deepEqual(halves, []);
    }),
  );

  it(
    "F26 a thousand puts a second on ten thousand keys",
    withRig({}, async (rig) => {
      const pad = "x".repeat(1000);
      await rig.fill(10_000, (index) => `{"n":${index},"x":"${pad}"}`);
      const readers = await rig.read();
      await rig.converged(20_000);
      const lag = measureLag();
      const ages: Record<string, number[]> = { grpc: [], json: [] };
      const sent = new Map<string, number>();
      const seen = setInterval(() => {
        for (const { collector, carrier } of readers) {
          const value = collector.content.get("routes/age");
          const at = value === undefined ? undefined : sent.get(value);
          if (at !== undefined && ages[carrier]?.at(-1) !== at) ages[carrier]?.push(at, performance.now() - at, at);
        }
      }, 5);
      const seconds = LONG ? 10 : 4;
      const start = performance.now();
      let puts = 0;
      while (performance.now() < start + seconds * 1000) {
        const batch = Array.from({ length: 20 }, () => {
          const index = puts++ % 10_000;
          return rig.put(`routes/${index}`, `{"n":${puts},"x":"${pad}"}`);
        });
        const value = `{"at":${puts}}`;
        sent.set(value, performance.now());
        await Promise.all([...batch, rig.put("routes/age", value)]);
        await sleep(Math.max(0, start + puts - performance.now()));
      }
      clearInterval(seen);
      const worstLag = lag();
      const figures = await rig.converged(2000);
      const worst = (carrier: string) => Math.round(Math.max(...(ages[carrier] ?? []).filter((_, at) => at % 3 === 1)));
      report("F26", {
        putsPerSecond: Math.round(puts / ((performance.now() - start) / 1000)),
        ageGrpc: worst("grpc"),
        ageJson: worst("json"),
        lag: worstLag,
        ...figures,
      });
      // Two readers, their writer and etcd share this machine; the bound is wide for that.
      assert.ok(worst("grpc") < 500 && worst("json") < 500);
      assert.ok(worstLag < 300, `${worstLag} ms`);
    }),
  );

  it(
    "F27 etcd is full: what is read goes on",
    withRig({ quotaBytes: 16 << 20 }, async (rig) => {
      await rig.put("routes/a", "1");
      const readers = await rig.read();
      await rig.converged(5000);
      await assert.rejects(async () => {
        for (let write = 0; write < 100; write++) await rig.etcd.put(`/elsewhere/${write}`, "x".repeat(1_000_000));
      }, /space exceeded/);
      await rig.etcd.del(`${PREFIX}/routes/a`);
      await rig.converged(1000);
      for (const { proxy } of readers) proxy.cut();
      await rig.doubted(1000);
      await rig.converged(3000);
    }),
  );

  it(
    "F29 what is told cannot be applied once: a fresh list heals it",
    withRig({}, async (rig) => {
      await rig.fill(10);
      let thrown = 0;
      const names = new Set<string>();
      const readers = await rig.read({}, {
        tamper: tamperMessages((message, name) => {
          if (message.events.length > 0 && !names.has(name)) {
            names.add(name);
            thrown++;
            // Such a message makes the loop itself throw.
            return { ...message, events: [{ deleted: false, item: undefined as never }] };
          }
          return message;
        }),
      });
      await rig.converged(5000);
      await rig.put("routes/new", "{}");
      await rig.converged(2000);
      assert.equal(thrown, 2);
      for (const reader of readers) assert.equal(reader.count("doubts"), 1);
    }),
  );

  it(
    "F29b an answer to a request for progress that an event overtook is no lost history, two in a row are",
    withRig({}, async (rig) => {
      await rig.fill(10);
      const late = new Map<CarrierName, number>();
      const readers = await rig.read({ probeMs: 100 }, {
        tamper: tamperMessages((message, name) => {
          const left = late.get(name) ?? 0;
          if (message.created || message.events.length > 0 || left === 0) return message;
          late.set(name, left - 1);
          return { ...message, header: { ...message.header, revision: 1 } };
        }),
      });
      await rig.converged(5000);
      const answerLate = async (times: number, doubts: number) => {
        for (const { carrier } of readers) late.set(carrier, times);
        await until(() => readers.every(({ carrier }) => late.get(carrier) === 0), {
          limit: 5000,
          what: "late answers",
        });
        await rig.put(`routes/${doubts}-${times}`, "{}");
        await rig.converged(2000);
        for (const reader of readers) assert.equal(reader.count("doubts"), doubts);
      };
      await answerLate(1, 0);
      await answerLate(1, 0);
      await answerLate(2, 1);
      for (const { lines } of readers) assert.match(lines.join("\n"), /revision went back/);
    }),
  );

  it(
    "F30 etcd loses an event: the next full list finds it, and says so",
    withRig({}, async (rig) => {
      await rig.fill(10);
      const dropped = new Set<string>();
      const readers = await rig.read({ auditMs: 2000 }, {
        tamper: tamperMessages((message, name) => {
          if (message.events.length === 0 || dropped.has(name)) return message;
          dropped.add(name);
          return undefined;
        }),
      });
      await rig.converged(5000);
      await rig.put("routes/lost", "{}");
      await until(() => dropped.size === 2, { what: "an event was dropped" });
      await rig.put("routes/later", "{}");
      report("F30", await rig.converged(4000));
      for (const reader of readers) {
        assert.equal(reader.count("repairs"), 1, reader.carrier);
        assert.ok(reader.lines.some((line) => line.includes("etcd had not told")));
        assert.equal(reader.count("doubts"), 0);
      }
    }),
  );

  it(
    "F30b full lists that find nothing change nothing, and are no outage",
    withRig({}, async (rig) => {
      await rig.fill(50);
      const readers = await rig.read({ auditMs: 200 });
      await rig.converged(5000);
      await until(() => readers.every((reader) => reader.count("audits") >= 10), { limit: 10_000, what: "ten audits" });
      for (const reader of readers) {
        assert.equal(reader.collector.batches.slice(1).flatMap(({ changes }) => changes).length, 0);
        assert.equal(reader.count("doubts"), 0);
        assert.equal(reader.state, "synced");
        assert.equal(reader.lines.length, 1, reader.lines.join("\n"));
      }
    }),
  );

  it(
    "F31 this process does nothing for ten seconds",
    withRig({}, async (rig) => {
      await rig.fill(10);
      const readers = await rig.read();
      await rig.converged(5000);
      await sleep(1000);
      const end = performance.now() + 10_000;
      while (performance.now() < end) {
        // Blocks the event loop.
      }
      await rig.put("routes/new", "{}");
      report("F31", await rig.converged(5000));
      await sleep(2000);
      for (const reader of readers) assert.ok(reader.count("doubts") <= 1, `${reader.count("doubts")} doubts`);
    }),
  );

  it(
    "F32 the clock jumps by an hour, forwards and back",
    withRig({}, async (rig) => {
      await rig.fill(10);
      const readers = await rig.read();
      await rig.converged(5000);
      const real = Date.now;
      try {
        for (const jump of [3_600_000, -3_600_000]) {
          Date.now = () => real() + jump;
          await sleep(5000);
          await rig.put("routes/new", `{"jump":${jump}}`);
          await rig.converged(1000);
        }
      } finally {
        Date.now = real;
      }
      for (const reader of readers) {
        assert.ok(reader.count("doubts") <= 1, `${reader.carrier}: ${reader.status.reason}`);
        assert.ok(reader.count("lists") <= 2);
      }
    }),
  );

  it(
    "V10 a prefix above the limit is refused, and what was known serves on",
    withRig({}, async (rig) => {
      await rig.fill(10);
      const readers = await rig.read({ listBytes: 100_000 });
      await rig.converged(5000);
      await rig.fill(150, (index) => `{"n":${index},"x":"${"x".repeat(1000)}"}`);
      for (const { proxy } of readers) proxy.cut();
      for (const reader of readers) {
        await until(() => /more than 100000 bytes/.test(reader.status.reason ?? ""), { what: "the size is named" });
        assert.notEqual(reader.state, "synced");
      }
      await rig.fill(150);
      await rig.converged(6000);
    }),
  );

  it(
    "many small keys are listed in pages",
    withRig({}, async (rig) => {
      const count = LONG ? 100_000 : 20_000;
      await rig.fill(count, () => "{}");
      const lag = measureLag();
      const readers = await rig.read();
      await until(() => readers.every(({ collector }) => collector.content.size === count), {
        limit: 30_000,
        what: "all keys are listed",
      });
      report("list", { count, lag: lag() });
    }),
  );
});

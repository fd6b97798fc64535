// runtimes: deno, bun
// alone
// limit: 300
import assert from "node:assert/strict";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { after, before, describe, it } from "node:test";
import { currentRuntime, startGatewayProcess } from "../support/gateway-process.ts";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { until } from "../support/until.ts";
import { type FaultyGateway, startFaultyGateway } from "./gateways.ts";
import { PREFIX, report, sleep } from "./rig.ts";

const LONG = process.env["GATEWATCH_LONG"] === "1";
const ROUTES = 10_000;
const CHANGES = LONG ? 100_000 : 15_000;

const value = (index: number, version: number): string =>
  JSON.stringify({
    uri: `/scale/${index}/*`,
    plugins: { "fault-injection": { abort: { http_status: 200, body: `v${version}` } } },
  });

/** Lets go at once of everything that is no longer in use. */
const collect: () => void = (() => {
  const bun = (globalThis as { readonly Bun?: { gc(force: boolean): void } }).Bun;
  if (bun) return () => bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("globalThis.gc") as () => void;
})();

/** What is in use once everything that can be let go of is. */
async function usedBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 12; round++) {
    collect();
    await sleep(250);
    least = Math.min(least, process.memoryUsage().heapUsed + process.memoryUsage().external);
  }
  return least;
}

const rank = (sorted: readonly number[], share: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN) * 10) / 10;

describe("faults: scale", () => {
  let etcd: EtcdServer;
  let gate: FaultyGateway;

  before(async () => {
    etcd = await startEtcd();
    for (let from = 0; from < ROUTES; from += 100) {
      await etcd.txn(
        Array.from({ length: 100 }, (_, at) => ({ key: `${PREFIX}/routes/${from + at}`, value: value(from + at, 0) })),
      );
    }
    gate = await startFaultyGateway(etcd);
    await gate.synced(30_000);
  });
  after(async () => {
    await gate?.close();
    await etcd?.close();
  });

  it("from put to effect, at a hundred writes a second on ten thousand routes", async () => {
    const seconds = LONG ? 30 : 6;
    const times: number[] = [];
    const start = performance.now();
    const effects: Promise<void>[] = [];
    for (let write = 1; write <= seconds * 100; write++) {
      const index = Math.floor(Math.random() * ROUTES);
      const body = `v${write}`;
      const began = performance.now();
      const revision = etcd.put(`${PREFIX}/routes/${index}`, value(index, write));
      effects.push((async () => {
        await revision;
        // By what a request is answered, not by what the status says; a later write of the same route counts as well.
        await until(async () => Number((await gate.get(`/scale/${index}/x`)).body.slice(1)) >= write, {
          every: 1,
          what: `${body} serves`,
        });
        times.push(performance.now() - began);
      })());
      await sleep(Math.max(0, start + write * 10 - performance.now()));
    }
    await Promise.all(effects);
    times.sort((a, b) => a - b);
    const figures = { p50: rank(times, 0.5), p99: rank(times, 0.99), max: rank(times, 1) };
    report(`put to effect ${currentRuntime()}`, {
      routes: ROUTES,
      writesPerSecond: Math.round(times.length / ((performance.now() - start) / 1000)),
      ...figures,
    });
    assert.equal(times.length, seconds * 100);
    // Wide, since etcd, the writer and whatever else runs share this machine.
    assert.ok(figures.p50 < 100 && figures.p99 < 1000, JSON.stringify(figures));
  });

  it("F26 what requests take while a thousand puts a second are applied", async () => {
    const process = await startGatewayProcess({ flags: ["--etcd", etcd.url, "--prefix", PREFIX, "--no-register"] });
    const seconds = LONG ? 10 : 4;
    /** Two hundred requests a second, each counted from when it was due. */
    const measure = async (): Promise<number[]> => {
      const times: number[] = [];
      const start = performance.now();
      const asked = Array.from({ length: seconds * 200 }, async (_, index) => {
        const due = start + index * 5;
        await sleep(Math.max(0, due - performance.now()));
        assert.equal((await process.get(`/scale/${index}/x`)).status, 200);
        times.push(Math.max(0, performance.now() - due));
      });
      await Promise.all(asked);
      return times.sort((a, b) => a - b);
    };
    try {
      await measure();
      const quiet = await measure();
      let puts = 0, stopped = false;
      const start = performance.now();
      const writer = (async () => {
        while (!stopped) {
          await Promise.all(Array.from({ length: 10 }, () => {
            const index = puts++ % ROUTES;
            return etcd.put(`${PREFIX}/routes/${index}`, value(index, puts));
          }));
          await sleep(Math.max(0, start + puts - performance.now()));
        }
        return Math.round(puts / ((performance.now() - start) / 1000));
      })();
      const busy = await measure();
      stopped = true;
      const figures = { quietP99: rank(quiet, 0.99), busyP99: rank(busy, 0.99), busyMax: rank(busy, 1) };
      report(`F26 requests ${currentRuntime()}`, {
        putsPerSecond: await writer,
        quietP50: rank(quiet, 0.5),
        ...figures,
      });
      // Wide, since etcd, the writer and the client share two cores with the gateway.
      assert.ok(figures.busyP99 < 250, JSON.stringify(figures));
    } finally {
      await process.stop();
    }
  });

  it("memory after many changes is what it was after few", async () => {
    let version = 1_000_000;
    const change = async (count: number) => {
      let last = 0;
      for (let done = 0; done < count;) {
        const revisions = await Promise.all(Array.from({ length: 5 }, () =>
          etcd.txn(Array.from({ length: 20 }, () => {
            const index = version++ % ROUTES;
            return { key: `${PREFIX}/routes/${index}`, value: value(index, version) };
          }))));
        done += 100;
        last = Math.max(...revisions);
      }
      await gate.applied(last, 60_000);
    };
    await change(1000);
    const few = await usedBytes();
    await change(CHANGES);
    const many = await usedBytes();
    const grownMb = Math.round((many - few) / 1e5) / 10;
    report(`memory ${currentRuntime()}`, { changes: CHANGES, fewMb: Math.round(few / 1e6), grownMb });
    assert.ok(grownMb < 10, `grown by ${grownMb} MB`);
  });
});

// runtimes: deno, bun
// waits
// limit: 700
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { currentRuntime } from "../support/gateway-process.ts";
import { type EtcdServer, type EtcdWrite, startEtcd } from "../support/etcd.ts";
import { startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";
import { type FaultyGateway, startFaultyGateway } from "./gateways.ts";
import { CARRIERS, PREFIX, report, sleep } from "./rig.ts";

const LONG = process.env["GATEWATCH_LONG"] === "1";
const DURATION_MS = LONG ? 600_000 : 22_000;
const ROUTES = 40;
/** How long etcd may need to answer again, and the gateway to be in step, after a fault has ended. */
const CONVERGED_MS = 20_000;

/** An answer tells the state of the route that gave it: no upstream stands between. */
const stateOf = (name: string, version: number): string =>
  JSON.stringify({
    uri: `/soak/${name}`,
    plugins: { "fault-injection": { abort: { http_status: 200, body: `${name} ${version}` } } },
  });

const pick = (count: number): number => Math.floor(Math.random() * count);
const median = (values: readonly number[]): number =>
  values.length === 0 ? 0 : [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** What may be seen: every state that was ever written, also by a write whose outcome is not known. */
class Model {
  readonly #written = new Map<string, Set<number>>();
  readonly wrong: string[] = [];
  version = 0;
  operations = 0;

  /** A new state of a route, to be written. */
  next(name: string): EtcdWrite {
    const version = ++this.version;
    this.#states(name).add(version);
    return { key: `${PREFIX}/routes/${name}`, value: stateOf(name, version) };
  }

  /** Takes note of an answer; `seen` is the highest version that the same client has seen of each route. */
  answered(name: string, status: number, body: string, seen: Map<string, number>): void {
    if (status === 404) return;
    const version = Number(body.slice(name.length + 1));
    if (status !== 200 || !body.startsWith(`${name} `) || !this.#states(name).has(version)) {
      this.wrong.push(`${name}: ${status} ${body} was never written`);
    } else if (version < (seen.get(name) ?? 0)) {
      this.wrong.push(`${name}: ${version} after ${seen.get(name)}`);
    }
    seen.set(name, Math.max(version, seen.get(name) ?? 0));
  }

  #states(name: string): Set<number> {
    let states = this.#written.get(name);
    if (states === undefined) this.#written.set(name, states = new Set());
    return states;
  }
}

/** Writes, deletes, transactions and compactions, until told to stop. */
async function write(etcd: EtcdServer, model: Model, running: () => boolean): Promise<void> {
  while (running()) {
    const choice = pick(100);
    const name = String(pick(ROUTES));
    try {
      if (choice < 55) {
        const { key, value } = model.next(name);
        await etcd.put(key, value ?? "");
      } else if (choice < 70) await etcd.del(`${PREFIX}/routes/${name}`);
      else if (choice < 90) await etcd.txn(pair(model));
      else if (choice < 98) {
        const names = new Set(Array.from({ length: 6 }, () => String(pick(ROUTES))));
        await etcd.txn(
          [...names].map((each, index) => index % 3 === 2 ? { key: `${PREFIX}/routes/${each}` } : model.next(each)),
        );
      } else await etcd.compact();
      model.operations++;
    } catch {
      // Whether it was written is not known, and the model allows both.
      await sleep(20);
    }
    await sleep(pick(6));
  }
}

/** Two routes that change in one revision only, and say so by the same version. */
function pair(model: Model): EtcdWrite[] {
  const left = model.next("left");
  const version = model.version;
  const right = model.next("right");
  return [left, { ...right, value: stateOf("right", version) }];
}

/** Requests, all the time, each checked against the model. Resolves to their number. */
async function request(gate: FaultyGateway, model: Model, running: () => boolean): Promise<number> {
  const seen = new Map<string, number>();
  let count = 0;
  while (running()) {
    const name = String(pick(ROUTES));
    const { status, body } = await gate.get(`/soak/${name}`);
    model.answered(name, status, body, seen);
    // Asked in one turn, so that no change can come between them.
    const [left, right] = await Promise.all([gate.get("/soak/left"), gate.get("/soak/right")]);
    if (left.body.slice(5) !== right.body.slice(6)) model.wrong.push(`half a transaction: ${left.body}, ${right.body}`);
    const steady = await gate.get("/steady");
    if (steady.status !== 200) model.wrong.push(`the untouched route: ${steady.status}`);
    count += 4;
    await sleep(2);
  }
  return count;
}

/** One fault, from its beginning to its end. */
type Fault = (etcd: EtcdServer, gates: readonly FaultyGateway[]) => Promise<void>;

const FAULTS: Readonly<Record<string, Fault>> = {
  cut: (_, gates) => Promise.resolve(gates.forEach(({ proxy }) => proxy.cut())),
  byteLimit: async (_, gates) => {
    for (const { proxy } of gates) {
      proxy.downLimit = 200 + pick(20_000);
      proxy.cut();
    }
    await sleep(500 + pick(1000));
    for (const { proxy } of gates) proxy.downLimit = 0;
  },
  refuse: async (_, gates) => {
    for (const { proxy } of gates) {
      await proxy.setMode("refuse");
      proxy.cut();
    }
    await sleep(300 + pick(1500));
    for (const { proxy } of gates) await proxy.setMode("pass");
  },
  halfOpen: async (_, gates) => {
    for (const { proxy } of gates) proxy.blackholeExisting();
    await sleep(LONG ? pick(12_000) : 500);
    // What is not noticed by then ends with the connection, as with a router that forgot it.
    for (const { proxy } of gates) proxy.cut();
  },
  kill: async (etcd) => {
    await etcd.stop("kill");
    await sleep(pick(1500));
    await etcd.start();
  },
  restart: async (etcd) => {
    await etcd.stop("graceful");
    await etcd.start();
  },
  freeze: async (etcd) => {
    etcd.pause();
    await sleep(LONG ? 500 + pick(12_000) : 500 + pick(1500));
    etcd.resume();
  },
};

/** Whether what a gateway serves is what etcd holds; in words where it is not. */
async function difference(gate: FaultyGateway, content: ReadonlyMap<string, string>): Promise<string | undefined> {
  const held = gate.gateway.keys({}).map(({ key }) => key).sort().join();
  const wanted = [...content.keys()].sort().join();
  if (held !== wanted) return `keys ${held}, not ${wanted}`;
  for (const name of ["left", "right", ...Array.from({ length: ROUTES }, (_, index) => String(index))]) {
    const value = content.get(`${PREFIX}/routes/${name}`);
    const { status, body } = await gate.get(`/soak/${name}`);
    const expected = value === undefined ? undefined : /"body":"([^"]+)"/.exec(value)?.[1];
    if (expected === undefined ? status !== 404 : body !== expected) {
      return `${name}: ${status} ${body}, not ${expected}`;
    }
  }
  return undefined;
}

describe("faults: soak", () => {
  it("random changes and faults: what is served is what etcd holds, and never what was never written", async () => {
    const etcd = await startEtcd();
    const origin = await startOrigin();
    const gates: FaultyGateway[] = [];
    const crashes: unknown[] = [];
    const onCrash = (error: unknown) => void crashes.push(error);
    process.on("uncaughtException", onCrash);
    process.on("unhandledRejection", onCrash);
    const model = new Model();
    const converged: Record<string, number[]> = {};
    const mismatches: string[] = [];
    let requests = 0;
    try {
      const steady = { uri: "/steady", upstream: { nodes: { [`127.0.0.1:${origin.port}`]: 1 } } };
      await etcd.put(`${PREFIX}/routes/steady`, JSON.stringify(steady));
      await etcd.txn(pair(model));
      for (const carrier of CARRIERS) {
        // The product's own pauses.
        const gate = await startFaultyGateway(etcd, { source: { carrier, spreadMs: 300, backoffMaxMs: 4000 } });
        gates.push(gate);
        await gate.synced();
      }
      let running = true;
      const asking = gates.map((gate) => request(gate, model, () => running));
      const end = performance.now() + DURATION_MS;
      const names = Object.keys(FAULTS);
      for (let round = 0; performance.now() < end; round++) {
        let writing = true;
        const writers = [0, 1].map(() => write(etcd, model, () => writing));
        await sleep(100 + pick(400));
        // Each kind once, then at random.
        const name = names[round < names.length ? round : pick(names.length)]!;
        await FAULTS[name]!(etcd, gates);
        const healed = performance.now();
        await sleep(pick(100));
        writing = false;
        await Promise.all(writers);
        const content = await until(() => etcd.all(`${PREFIX}/`), { limit: CONVERGED_MS, what: "etcd can be read" });
        await Promise.all(gates.map(async (gate, index) => {
          let last: string | undefined = "";
          while (last !== undefined && performance.now() - healed < CONVERGED_MS) {
            last = await difference(gate, content);
            if (last !== undefined) await sleep(10);
          }
          if (last !== undefined) mismatches.push(`${CARRIERS[index]} after ${name}: ${last}`);
          (converged[name] ??= []).push(Math.round(performance.now() - healed));
        }));
        if (mismatches.length > 0 || model.wrong.length > 10) break;
      }
      running = false;
      requests = (await Promise.all(asking)).reduce((sum, each) => sum + each, 0);
      const count = (detail: string) =>
        gates.reduce((sum, { gateway }) => sum + Number(gateway.status().source.details?.[detail]), 0);
      const all = Object.values(converged).flat();
      report(`soak ${currentRuntime()}`, {
        seconds: Math.round(DURATION_MS / 1000),
        operations: model.operations,
        faults: all.length / gates.length,
        resyncs: count("lists"),
        repairs: count("repairs"),
        requests,
        mismatches: mismatches.length,
        neverWritten: model.wrong.length,
        rssMb: Math.round(process.memoryUsage().rss / 1e6),
      });
      report(`soak ${currentRuntime()}: ms from the end of a fault until both are in step`, {
        all: { count: all.length, median: median(all), max: Math.max(...all) },
        ...Object.fromEntries(
          Object.entries(converged).map(([name, times]) => [name, { median: median(times), max: Math.max(...times) }]),
        ),
      });
    } finally {
      for (const gate of gates) await gate.close();
      process.off("uncaughtException", onCrash);
      process.off("unhandledRejection", onCrash);
      await origin.close();
      await etcd.close();
    }
    assert.deepEqual(mismatches, []);
    assert.deepEqual(model.wrong, []);
    assert.deepEqual(crashes, []);
    assert.ok(model.operations > DURATION_MS / 50 && requests > DURATION_MS / 10, "too little happened");
  });
});

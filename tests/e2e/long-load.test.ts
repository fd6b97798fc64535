// Steady load while the configuration changes all the time: no error, and nothing that grows. 30 minutes with `GATEWATCH_LONG=1`.
// waits
// limit: 2000
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { currentRuntime, type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";

const LONG = process.env["GATEWATCH_LONG"] === "1";
/** Seconds of load. */
const SECONDS = LONG ? 1800 : 30;
/** A part of the load before anything is compared: what is loaded and compiled for the first requests, and heaps that find their size. */
const WARM = LONG ? 0.2 : 0.4;
/** Requests and changes a second. */
const REQUESTS = 200, CHANGES = 20;
/** How much the memory may grow between the first and the last third of what is compared, in MB; what it swings by in so short a time, in the gate. */
const GROWTH = LONG ? 16 : 40;
const PREFIX = "/load";

/** What the process holds, once a second. */
interface Sample {
  readonly rss: number;
  readonly handles: number;
}

const skip = existsSync("/proc/self/status") ? false : "there is no /proc";

describe("load that goes on while the configuration changes", { skip }, () => {
  let etcd: EtcdServer, gateway: GatewayProcess, origins: Server[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });

  before(async () => {
    etcd = await startEtcd();
    origins = await Promise.all([startOrigin(), startOrigin()]);
    gateway = await startGatewayProcess({ flags: ["--etcd", etcd.url, "--prefix", PREFIX] });
    const put = (key: string, value: object): Promise<number> => etcd.put(`${PREFIX}/${key}`, JSON.stringify(value));
    await put("consumers/anna", { username: "anna", plugins: { "key-auth": { key: "k" } } });
    await put("upstreams/1", { nodes: nodes(0, 1) });
    await put("routes/plain", { uri: "/plain", upstream_id: "1" });
    await put("routes/guarded", {
      uri: "/guarded/*",
      upstream_id: "1",
      plugins: { "key-auth": {}, "request-id": {}, "limit-count": { count: 1e9, time_window: 60 }, prometheus: {} },
    });
    await until(async () => (await ask("/guarded/x")).status === 200, { what: "the routes are served" });
  });

  after(async () => {
    agent.destroy();
    await gateway?.stop();
    for (const origin of origins) origin.close();
    await etcd?.close();
  });

  function nodes(...which: readonly number[]): Record<string, number> {
    return Object.fromEntries(which.map((at) => [`127.0.0.1:${(origins[at]!.address() as AddressInfo).port}`, 1]));
  }

  function ask(path: string, body?: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve) => {
      const failed = (error: Error): void => resolve({ status: 0, text: error.message });
      const method = body === undefined ? "GET" : "POST";
      const asked = request(gateway.url + path, { agent, method, headers: { apikey: "k" } }, (response) => {
        let text = "";
        response.setEncoding("latin1").on("data", (part: string) => text += part).on("error", failed);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      asked.on("error", failed);
      asked.end(body);
    });
  }

  /** One change of the configuration: most leave something else as it was before long. */
  async function change(n: number): Promise<void> {
    const key = `${PREFIX}/routes/moving-${n % 50}`;
    switch (n % 5) {
      case 0:
        await etcd.del(key);
        return;
      case 1:
        await etcd.put(`${PREFIX}/upstreams/1`, JSON.stringify({ nodes: n % 2 === 0 ? nodes(0, 1) : nodes(1) }));
        return;
      case 2:
        await etcd.put(`${PREFIX}/routes/broken`, n % 2 === 0 ? "{" : JSON.stringify({ uri: "/broken" }));
        return;
      default: {
        const plugins = n % 2 === 0 ? {} : { "proxy-rewrite": { headers: { set: { "X-N": String(n) } } } };
        await etcd.put(key, JSON.stringify({ uri: `/moving-${n % 50}/*`, upstream_id: "1", plugins }));
      }
    }
  }

  it(`${SECONDS} s: no error, no growth of memory or of handles`, async () => {
    const counts = { requests: 0, changes: 0, moved: 0 };
    const errors: string[] = [];
    const samples: Sample[] = [];
    const open = new Set<Promise<void>>();
    const begin = (work: () => Promise<void>): void => {
      const done = work().catch((error) => void errors.push(String(error))).finally(() => open.delete(done));
      open.add(done);
    };
    const large = "x".repeat(20_000);
    const one = async (n: number): Promise<void> => {
      const path = n % 3 === 0 ? `/moving-${n % 50}/a` : n % 3 === 1 ? "/plain" : "/guarded/a";
      const body = n % 7 === 0 ? large : undefined;
      const { status, text } = await ask(path, body);
      counts.requests++;
      // A route that comes and goes may be there or not; one that stays has to answer, whole.
      if (path.startsWith("/moving") && status === 404) counts.moved++;
      else if (status !== 200 || text !== (body ?? "well")) errors.push(`${path}: ${status} ${text.slice(0, 100)}`);
    };
    const started = performance.now();
    await new Promise<void>((resolve) => {
      let asked = 0, changed = 0;
      const timer = setInterval(() => {
        const elapsed = (performance.now() - started) / 1000;
        // By the clock, whatever the answers take; a bound, so that a gateway that answers nothing is not buried.
        for (; asked < elapsed * REQUESTS && open.size < 500; asked++) begin(() => one(asked));
        for (; changed < elapsed * CHANGES && open.size < 500; changed++) begin(() => change(counts.changes++));
        if (samples.length < elapsed) samples.push(look(gateway.pid));
        if (elapsed < SECONDS && errors.length < 20) return;
        clearInterval(timer);
        resolve();
      }, 10);
    });
    await Promise.all(open);
    assert.deepEqual(errors, []);

    const warm = samples.slice(Math.floor(samples.length * WARM));
    const third = Math.floor(warm.length / 3);
    const first = typical(warm.slice(0, third)), last = typical(warm.slice(-third));
    console.log(
      `${currentRuntime()}: ${counts.requests} requests and ${counts.changes} changes in ${SECONDS} s, 0 errors ` +
        `(${counts.moved} met a route that was away); RSS ${mb(samples[0]!.rss)} MB at first, ${
          mb(first.rss)
        } MB, then ` +
        `${mb(last.rss)} MB; handles ${first.handles}, then ${last.handles}`,
    );
    assert.ok(counts.requests > SECONDS * REQUESTS * 0.8, `only ${counts.requests} requests were made`);
    assert.ok(mb(last.rss - first.rss) <= GROWTH, `RSS grew by ${mb(last.rss - first.rss)} MB`);
    // Connections to nodes come and go with the clients' 16; one left behind by each change would be hundreds.
    assert.ok(last.handles - first.handles <= 16, `${last.handles - first.handles} more handles`);
  });
});

function startOrigin(): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    if (incoming.method === "POST") incoming.pipe(outgoing);
    else outgoing.end("well");
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

function look(pid: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { rss: Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024, handles: readdirSync(`/proc/${pid}/fd`).length };
}

/** The middle of what was seen. */
function typical(samples: readonly Sample[]): Sample {
  const middle = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return { rss: middle(samples.map(({ rss }) => rss)), handles: middle(samples.map(({ handles }) => handles)) };
}

function mb(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

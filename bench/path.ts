/**
 * What the gateway's own part of a request costs, without sockets: nanoseconds of `gateway.fetch` between a listener that has read a head and a
 * transport that answers at once. For comparing one change with another; `bench/forward.ts` says what a request costs in all. `50000`: a bare route
 * among so many, requests spread over them; `one`: the same requests, all taken by one route.
 *
 *     deno run -A bench/path.ts [--scenario bare,key-auth,three,seven,one,50000] [--seconds 0.1] [--rounds 30]
 *     bun bench/path.ts
 *     node bench/path.ts
 */
import process from "node:process";
import { parseArgs } from "node:util";
import type { Transport } from "../src/forward/transport.ts";
import { createGateway } from "../src/gateway/gateway.ts";
import type { Inbound } from "../src/net/inbound.ts";
import { memorySource } from "../src/sources/memory.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    scenario: { type: "string", default: "bare,key-auth,three,seven,one,50000" },
    seconds: { type: "string", default: "0.1" },
    rounds: { type: "string", default: "30" },
  },
});

const upstream = { nodes: { "127.0.0.1:9": 1 } };
const counted = { count: 1_000_000_000, time_window: 3600, rejected_code: 429, key: "remote_addr", policy: "local" };
const three = { "limit-count": counted, prometheus: {}, "key-auth": {} };
const PLUGINS: Readonly<Record<string, object>> = {
  bare: {},
  "key-auth": { "key-auth": {} },
  three,
  seven: {
    ...three,
    cors: {},
    "request-id": {},
    "ip-restriction": { whitelist: ["127.0.0.0/8"] },
    "proxy-rewrite": { headers: { set: { "X-Bench": "1" } } },
  },
};

const ANSWER = [
  "Server",
  "nginx/1.22.1",
  "Date",
  "Fri, 27 Nov 2026 03:00:00 GMT",
  "Content-Type",
  "text/plain",
  "Content-Length",
  "10",
  "Connection",
  "keep-alive",
];
const body = new TextEncoder().encode("HelloWorld");
const transport: Transport = {
  name: "none",
  send: () => Promise.resolve({ status: 200, reason: "OK", headers: ANSWER, body }),
  upgrade: () => Promise.reject(new Error("No upgrades here")),
  release() {},
  close: () => Promise.resolve(),
};

/** One connection's requests. */
const watchable = { watch() {} };
const signal = new AbortController().signal;
const peer = { address: "127.0.0.1", port: 40000 };
const headers = ["Host", "127.0.0.1:9080", "Connection", "keep-alive", "apikey", "secret"];
const request = { method: "GET" } as Request;

function bindings(target: string): { readonly inbound: Inbound } {
  const inbound: Inbound = {
    target,
    faithful: true,
    headers,
    peer,
    localPort: 9080,
    secure: false,
    body: null,
    signal,
    watchable,
  };
  return { inbound };
}

/** Spread over 50,000 routes, in no order. */
const SPREAD = Array.from({ length: 50_000 }, (_, i) => `/r/${i * 7919 % 50_000}/x`);

for (const scenario of values.scenario.split(",")) {
  const source = memorySource(resourcesOf(scenario));
  const gateway = createGateway({ source, transport });
  await gateway.ready;
  const targets = scenario === "one" || scenario === "50000" ? SPREAD : ["/x"];
  let at = 0;
  const one = async (): Promise<void> => {
    const response = await gateway.fetch(request, bindings(targets[at]!));
    if (++at === targets.length) at = 0;
    if (response.status !== 200) throw new Error(`${scenario}: status ${response.status}`);
  };
  await run(one, 0.5);
  const rounds: number[] = [];
  for (let i = 0; i < Number(values.rounds); i++) rounds.push(await run(one, Number(values.seconds)));
  console.log(scenario.padEnd(10), `${Math.min(...rounds).toFixed(0).padStart(6)} ns/request`);
  await gateway.close();
}

function resourcesOf(scenario: string): Record<string, object> {
  if (scenario !== "50000") {
    return {
      "consumers/bench": { username: "bench", plugins: { "key-auth": { key: "secret" } } },
      "routes/1": { uri: "/*", upstream, plugins: PLUGINS[scenario] ?? {} },
    };
  }
  const routes = Array.from({ length: 50_000 }, (_, i) => [`routes/r${i}`, { uri: `/r/${i}/*`, upstream_id: "1" }]);
  return { "upstreams/1": upstream, ...Object.fromEntries(routes) };
}

/** @returns Nanoseconds of processor time for each request. */
async function run(one: () => Promise<void>, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  const before = process.cpuUsage();
  let count = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 1000; i++) await one();
    count += 1000;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000 / count;
}

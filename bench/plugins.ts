/**
 * What each plugin costs: µs of the gateway's CPU a request, over the same route without it, in front of nginx. Bare and with the plugin take turns; medians.
 * `node bench/plugins.ts [--runtime bun] [--plugins key-auth,prometheus] [--seconds 2] [--rounds 5]`. Needs `nginx` and `wrk`.
 */
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GATEWAYS } from "./support/gateways.ts";
import { load, median } from "./support/load.ts";
import { freePort, scratch, start, startNginx, stopAll } from "./support/processes.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "bun" },
    listener: { type: "string", default: "" },
    transport: { type: "string", default: "" },
    plugins: { type: "string", default: "" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
  },
});
const seconds = Number(values.seconds), rounds = Number(values.rounds);

/** A route that is measured. */
interface Case {
  readonly name: string;
  readonly plugins: Readonly<Record<string, unknown>>;
  /** What every request carries. */
  readonly headers?: readonly string[];
  /** The case that it is compared with; default: the bare route. */
  readonly over?: string;
}

const SECRET = "a secret of thirty-two characters";
const KEY = ["apikey: jacks"];

function token(): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ key: "jack", exp: 4_000_000_000 })}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

/** By priority. Each lets its requests pass, so that what is measured is the plugin and not a shorter way. */
const CASES: readonly Case[] = [
  { name: "request-id", plugins: { "request-id": {} } },
  { name: "fault-injection", plugins: { "fault-injection": { abort: { http_status: 503, percentage: 0 } } } },
  { name: "cors", plugins: { cors: {} }, headers: ["Origin: https://a.test"] },
  { name: "ip-restriction", plugins: { "ip-restriction": { whitelist: ["10.0.0.0/8", "127.0.0.0/8"] } } },
  { name: "basic-auth", plugins: { "basic-auth": {} }, headers: ["Authorization: Basic amFjazpqYWNrcw=="] },
  { name: "jwt-auth", plugins: { "jwt-auth": {} }, headers: [`Authorization: Bearer ${token()}`] },
  { name: "key-auth", plugins: { "key-auth": {} }, headers: KEY },
  {
    name: "consumer-restriction",
    plugins: { "key-auth": {}, "consumer-restriction": { whitelist: ["jack"] } },
    headers: KEY,
    over: "key-auth",
  },
  {
    name: "proxy-rewrite",
    plugins: {
      "proxy-rewrite": {
        regex_uri: ["^/proxy-rewrite/(.*)", "/new/$1"],
        headers: { set: { "X-From": "$remote_addr" }, remove: ["X-Gone"] },
      },
    },
  },
  {
    name: "limit-conn",
    plugins: { "limit-conn": { conn: 100_000, burst: 0, default_conn_delay: 0.1, key: "remote_addr" } },
  },
  { name: "limit-count", plugins: { "limit-count": { count: 1_000_000_000, time_window: 3600, key: "remote_addr" } } },
  { name: "limit-req", plugins: { "limit-req": { rate: 1_000_000, burst: 1_000_000, key: "remote_addr" } } },
  { name: "traffic-split", plugins: { "traffic-split": { rules: [{ weighted_upstreams: [{ weight: 1 }] }] } } },
  { name: "redirect", plugins: { redirect: { regex_uri: ["^/nothing/(.*)", "/$1"] } } },
  { name: "response-rewrite", plugins: { "response-rewrite": { headers: { set: { "X-By": "gatewatch" } } } } },
  { name: "prometheus", plugins: { prometheus: {} } },
  {
    name: "key-auth, limit-count, prometheus",
    plugins: {
      "key-auth": {},
      "limit-count": { count: 1_000_000_000, time_window: 3600, key: "remote_addr" },
      prometheus: {},
    },
    headers: KEY,
  },
];

try {
  const wanted = values.plugins === "" ? undefined : new Set(values.plugins.split(","));
  const cases = CASES.filter(({ name }) => wanted === undefined || wanted.has(name));
  const { pid, url } = await startGateway();
  const measure = (path: string, headers: readonly string[], length: number): number =>
    load(url + path, pid, { seconds: length, headers }).cpuMicros;
  const pathOf = (name: string): string => `/${encodeURIComponent(name.replaceAll(", ", "+"))}/x`;

  measure("/bare/x", [], 3);
  console.log(`${values.runtime}, medians of ${rounds} rounds of ${seconds} s: µs of CPU a request\n`);
  console.log("plugin                              added      with it   without it");
  for (const { name, headers = [], over } of cases) {
    const base = over === undefined ? "/bare/x" : pathOf(over);
    measure(pathOf(name), headers, 1);
    const runs = Array.from({ length: rounds }, () => {
      // The same fields on both, since to read and forward them costs something, too.
      const without = measure(base, headers, seconds);
      const subject = measure(pathOf(name), headers, seconds);
      return { without, subject, added: subject - without };
    });
    const of = (pick: (run: (typeof runs)[number]) => number): string => median(runs.map(pick)).toFixed(1).padStart(11);
    console.log(name.padEnd(30) + of((run) => run.added) + of((run) => run.subject) + " " + of((run) => run.without));
  }
} finally {
  stopAll();
}

/** A gateway with a route for every case, all to one nginx. @throws Error where a configuration is refused. */
async function startGateway(): Promise<{ readonly pid: number; readonly url: string }> {
  const originPort = await freePort(), port = await freePort(), control = await freePort();
  await startNginx(originPort);
  const upstream = { nodes: { [`127.0.0.1:${originPort}`]: 1 } };
  const route = (name: string, plugins: object) => {
    const id = name.replaceAll(", ", "_");
    return { id, uri: `/${name.replaceAll(", ", "+")}/*`, upstream, plugins };
  };
  const resources = join(scratch(), "resources.json");
  writeFileSync(
    resources,
    JSON.stringify({
      routes: [route("bare", {}), ...CASES.map(({ name, plugins }) => route(name, plugins))],
      consumers: [{
        username: "jack",
        plugins: {
          "key-auth": { key: "jacks" },
          "basic-auth": { username: "jack", password: "jacks" },
          "jwt-auth": { key: "jack", secret: SECRET },
        },
      }],
    }),
  );
  const [command, ...args] = GATEWAYS[values.runtime]!;
  args.push("run", "--resources", resources, "--listen", `127.0.0.1:${port}`, "--control", `127.0.0.1:${control}`);
  if (values.listener !== "") args.push("--listener", values.listener);
  if (values.transport !== "") args.push("--transport", values.transport);
  const pid = await start(command!, args, port);
  const status = await (await fetch(`http://127.0.0.1:${control}/status`)).json() as { rejected: { keys: unknown[] } };
  if (status.rejected.keys.length > 0) throw new Error(`Refused: ${JSON.stringify(status.rejected.keys, null, 2)}`);
  return { pid, url: `http://127.0.0.1:${port}` };
}

/**
 * What requests take, and what a gateway's process works, while etcd is written.
 *
 *     node bench/etcd.ts [--runtime bun,deno] [--carrier grpc,json] [--routes 10000] [--puts 1000] [--rate 300] [--seconds 10]
 *
 * Requests arrive at a constant rate, whatever the gateway does (`support/steady-load.ts`): without writes, with writes of keys that the gateway does not read, and
 * with writes of its own. etcd, which this process writes, the origin and the client want their share of the same cores: the second phase shows what that costs.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startAnswering } from "./support/answering.ts";
import { type BenchEtcd, putAll, startEtcd } from "./support/etcd.ts";
import { GATEWAYS, ready } from "./support/gateways.ts";
import { cpuSeconds, freePort, start, startNginx, stop, stopAll } from "./support/processes.ts";
import type { Counted, SteadyLoad } from "./support/steady-load.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "bun,deno" },
    carrier: { type: "string", default: "grpc,json" },
    routes: { type: "string", default: "10000" },
    puts: { type: "string", default: "1000" },
    rate: { type: "string", default: "300" },
    seconds: { type: "string", default: "10" },
  },
});
const routes = Number(values.routes), puts = Number(values.puts), seconds = Number(values.seconds);
const PREFIX = "/bench";
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a phase found; processor time in cores. */
interface Phase extends Counted {
  readonly gateway: number;
  readonly etcd: number;
  /** A second. */
  readonly puts: number;
}

try {
  const originPort = await freePort();
  await startNginx(originPort);
  const etcd = await startEtcd();
  await etcd.put([[`${PREFIX}/upstreams/1`, { nodes: { [`127.0.0.1:${originPort}`]: 1 } }]]);
  await etcd.put(Array.from({ length: routes }, (_, i) => route(i, "as it was first")));
  console.log(
    "                  p50 / p99 / max ms, and cores that the gateway kept busy, while keys are written           etcd",
  );
  console.log("runtime  carrier           none            others' keys              its own keys   puts/s   cores");
  for (const runtime of values.runtime.split(",")) {
    for (const carrier of values.carrier.split(",")) {
      const [none, others, own] = await measure(runtime, carrier, etcd);
      console.log(
        runtime.padEnd(9) + carrier.padEnd(8) + [none, others, own].map((phase) =>
          textOf(phase).padStart(24)
        ).join("") +
          own.puts.toFixed(0).padStart(9) + own.etcd.toFixed(2).padStart(8),
      );
    }
  }
} finally {
  stopAll();
}

function textOf({ p50, p99, max, gateway }: Phase): string {
  return `${[p50, p99, max].map((ms) => ms.toFixed(1)).join(" / ")}, ${gateway.toFixed(2)}`;
}

async function measure(runtime: string, carrier: string, etcd: BenchEtcd): Promise<[Phase, Phase, Phase]> {
  const [port, control] = [await freePort(), await freePort()];
  const [program = "", ...args] = GATEWAYS[runtime]!;
  const source = ["--etcd", etcd.url, "--etcd-transport", carrier, "--prefix", PREFIX, "--no-register"];
  const addresses = ["--listen", `127.0.0.1:${port}`, "--control", `127.0.0.1:${control}`];
  const pid = await start(program, [...args, "run", ...source, ...addresses, "--access-log", "off"], port);
  await ready(control);
  const settings: SteadyLoad = { port, rate: Number(values.rate), connections: 32, targets: [{ path: "/r/7/x" }] };
  const load = startAnswering(process.execPath, [
    join(import.meta.dirname ?? "", "support/steady-load.ts"),
    JSON.stringify(settings),
  ]);
  const phase = async (work: () => Promise<number>): Promise<Phase> => {
    await load.ask("");
    const before = { gateway: cpuSeconds(pid), etcd: cpuSeconds(etcd.pid) };
    const done = await work();
    const counted = await load.ask<Counted>("");
    if (counted.errors > 0) throw new Error(`The run does not count: ${counted.examples.join("; ")}`);
    return {
      ...counted,
      gateway: (cpuSeconds(pid) - before.gateway) / seconds,
      etcd: (cpuSeconds(etcd.pid) - before.etcd) / seconds,
      puts: done / seconds,
    };
  };
  const wait = async (): Promise<number> => (await sleep(seconds * 1000), 0);
  // What is loaded and compiled for the first requests does not count.
  await sleep(3000);
  const none = await phase(wait);
  const others = await phase(() => write(etcd, "/others"));
  const own = await phase(() => write(etcd, PREFIX));
  await load.stop();
  await stop(pid);
  return [none, others, own];
}

/** Changes routes one at a time, at the rate that was asked for. @returns How many. */
async function write(etcd: BenchEtcd, prefix: string): Promise<number> {
  const begun = performance.now();
  let made = 0;
  for (let passed = 0; passed < seconds * 1000; passed = performance.now() - begun) {
    const some: Promise<void>[] = [];
    for (; made < passed * puts / 1000; made++) {
      some.push(putAll(etcd.url, [route(made % routes, `change ${made}`, prefix)]));
    }
    await Promise.all(some);
    await sleep(5);
  }
  return made;
}

function route(number: number, desc: string, prefix = PREFIX): readonly [key: string, value: object] {
  return [`${prefix}/routes/r${number}`, { uri: `/r/${number}/*`, upstream_id: "1", desc }];
}

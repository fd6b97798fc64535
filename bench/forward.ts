/**
 * What a forwarded request costs, as a multiple of nginx's `proxy_pass` in the same run, for each runtime with each of its listeners and transports.
 *
 *     node bench/forward.ts [--scenario bare,key-auth,three,seven,one,50000] [--runtime bun,deno,node] [--seconds 5] [--rounds 3] [--peers]
 *
 * `three`: limit-count, prometheus and key-auth. `seven`: also cors, request-id, ip-restriction and proxy-rewrite. `50000`: a bare route among so many,
 * requests spread over them; `one`: the same requests, by the same script, to one route. `--peers` adds rows of HAProxy and Caddy in front of the same origin, where the bare route is among the scenarios.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GATEWAYS, ready } from "./support/gateways.ts";
import { load, type LoadOptions, median } from "./support/load.ts";
import { freePort, PEERS, scratch, start, startNginx, startPeer, stop, stopAll } from "./support/processes.ts";
import { loadOf, resourcesOf } from "./support/scenarios.ts";

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "bare" },
    runtime: { type: "string", default: "bun,deno,node" },
    listener: { type: "string", default: "http1,native,node" },
    transport: { type: "string", default: "http1,undici" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    peers: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds), rounds = Number(values.rounds);

try {
  const originPort = await freePort(), yardstickPort = await freePort();
  await startNginx(originPort);
  const yardstick = await startNginx(yardstickPort, originPort);
  const folder = scratch();
  console.log("scenario   runtime  listener  transport  x nginx   us/request   nginx us   requests/s   p99 ms");
  if (values.peers && values.scenario.split(",").includes("bare")) {
    for (const peer of PEERS) {
      const port = await freePort();
      const pid = await startPeer(peer, port, originPort);
      measure({ row: ["bare", peer, "", ""], port, pid, options: {}, yardstickPort, yardstick });
      await stop(pid);
    }
  }
  for (const [scenario, runtime] of pairs(values.scenario.split(","), values.runtime.split(","))) {
    const resources = join(folder, `${scenario}.json`);
    writeFileSync(resources, JSON.stringify(resourcesOf(scenario, `127.0.0.1:${originPort}`)));
    const options = loadOf(scenario, folder);
    for (const listener of values.listener.split(",")) {
      for (const transport of values.transport.split(",")) {
        if (runtime === "node" && listener === "native") continue;
        const port = await freePort(), control = await freePort();
        const [command, ...args] = GATEWAYS[runtime]!;
        const flags = [
          "run",
          "--resources",
          resources,
          "--listen",
          `127.0.0.1:${port}`,
          "--control",
          `127.0.0.1:${control}`,
        ];
        const pid = await start(command!, [...args, ...flags, "--listener", listener, "--transport", transport], port);
        await ready(control);
        measure({ row: [scenario, runtime, listener, transport], port, pid, options, yardstickPort, yardstick });
        await stop(pid);
      }
    }
  }
} finally {
  stopAll();
}

/** Loads subject and yardstick in turn, after a warm-up of both, and prints a row of the medians. */
function measure({ row, port, pid, options, yardstickPort, yardstick }: {
  readonly row: readonly [string, string, string, string];
  readonly port: number;
  readonly pid: number;
  readonly options: Omit<LoadOptions, "seconds">;
  readonly yardstickPort: number;
  readonly yardstick: number;
}): void {
  load(`http://127.0.0.1:${port}/x`, pid, { ...options, seconds: 2 });
  load(`http://127.0.0.1:${yardstickPort}/x`, yardstick, { ...options, seconds: 1 });
  const runs = Array.from({ length: rounds }, () => {
    const base = load(`http://127.0.0.1:${yardstickPort}/x`, yardstick, { ...options, seconds });
    const subject = load(`http://127.0.0.1:${port}/x`, pid, { ...options, seconds });
    return { base, subject, multiple: subject.cpuMicros / base.cpuMicros };
  });
  const of = (pick: (run: (typeof runs)[number]) => number): number => median(runs.map(pick));
  const [scenario, name, listener, transport] = row;
  console.log(
    scenario.padEnd(11) + name.padEnd(9) + listener.padEnd(10) + transport.padEnd(11) +
      of((run) => run.multiple).toFixed(2).padStart(7) +
      of((run) => run.subject.cpuMicros).toFixed(1).padStart(13) +
      of((run) => run.base.cpuMicros).toFixed(1).padStart(11) +
      of((run) => run.subject.requests / run.subject.seconds).toFixed(0).padStart(13) +
      of((run) => run.subject.p99).toFixed(1).padStart(9),
  );
}

function pairs<A, B>(left: readonly A[], right: readonly B[]): [A, B][] {
  return left.flatMap((a) => right.map((b): [A, B] => [a, b]));
}

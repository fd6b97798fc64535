/**
 * What more workers are good for: requests a second, what a request costs, and how many cores the gateway's processes kept busy, for each number of workers.
 *
 *     node bench/workers.ts [--workers 1,2] [--scenario seven] [--runtime bun,deno] [--seconds 4] [--rounds 3]
 *
 * Origin and client want cores of their own: what they leave free is what workers can use. So the time of a request, not the number of requests, says what sharing
 * the port costs; and requests grow as the cores do that the gateway gets.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GATEWAYS, ready } from "./support/gateways.ts";
import { load, median } from "./support/load.ts";
import { freePort, scratch, start, startNginx, stop, stopAll } from "./support/processes.ts";
import { loadOf, resourcesOf } from "./support/scenarios.ts";

const { values } = parseArgs({
  options: {
    workers: { type: "string", default: "1,2" },
    scenario: { type: "string", default: "seven" },
    runtime: { type: "string", default: "bun,deno" },
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
  },
});
const seconds = Number(values.seconds), rounds = Number(values.rounds);

try {
  const originPort = await freePort();
  await startNginx(originPort);
  const folder = scratch();
  const resources = join(folder, "resources.json");
  writeFileSync(resources, JSON.stringify(resourcesOf(values.scenario, `127.0.0.1:${originPort}`)));
  const options = { ...loadOf(values.scenario, folder), seconds };
  console.log(`${values.scenario}: runtime  workers   requests/s   us/request   cores   p99 ms`);
  for (const runtime of values.runtime.split(",")) {
    for (const workers of values.workers.split(",")) {
      const [port, control] = [await freePort(), await freePort()];
      const [program = "", ...args] = GATEWAYS[runtime]!;
      const addresses = ["--listen", `127.0.0.1:${port}`, "--control", `127.0.0.1:${control}`];
      const flags = ["run", "--resources", resources, ...addresses, "--workers", workers];
      const pid = await start(program, [...args, ...flags], port);
      await ready(control);
      load(`http://127.0.0.1:${port}/x`, pid, { ...options, seconds: 2 });
      const runs = Array.from({ length: rounds }, () => load(`http://127.0.0.1:${port}/x`, pid, options));
      const of = (pick: (run: (typeof runs)[number]) => number): number => median(runs.map(pick));
      console.log(
        " ".repeat(values.scenario.length + 2) + runtime.padEnd(9) + workers.padStart(7) +
          of((run) => run.requests / run.seconds).toFixed(0).padStart(13) +
          of((run) => run.cpuMicros).toFixed(1).padStart(13) +
          of((run) => run.cpuMicros * run.requests / run.seconds / 1e6).toFixed(2).padStart(8) +
          of((run) => run.p99).toFixed(1).padStart(9),
      );
      await stop(pid);
    }
  }
} finally {
  stopAll();
}

/**
 * What a forwarded request costs, as a multiple of nginx's `proxy_pass` in the same run: one bare route, each runtime with each of its listeners
 * and transports. `node bench/forward.ts [--runtime bun,deno,node] [--seconds 5] [--rounds 3]`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { load, median } from "./support/load.ts";
import { freePort, scratch, start, startNginx, stop, stopAll } from "./support/processes.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "bun,deno,node" },
    listener: { type: "string", default: "native,node" },
    transport: { type: "string", default: "http1,undici" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
  },
});
const seconds = Number(values.seconds), rounds = Number(values.rounds);
const root = join(import.meta.dirname ?? "", "..");
const bin = join(root, "node_modules/.bin");
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  bun: [join(bin, "bun"), "run", join(root, "src/entries/bun.ts")],
  deno: [join(bin, "deno"), "run", "-A", join(root, "src/entries/deno.ts")],
  node: [join(bin, "node"), join(root, "src/entries/node.ts")],
};

try {
  const originPort = await freePort(), yardstickPort = await freePort();
  await startNginx(originPort);
  const yardstick = await startNginx(yardstickPort, originPort);
  const resources = join(scratch(), "resources.json");
  const nodes = { [`127.0.0.1:${originPort}`]: 1 };
  writeFileSync(resources, JSON.stringify({ routes: [{ id: "1", uri: "/*", upstream: { nodes } }] }));

  console.log("runtime  listener  transport  x nginx   us/request   nginx us   requests/s   p99 ms");
  for (const runtime of values.runtime.split(",")) {
    for (const listener of values.listener.split(",")) {
      for (const transport of values.transport.split(",")) {
        if (runtime === "node" && listener === "native") continue;
        const port = await freePort(), control = await freePort();
        const [command, ...args] = COMMANDS[runtime]!;
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
        load(`http://127.0.0.1:${port}/x`, pid, { seconds: 2 });
        load(`http://127.0.0.1:${yardstickPort}/x`, yardstick, { seconds: 1 });
        const runs = Array.from({ length: rounds }, () => {
          const base = load(`http://127.0.0.1:${yardstickPort}/x`, yardstick, { seconds });
          const subject = load(`http://127.0.0.1:${port}/x`, pid, { seconds });
          return { base, subject, multiple: subject.cpuMicros / base.cpuMicros };
        });
        const of = (pick: (run: (typeof runs)[number]) => number): number => median(runs.map(pick));
        console.log(
          runtime.padEnd(9) + listener.padEnd(10) + transport.padEnd(11) +
            of((run) => run.multiple).toFixed(2).padStart(7) +
            of((run) => run.subject.cpuMicros).toFixed(1).padStart(13) +
            of((run) => run.base.cpuMicros).toFixed(1).padStart(11) +
            of((run) => run.subject.requests / run.subject.seconds).toFixed(0).padStart(13) +
            of((run) => run.subject.p99).toFixed(1).padStart(9),
        );
        await stop(pid);
      }
    }
  }
} finally {
  stopAll();
}

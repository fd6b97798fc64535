/**
 * What 50,000 routes cost: the start, one change among them, and 1,000 changes a second under load.
 * `node bench/config.ts [--runtime bun,deno,node] [--routes 50000] [--seconds 30]`.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { load } from "./support/load.ts";
import { freePort, startNginx, stopAll } from "./support/processes.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "bun,deno,node" },
    routes: { type: "string", default: "50000" },
    seconds: { type: "string", default: "30" },
  },
});
const root = join(import.meta.dirname ?? "", "..");
const bin = join(root, "node_modules/.bin");
const program = join(root, "bench/support/changing-gateway.ts");
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  bun: [join(bin, "bun"), "run", program],
  deno: [join(bin, "deno"), "run", "-A", program],
  node: [join(bin, "node"), program],
};
/** Connections that keep the gateway busy, but do not saturate it: latency is what is asked here. */
const CONNECTIONS = 4;

try {
  const originPort = await freePort();
  await startNginx(originPort);
  console.log("runtime  start s  RSS MB  one change ms (p50/max of 100)  p99 ms quiet  p99 ms changing  RSS MB after");
  for (const runtime of values.runtime.split(",")) {
    const port = await freePort();
    const [command, ...args] = COMMANDS[runtime]!;
    const child = spawn(command!, [...args, String(port), `127.0.0.1:${originPort}`, values.routes], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    process.on("exit", () => child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const read = async (): Promise<Record<string, number>> => JSON.parse((await lines.next()).value ?? "{}");
    const ask = (line: string): Promise<Record<string, number>> => {
      child.stdin.write(`${line}\n`);
      return read();
    };
    const started = await read();
    const change = await ask("one");
    const seconds = Number(values.seconds);
    const run = (time: number) =>
      load(`http://127.0.0.1:${port}/r/7/x`, child.pid!, { seconds: time, connections: CONNECTIONS });
    run(2);
    const quiet = run(seconds);
    await ask("every 1000");
    const changing = run(seconds);
    const after = await ask("every 0");
    console.log(
      runtime.padEnd(7) + (started["startMs"]! / 1000).toFixed(2).padStart(9) + String(started["rss"]).padStart(8) +
        `${change["p50"]!.toFixed(2)} / ${change["max"]!.toFixed(2)}`.padStart(33) + quiet.p99.toFixed(2).padStart(14) +
        changing.p99.toFixed(2).padStart(17) + String(after["rss"]).padStart(14),
    );
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
} finally {
  stopAll();
}

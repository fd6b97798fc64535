/**
 * What 50,000 routes cost: the start, one change among them, and 1,000 changes a second under load.
 *
 *     node bench/config.ts [--runtime bun,deno,node] [--routes 50000] [--seconds 30] [--rounds 3] [--rate 500] [--changes 1000]
 *
 * Requests arrive at a constant rate whatever the gateway does, and latency counts from the time at which one was due (`support/steady-load.ts`). Quiet phases
 * and phases of changes take turns; the medians of the rounds are printed, and of the multiple of each round.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startAnswering } from "./support/answering.ts";
import { median } from "./support/load.ts";
import type { Counted, SteadyLoad } from "./support/steady-load.ts";
import { freePort, startNginx, stopAll } from "./support/processes.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "bun,deno,node" },
    routes: { type: "string", default: "50000" },
    seconds: { type: "string", default: "30" },
    rounds: { type: "string", default: "3" },
    rate: { type: "string", default: "500" },
    changes: { type: "string", default: "1000" },
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
/** Enough for the rate even where an answer takes some ten milliseconds. */
const CONNECTIONS = 32;

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

type Figures = Readonly<Record<string, number>>;

try {
  const originPort = await freePort();
  await startNginx(originPort);
  console.log(
    "runtime  start s  RSS MB  one change ms (p50/max of 100)  p99 ms quiet  p99 ms changing  multiple  max ms quiet  max ms changing  changes/s  RSS MB after",
  );
  for (const runtime of values.runtime.split(",")) {
    const port = await freePort();
    const [command, ...args] = COMMANDS[runtime] ?? [];
    if (command === undefined) throw new Error(`Unknown runtime '${runtime}': bun, deno or node`);
    const gateway = startAnswering(command, [...args, String(port), `127.0.0.1:${originPort}`, values.routes]);
    const started = await gateway.read<Figures>();
    const change = await gateway.ask<Figures>("one");
    const settings: SteadyLoad = {
      port,
      rate: Number(values.rate),
      connections: CONNECTIONS,
      targets: [{ path: "/r/7/x" }],
    };
    const program = join(root, "bench/support/steady-load.ts");
    const load = startAnswering(COMMANDS["node"]![0]!, [program, JSON.stringify(settings)]);
    const phase = async (seconds: number): Promise<Counted> => {
      await load.ask("");
      await sleep(seconds);
      const counted = await load.ask<Counted>("");
      if (counted.errors > 0) throw new Error(`The run does not count: ${counted.examples.join("; ")}`);
      if (counted.answered < seconds * settings.rate * 0.95) {
        throw new Error(`The run does not count: ${counted.answered} answers in ${seconds} s; ask for a lower --rate`);
      }
      return counted;
    };
    await phase(3);
    const seconds = Number(values.seconds);
    const rounds: { quiet: Counted; changing: Counted; rate: number }[] = [];
    let after: Figures = {};
    for (let round = 0; round < Number(values.rounds); round++) {
      const quiet = await phase(seconds);
      const before = (await gateway.ask<Figures>("every 0"))["changes"]!;
      const begun = performance.now();
      await gateway.ask(`every ${values.changes}`);
      const changing = await phase(seconds);
      after = await gateway.ask<Figures>("every 0");
      rounds.push({ quiet, changing, rate: (after["changes"]! - before) * 1000 / (performance.now() - begun) });
      await phase(1);
    }
    const of = (pick: (round: (typeof rounds)[number]) => number): number => median(rounds.map(pick));
    console.log(
      runtime.padEnd(7) + (started["startMs"]! / 1000).toFixed(2).padStart(9) + String(started["rss"]).padStart(8) +
        `${change["p50"]!.toFixed(2)} / ${change["max"]!.toFixed(2)}`.padStart(33) +
        of(({ quiet }) => quiet.p99).toFixed(2).padStart(14) +
        of(({ changing }) => changing.p99).toFixed(2).padStart(17) +
        of(({ quiet, changing }) => changing.p99 / quiet.p99).toFixed(2).padStart(10) +
        of(({ quiet }) => quiet.max).toFixed(1).padStart(14) +
        of(({ changing }) => changing.max).toFixed(1).padStart(17) +
        of(({ rate }) => rate).toFixed(0).padStart(11) + String(after["rss"]).padStart(14),
    );
    await load.stop();
    await gateway.stop();
  }
} finally {
  stopAll();
}

import process from "node:process";
import { alignRows, type Paint } from "../match/text-table.ts";
import { type CommandInput, EXIT } from "./command.ts";
import { type AskFleet, NOBODY, readDuration, withFleet } from "./resources/fleet.ts";
import { type Fleet, lagOf } from "./resources/instances.ts";
import { outputPaint } from "./resources/terminal.ts";

/** `gatewatch status`: every instance, the revision that it serves and how far that is behind. */
export async function status(input: CommandInput): Promise<number> {
  const every = Math.max(100, readDuration(input, "interval", "1s"));
  const json = input.flags.switches.has("json");
  return await withFleet(input, async (ask) => {
    if (!input.flags.switches.has("watch")) return show(await ask(), json);
    return await watch(ask, json, every);
  });
}

/** Shows it again and again, until a signal ends the process. */
async function watch(ask: AskFleet, json: boolean, every: number): Promise<number> {
  const terminal = process.stdout.isTTY === true && !json;
  for (;;) {
    const fleet = await ask();
    if (terminal) process.stdout.write("\x1b[H\x1b[2J");
    show(fleet, json, json);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

function show(fleet: Fleet, json: boolean, line: boolean = false): number {
  const { instances, latest } = fleet;
  if (json) {
    const told = instances.map((each) => ({ ...each, lag: lagOf(each, latest) }));
    console.log(JSON.stringify({ latest, instances: told }, null, line ? 0 : 2));
  } else if (instances.length === 0) console.error(`gatewatch: ${NOBODY}`);
  else for (const row of table(fleet, outputPaint())) console.log(row);
  return instances.length > 0 && instances.every(({ problem }) => problem === undefined) ? EXIT.done : EXIT.failed;
}

function table({ instances, latest }: Fleet, paint: Paint): string[] {
  const heads = ["INSTANCE", "VERSION", "RUNTIME", "REVISION", "LAG", "REJECTED", "SINCE", "CONTROL"];
  const rows = instances.map((each) => {
    const { id, version, runtime, revision, rejected, since = "", control = "", problem } = each;
    if (problem !== undefined) return [id, paint("red", problem)];
    const lag = lagOf(each, latest);
    return [
      id,
      version,
      runtime,
      revision === null ? "none yet" : String(revision),
      lag === undefined ? "" : lag === 0 ? "0" : paint("yellow", String(lag)),
      rejected === 0 ? "0" : paint("red", String(rejected)),
      since,
      control,
    ];
  });
  const degraded = instances.filter((each) => each.degraded !== undefined);
  return [
    ...alignRows([heads.map((head) => paint("bold", head)), ...rows]),
    ...degraded.map((each) => paint("yellow", `${each.id} is degraded: ${each.degraded}`)),
  ];
}

import { type CommandInput, EXIT } from "./command.ts";
import { NOBODY, readDuration, withFleet } from "./resources/fleet.ts";
import { readRevision } from "./resources/flags.ts";
import type { Instance } from "./resources/instances.ts";
import { counted } from "./resources/terminal.ts";
import { UsageError } from "./usage-error.ts";

/** Milliseconds between two looks; growing, so that waiting for long costs little. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;

const BY_DEFAULT = "30s";

/** `gatewatch wait`: until every instance serves a revision. 1 where that takes too long. */
export async function wait(input: CommandInput): Promise<number> {
  const revision = readRevision(input.flags, "revision");
  if (revision === undefined) throw new UsageError(["Write the revision, as in gatewatch wait --revision 42"]);
  const timeout = readDuration(input, "timeout", BY_DEFAULT);
  const within = input.flags.values.get("timeout")?.at(-1) ?? BY_DEFAULT;
  const json = input.flags.switches.has("json");
  return await withFleet(input, async (ask) => {
    const started = performance.now();
    for (let pause = FIRST_PAUSE;; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
      const { instances } = await ask();
      const behind = instances.filter((each) => !serves(each, revision));
      const ms = Math.round(performance.now() - started);
      const done = instances.length > 0 && behind.length === 0;
      if (done || ms >= timeout) return tell(done, instances, behind, ms);
      await new Promise((resolve) => setTimeout(resolve, Math.min(pause, timeout - ms)));
    }
  });

  function tell(done: boolean, all: readonly Instance[], behind: readonly Instance[], ms: number): number {
    if (json) console.log(JSON.stringify({ done, revision, instances: all.length, behind, ms }));
    else if (done) console.log(`${counted(all.length, "instance")} at revision ${revision} or later, after ${ms} ms`);
    else if (all.length === 0) console.error(`gatewatch: ${NOBODY}`);
    else {
      console.error(
        `gatewatch: Not within ${within}: ${behind.length} of ${counted(all.length, "instance")} not there`,
      );
      for (const { id, revision: at, problem } of behind) {
        console.error(`  ${id} ${problem ?? (at === null ? "has applied nothing yet" : `is at revision ${at}`)}`);
      }
    }
    return done ? EXIT.done : EXIT.failed;
  }
}

function serves({ revision, problem }: Instance, wanted: number): boolean {
  return problem === undefined && revision !== null && revision >= wanted;
}

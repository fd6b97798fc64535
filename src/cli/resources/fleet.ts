import * as v from "valibot";
import type { CommandInput, CommandOption } from "../command.ts";
import { controlUrl, duration } from "../setting-values.ts";
import { UsageError } from "../usage-error.ts";
import { askedInstances, type Fleet, registeredInstances } from "./instances.ts";
import { withTarget } from "./with-target.ts";

/** `--url`: instances that are asked themselves. */
export const URL_OPTION: CommandOption = {
  value: "URL",
  help: "Ask the control API at this address, instead of those who registered; may be given several times",
};

/** Asks for the fleet, as often as it is called. */
export type AskFleet = () => Promise<Fleet>;

/**
 * Runs a command over the instances that `--url` names, or else over those that registered under the prefix.
 *
 * @throws UsageError
 */
export async function withFleet(input: CommandInput, run: (ask: AskFleet) => Promise<number>): Promise<number> {
  const given = input.flags.values.get("url");
  if (given === undefined) return await withTarget(input, (target) => run(() => registeredInstances(target)));
  const urls = given.map((text) => {
    const read = v.safeParse(controlUrl, text);
    if (read.success) return read.output;
    throw new UsageError([`--url: ${read.issues[0].message}`]);
  });
  return await run(() => askedInstances(urls));
}

/** A flag that is a duration, in milliseconds. @throws UsageError */
export function readDuration({ flags }: CommandInput, name: string, byDefault: string): number {
  const read = v.safeParse(duration, flags.values.get(name)?.at(-1) ?? byDefault);
  if (read.success) return read.output;
  throw new UsageError([`--${name}: ${read.issues[0].message}`]);
}

/** What to say where nobody registered. */
export const NOBODY = "No instance is registered under this prefix: give --url, as in --url http://127.0.0.1:9090";

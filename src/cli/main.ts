import process from "node:process";
import type { Runtime } from "../runtimes/runtime.ts";
import { VERSION } from "../version.ts";
import { type Command, EXIT } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { type Flags, parseFlags } from "./flags.ts";
import { commandHelp, programHelp } from "./help.ts";
import { flagName } from "./settings.ts";
import { suggest } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The `gatewatch` command.
 *
 * @param args What follows the program's name.
 * @returns The exit status: see {@link EXIT}.
 */
export async function main(args: readonly string[], runtime: Runtime): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    console.error(programHelp(COMMANDS).trimEnd());
    return EXIT.usage;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    const command = COMMANDS.find((each) => each.name === rest[0]);
    console.log((name === "help" && command !== undefined ? commandHelp(command) : programHelp(COMMANDS)).trimEnd());
    return EXIT.done;
  }
  if (name === "--version" || name === "version") {
    console.log(`gatewatch ${VERSION} (${runtime.name} ${runtime.version})`);
    return EXIT.done;
  }
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) return fail([unknownCommand(name)], "gatewatch --help");

  const flags = readFlags(command, rest);
  if (flags.switches.has("help")) {
    console.log(commandHelp(command).trimEnd());
    return EXIT.done;
  }
  try {
    if (flags.problems.length > 0) throw new UsageError(flags.problems);
    const start = await command.load();
    return await start({ flags, environment: process.env, runtime });
  } catch (error) {
    if (error instanceof UsageError) return fail(error.problems, `gatewatch ${name} --help`);
    if (!(error instanceof Error) || error.name !== "NotCapable") throw error;
    // What Deno throws where its flags do not allow something; the message names the flag.
    console.error(`gatewatch: ${error.message}`);
    return EXIT.failed;
  }
}

function readFlags(command: Command, args: readonly string[]): Flags {
  const values = new Map(Object.entries(command.settings).map(([name, { value }]) => [flagName(name), value]));
  const letters = new Map<string, string>();
  for (const [name, { value, letter }] of Object.entries(command.options ?? {})) {
    values.set(name, value);
    if (letter !== undefined) letters.set(letter, name);
  }
  return parseFlags(args, {
    values,
    letters,
    switches: Object.keys(command.switches ?? {}),
    positionals: command.positionals ?? [],
  });
}

function unknownCommand(name: string): string {
  if (name.startsWith("-")) return `Write a command before its flags, as in gatewatch run ${name}`;
  const meant = suggest(name, COMMANDS.map((each) => each.name));
  return `Unknown command "${name}"${meant === undefined ? "" : `: did you mean ${meant}?`}`;
}

function fail(problems: readonly string[], help: string): number {
  for (const problem of problems) console.error(`gatewatch: ${problem}`);
  console.error(`See ${help}`);
  return EXIT.usage;
}

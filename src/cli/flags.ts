import { parseArgs } from "node:util";
import { suggest } from "./suggest.ts";

/** What the arguments of a command hold. */
export interface Flags {
  /** By flag name without dashes, in the order given. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly switches: ReadonlySet<string>;
  readonly positionals: readonly string[];
  /** What could not be understood, a line each. */
  readonly problems: readonly string[];
}

/** The flags that a command knows. */
export interface KnownFlags {
  /** Flag name (`etcd-user`) to the word that stands for its value in help (`NAME`). */
  readonly values: ReadonlyMap<string, string>;
  /** Flags without a value. */
  readonly switches: readonly string[];
  /** One letter to the name of the flag that it stands for, beside `-h`. */
  readonly letters?: ReadonlyMap<string, string>;
  /** Names of the arguments that are no flags, for the message about one too many. */
  readonly positionals?: readonly string[];
}

/** Reads arguments (those behind the command's name). It never throws and never prints the value of a flag that it does not know. */
export function parseFlags(args: readonly string[], known: KnownFlags): Flags {
  const values = new Map<string, string[]>();
  const switches = new Set<string>();
  const positionals: string[] = [];
  const problems: string[] = [];
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const name of known.values.keys()) options[name] = { type: "string" };
  for (const name of known.switches) options[name] = { type: "boolean" };
  for (const [letter, name] of known.letters ?? []) options[name] = { type: "string", short: letter };
  options.help = { type: "boolean", short: "h" };

  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName: raw, value } = token;
    const wanted = known.values.get(name);
    if (wanted !== undefined) {
      // `--etcd --prefix /a`: the next flag is no value. One that does start with a dash is written `--flag=-value`.
      if (value === undefined || (!token.inlineValue && value.startsWith("-"))) {
        problems.push(`${raw} needs a value: ${raw} ${wanted}`);
      } else values.set(name, [...values.get(name) ?? [], value]);
    } else if (name === "help" || known.switches.includes(name)) {
      if (value !== undefined) problems.push(`${raw} takes no value`);
      switches.add(name);
    } else {
      const meant = suggest(name, [...known.values.keys(), ...known.switches]);
      problems.push(`Unknown flag ${raw}${meant === undefined ? "" : `: did you mean --${meant}?`}`);
    }
  }

  // What follows an unknown flag may be its value, so that only the flag is worth a message.
  const expected = known.positionals ?? [];
  const extra = expected.at(-1)?.endsWith("...") ? undefined : positionals[expected.length];
  if (extra !== undefined && problems.length === 0) problems.push(`Unexpected argument "${extra}"`);
  return { values, switches, positionals, problems };
}

import type { Runtime } from "../runtimes/runtime.ts";
import type { Flags } from "./flags.ts";
import type { Setting } from "./settings.ts";

/** What a command is given. */
export interface CommandInput {
  readonly flags: Flags;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly runtime: Runtime;
}

/** Exit statuses, for scripts. */
export const EXIT = {
  done: 0,
  /** It was tried and failed: an address is taken, an instance is not ready. */
  failed: 1,
  /** It was called wrongly, and nothing was tried. */
  usage: 2,
  /** A second signal cut it short: 128 + SIGINT, as shells count. */
  interrupted: 130,
} as const;

/** A flag with a value that is no setting. */
export interface CommandOption {
  /** Stands for the value in help texts. */
  readonly value: string;
  readonly help: string;
  /** One letter that is the same, as in `-H`. */
  readonly letter?: string;
}

/** A command, without what it does: that is loaded when it is called, so that `gatewatch health` does not load a gateway. */
export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What follows the name in its usage line. */
  readonly usage: string;
  /** Paragraphs of its help text. */
  readonly description: string;
  readonly examples: readonly string[];
  /** Its settings, by camel-case name. */
  readonly settings: Readonly<Record<string, Setting>>;
  /** Those of them that its help text shows. Default: all. */
  readonly shown?: readonly string[];
  /** Flags without a value: name and help. */
  readonly switches?: Readonly<Record<string, string>>;
  /** Flags with a value that are no settings, by their name. They may be given several times. */
  readonly options?: Readonly<Record<string, CommandOption>>;
  /** Names of its arguments; those in brackets may be left out. */
  readonly positionals?: readonly string[];
  /** Loads what it does, which yields the exit status. @throws UsageError */
  readonly load: () => Promise<(input: CommandInput) => Promise<number>>;
}

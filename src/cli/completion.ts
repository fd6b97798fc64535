import { type CommandInput, EXIT } from "./command.ts";
import { completionScript, isShell, SHELLS } from "./completion-script.ts";
import { COMMANDS } from "./commands.ts";
import { UsageError } from "./usage-error.ts";

/** `gatewatch completion`: a script for a shell, made from the table of commands. */
export function completion({ flags }: CommandInput): Promise<number> {
  const [shell] = flags.positionals;
  if (shell === undefined || !isShell(shell)) {
    throw new UsageError([`Write a shell, as in gatewatch completion bash: there are ${SHELLS.join(", ")}`]);
  }
  console.log(completionScript(shell, COMMANDS).trimEnd());
  return Promise.resolve(EXIT.done);
}

import { WriteError } from "../../store/writable.ts";
import { type CommandInput, EXIT } from "../command.ts";
import { openTarget, type Target } from "./target.ts";

/** A command cannot do what it was asked to, for a reason that the operator can mend. */
export class Failure extends Error {
  override readonly name: string = "Failure";
}

/**
 * Runs a command over its target and closes that. What the store says, and a {@link Failure}, is printed as one line.
 *
 * @returns The exit status.
 * @throws UsageError
 */
export async function withTarget(input: CommandInput, run: (target: Target) => Promise<number>): Promise<number> {
  const target = await openTarget(input);
  try {
    return await run(target);
  } catch (error) {
    if (!(error instanceof WriteError) && !(error instanceof Failure)) throw error;
    // Issues of a file begin with their place, so that editors find it.
    console.error(error.message.includes("\n") ? error.message : `gatewatch: ${error.message}`);
    return EXIT.failed;
  } finally {
    target.close();
  }
}

import { readFile } from "node:fs/promises";
import process from "node:process";
import { UsageError } from "../usage-error.ts";

/** A program and its arguments. */
export interface OwnCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * How this process was started, flags of the runtime included, so that another one can be started alike: with `deno run`, `bun run`, `node`, and from an executable.
 *
 * @throws UsageError where it cannot be told.
 */
export async function ownCommand(): Promise<OwnCommand> {
  if (process.platform !== "linux") {
    throw new UsageError([
      "--workers: Needs Linux, whose kernel shares the connections to one port out among several processes",
    ]);
  }
  let line: string;
  try {
    line = await readFile("/proc/self/cmdline", "utf8");
  } catch (error) {
    // Deno gives files of /proc away to those alone who may do everything, as a process that starts others may anyhow.
    const reason = "deno" in process.versions ? "on Deno it needs --allow-all (-A)" : (error as Error).message;
    throw new UsageError([`--workers: Cannot tell how this process was started: ${reason}`]);
  }
  const [, ...args] = line.replace(/\0$/, "").split("\0");
  return { program: process.execPath, args };
}

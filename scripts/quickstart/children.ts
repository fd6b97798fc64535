import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** A program that the demo started. */
export interface Child {
  readonly name: string;
  readonly ended: boolean;
  /** Resolves to its exit status. */
  readonly exited: Promise<number | undefined>;
  /** The end of what it printed, where that was kept back. */
  said(): string;
  signal(signal: NodeJS.Signals): void;
}

export interface ChildOptions {
  readonly cwd: string;
  /** Keeps back what it prints, to show it only where it fails. */
  readonly quiet?: boolean;
  readonly ended?: () => void;
}

/** In the order in which they were started. */
const children: Child[] = [];

/** Where a program is; undefined where it is not on PATH. */
export function findProgram(name: string): string | undefined {
  return (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Starts a program in a process group of its own, so that Ctrl-C reaches the demo alone, which then stops its programs in the right
 * order and tells each of them once.
 */
export function start(name: string, program: string, args: readonly string[], options: ChildOptions): Child {
  const quiet = options.quiet === true;
  const child = spawn(program, args, {
    cwd: options.cwd,
    detached: true,
    stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
  });
  let [ended, said] = [false, ""];
  const keep = (data: Uint8Array): void => {
    said = (said + Buffer.from(data).toString()).slice(-2000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const exited = new Promise<number | undefined>((resolve) => {
    const end = (status: number | undefined): void => {
      ended = true;
      options.ended?.();
      resolve(status);
    };
    child.once("error", (error) => {
      said += error.message;
      end(undefined);
    });
    child.once("exit", (status) => end(status ?? undefined));
  });
  const result: Child = {
    name,
    exited,
    get ended() {
      return ended;
    },
    said: () => said,
    signal: (signal) => void (ended || child.kill(signal)),
  };
  children.push(result);
  return result;
}

let stopping = false;

/** Stops what runs, the last started first: by SIGTERM, and where it was asked to before, at once. */
export async function stopAll(): Promise<void> {
  const again = stopping;
  stopping = true;
  for (const child of [...children].reverse()) {
    child.signal(again ? "SIGKILL" : "SIGTERM");
    await child.exited;
  }
}

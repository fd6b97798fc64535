import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where all that it prints is kept. */
  readonly log: string;
  /** Seconds until it and all that it started are killed. */
  readonly limit: number;
}

export interface RunResult {
  /** Exit status; undefined where it was killed or could not be started. */
  readonly status: number | undefined;
  /** Both outputs, in the order in which they came. */
  readonly output: string;
  readonly seconds: number;
  /** What went wrong beside the exit status: out of time, processes left behind. */
  readonly trouble: string | undefined;
}

/** How long what a program started may outlive it, in milliseconds. */
const FAREWELL = 2000;

/** The process groups that run now, so that none outlives the gate. */
const groups = new Set<number>();

function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false; // Nobody is left in it.
  }
}

/** Kills all that still runs. */
export function killAll(): void {
  for (const group of groups) signalGroup(group, "SIGKILL");
}

/** True where a process of the group runs. A dead one that nobody has reaped yet still takes signals, but is no trouble. */
function runs(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  if (!existsSync("/proc/self/stat")) return true;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      // pid (name) state parent group ...; the name may hold anything.
      const [state, , its] = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
      if (Number(its) === group && state !== "Z" && state !== "X") return true;
    } catch {
      // It has ended meanwhile.
    }
  }
  return false;
}

/** True where something of the group still runs after a moment's grace. */
async function outlived(group: number): Promise<boolean> {
  const until = performance.now() + FAREWELL;
  while (runs(group)) {
    if (performance.now() > until) return true;
    await sleep(50);
  }
  return false;
}

/** Runs a program in a process group of its own, keeps what it prints, and leaves nothing of the group behind. */
export async function run(options: RunOptions): Promise<RunResult> {
  const began = performance.now();
  // A file, and no pipe: a program that exits loses what a pipe has not taken yet.
  const log = openSync(options.log, "w");
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...process.env, ...options.env },
  });
  const group = child.pid;
  let trouble: string | undefined;
  if (group !== undefined) groups.add(group);
  const timer = setTimeout(() => {
    trouble = `was killed after ${options.limit} s`;
    if (group !== undefined) signalGroup(group, "SIGKILL");
  }, options.limit * 1000);
  const status = await new Promise<number | undefined>((resolve) => {
    child.once("error", (error) => {
      trouble = `could not be started: ${error.message}`;
      resolve(undefined);
    });
    child.once("exit", (code) => resolve(code ?? undefined));
  });
  clearTimeout(timer);
  if (group !== undefined) {
    if (await outlived(group)) {
      trouble ??= "left processes behind, which were killed";
      signalGroup(group, "SIGKILL");
    }
    groups.delete(group);
  }
  closeSync(log);
  return { status, output: readFileSync(options.log, "utf8"), seconds: (performance.now() - began) / 1000, trouble };
}

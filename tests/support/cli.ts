import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import process from "node:process";
import { currentRuntime, gatewatchCommand, type Subject } from "./gateway-process.ts";

/** How to call the command. */
export interface CliOptions {
  /** Default: the runtime that the test runs on. */
  readonly subject?: Subject;
  /** What it reads from standard input. Default: nothing. */
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Milliseconds after which it is killed. Default 60000. */
  readonly limit?: number;
}

/** What a call of the command ended with. */
export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A call of the command that runs. */
export interface CliProcess {
  readonly ended: Promise<CliResult>;
  /** Ends it by SIGKILL, as a machine that loses its power would. */
  kill(): void;
}

/** Starts the command. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  const [program, ...first] = gatewatchCommand(options.subject ?? currentRuntime());
  const child = spawn(program, [...first, ...args], {
    cwd: options.directory ?? tmpdir(),
    env: { ...withoutSettings(), NO_COLOR: "1", ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.add(child);
  let stdout = "", stderr = "";
  child.stdout.on("data", (data: Uint8Array) => stdout += Buffer.from(data).toString());
  child.stderr.on("data", (data: Uint8Array) => stderr += Buffer.from(data).toString());
  // A command that reads nothing has closed it already.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const limit = setTimeout(() => child.kill("SIGKILL"), options.limit ?? 60_000);
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      clearTimeout(limit);
      running.delete(child);
      resolve({ status, stdout, stderr });
    });
  });
  return { ended, kill: () => void child.kill("SIGKILL") };
}

/** Runs the command to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).ended;
}

function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GATEWATCH_")));
}

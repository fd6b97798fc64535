import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import process from "node:process";
import { askControl, type ControlAnswer } from "../control-client.ts";
import type { OwnCommand } from "./own-command.ts";
import { workerEnvironment } from "./worker-settings.ts";

/** What a process ended with. */
export interface WorkerExit {
  readonly status: number | null;
  readonly signal: string | null;
}

/** Milliseconds between two looks at one that starts. */
const LOOK_MS = 20;

/** One process that serves. */
export class Worker {
  readonly pid: number;
  readonly started: number = Date.now();
  /** Resolves once it has ended. */
  readonly exited: Promise<WorkerExit>;
  /** What it ended with, once it has. */
  exit: WorkerExit | undefined;
  readonly #control: string;

  private constructor(child: ChildProcess, controlPort: number) {
    this.pid = child.pid ?? 0;
    this.#control = `http://127.0.0.1:${controlPort}`;
    this.exited = new Promise((resolve) => {
      const end = (status: number | null, signal: string | null): void => resolve(this.exit = { status, signal });
      child.once("error", () => end(null, null));
      child.once("exit", end);
    });
  }

  /** Starts a process like this one. Its standard input is a pipe that ends with this process, so that it never outlives it. */
  static async start({ program, args }: OwnCommand): Promise<Worker> {
    const port = await freePort();
    const child = spawn(program, args, {
      stdio: ["pipe", "inherit", "inherit"],
      env: { ...process.env, ...workerEnvironment(port) },
    });
    child.stdin?.on("error", () => {});
    return new Worker(child, port);
  }

  /** Waits until it has bound its addresses, or is ready. @returns False where it ends before, or the time is over. */
  async up(what: "listening" | "ready", limitMs: number): Promise<boolean> {
    const until = performance.now() + limitMs;
    while (this.exit === undefined && performance.now() < until) {
      try {
        const { status, body } = await this.ask(what === "ready" ? "/ready" : "/status");
        if (status === 200 && (what === "ready" || isListening(body))) return true;
      } catch {
        // Not there yet.
      }
      await Promise.race([this.exited, new Promise((resolve) => setTimeout(resolve, LOOK_MS))]);
    }
    return false;
  }

  /** Asks its control API. @throws Error where it does not answer. */
  ask(path: string, json?: unknown, limitMs?: number): Promise<ControlAnswer> {
    return askControl(this.#control + path, json, limitMs);
  }

  signal(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.exit !== undefined || this.pid === 0) return;
    try {
      // Not the child's own method, which on Deno ends its standard input as well.
      process.kill(this.pid, signal);
    } catch {
      // It has ended, and is not told yet.
    }
  }
}

function isListening(body: string): boolean {
  const { serving } = JSON.parse(body) as { readonly serving?: boolean };
  return serving === true;
}

/** A port of loopback that nobody listens on. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

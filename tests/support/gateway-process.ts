import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { freePorts } from "./etcd.ts";
import { until } from "./until.ts";
import { ROOT } from "../../scripts/root.ts";

/** What the command runs on: a runtime, or the single file that `npm run compile` makes. */
export type Subject = "deno" | "bun" | "node" | "executable";

/** What a program ended with. */
export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GatewayProcessOptions {
  /** Default: the runtime that the test runs on, so that every runtime tests itself. */
  readonly subject?: Subject;
  /** Flags of `gatewatch run` besides the addresses, which are free ports. */
  readonly flags?: readonly string[];
  /** Variables besides the test's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it runs. Default: an empty directory. */
  readonly directory?: string;
  /** What to wait for: `ready` (default), `live`, or `nothing`. */
  readonly until?: "ready" | "live" | "nothing";
  /** Flags of Deno instead of `-A`. */
  readonly permissions?: readonly string[];
}

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** The runtime that this test runs on. */
export function currentRuntime(): "deno" | "bun" | "node" {
  if (process.versions["bun"] !== undefined) return "bun";
  return process.versions["deno"] !== undefined ? "deno" : "node";
}

/** The program and arguments that start the command on a subject. @throws Error where it is not built. */
export function gatewatchCommand(
  subject: Subject,
  permissions: readonly string[] = ["-A"],
): readonly [string, ...string[]] {
  const bin = (name: string) => join(ROOT, "node_modules/.bin", name);
  const entry = (path: string) => {
    const full = join(ROOT, path);
    if (!existsSync(full)) throw new Error(`Cannot start gatewatch on ${subject}: there is no ${path}; build it first`);
    return full;
  };
  switch (subject) {
    case "bun":
      return [bin("bun"), "run", entry("src/entries/bun.ts")];
    case "deno":
      return [bin("deno"), "run", "--no-prompt", "--no-check", ...permissions, entry("src/entries/deno.ts")];
    case "node":
      return [bin("node"), entry("dist/entries/node.js")];
    case "executable":
      return [entry("build/gatewatch")];
  }
}

/** Runs the command to its end. */
export async function runGatewatch(
  args: readonly string[],
  options: Pick<GatewayProcessOptions, "subject" | "environment" | "directory" | "permissions"> = {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const [program, ...first] = gatewatchCommand(options.subject ?? currentRuntime(), options.permissions);
  const directory = options.directory ?? await mkdtemp(join(tmpdir(), "gatewatch-run-"));
  const child = spawn(program, [...first, ...args], {
    cwd: directory,
    env: { ...cleanEnvironment(), ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let stdout = "", stderr = "";
  child.stdout.on("data", (data: Uint8Array) => stdout += Buffer.from(data).toString());
  child.stderr.on("data", (data: Uint8Array) => stderr += Buffer.from(data).toString());
  const limit = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const status = await new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  clearTimeout(limit);
  running.delete(child);
  if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  return { status, stdout, stderr };
}

/** A `gatewatch run` in a process of its own. */
export class GatewayProcess {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly controlPort: number;
  /** Resolves when the process has ended and its output is complete. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";
  #exit: Exit | undefined;

  constructor(child: ChildProcess, port: number, controlPort: number) {
    this.#child = child;
    this.port = port;
    this.controlPort = controlPort;
    running.add(child);
    child.stdout?.on("data", (data: Uint8Array) => this.#stdout += Buffer.from(data).toString());
    child.stderr?.on("data", (data: Uint8Array) => this.#stderr += Buffer.from(data).toString());
    this.exited = new Promise((resolve) => {
      child.once("close", (status, signal) => {
        running.delete(child);
        this.#exit = { status, signal };
        resolve(this.#exit);
      });
    });
  }

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  get controlUrl(): string {
    return `http://${this.host}:${this.controlPort}`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Standard error: the log. */
  get log(): string {
    return this.#stderr;
  }

  /** Standard output: the access log. */
  get output(): string {
    return this.#stdout;
  }

  /** Asks the gateway, on a connection of its own, so that no pool hides what the listener does. */
  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return ask(`${this.url}${path}`, headers);
  }

  /** Asks the control API. */
  control(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return ask(`${this.controlUrl}${path}`, headers);
  }

  /** `GET /status` of the control API. */
  async status(): Promise<Status> {
    return JSON.parse((await this.control("/status")).body) as Status;
  }

  /** Not by `child.kill`, after which Deno reports the signal as the end, whatever status the process ended with. */
  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined && this.#child.pid !== undefined) process.kill(this.#child.pid, signal);
  }

  /** Ends the process by SIGTERM, and by SIGKILL where that takes more than 10 s. */
  async stop(): Promise<Exit> {
    this.signal("SIGTERM");
    const limit = setTimeout(() => this.signal("SIGKILL"), 10_000);
    const exit = await this.exited;
    clearTimeout(limit);
    return exit;
  }
}

/** What `GET /status` holds, as far as tests look at it. */
export interface Status {
  readonly version: string;
  readonly runtime: { readonly name: string; readonly version: string };
  readonly ready: boolean;
  readonly reason?: string;
  readonly revision: number | null;
  readonly source: { readonly kind: string; readonly state: string; readonly reason?: string };
  readonly resources: Readonly<Record<string, number>>;
  readonly keys: Readonly<Record<string, number>>;
  readonly rejected: {
    readonly total: number;
    readonly keys: readonly {
      readonly key: string;
      readonly state: string;
      readonly revision: number;
      readonly issues: readonly { readonly path?: string; readonly message: string }[];
    }[];
  };
}

/** Starts `gatewatch run` on free ports of 127.0.0.1 and waits until it is ready. */
export async function startGatewayProcess(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
  const [port, controlPort] = await freePorts(2) as [number, number];
  const [program, ...first] = gatewatchCommand(options.subject ?? currentRuntime(), options.permissions);
  const own = options.directory === undefined ? await mkdtemp(join(tmpdir(), "gatewatch-run-")) : undefined;
  const child = spawn(program, [
    ...first,
    "run",
    ...["--listen", `127.0.0.1:${port}`, "--control", `127.0.0.1:${controlPort}`],
    ...options.flags ?? [],
  ], {
    cwd: options.directory ?? own,
    env: { ...cleanEnvironment(), ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const gateway = new GatewayProcess(child, port, controlPort);
  if (own !== undefined) void gateway.exited.then(() => rm(own, { recursive: true, force: true }));
  if (options.until === "nothing") return gateway;
  const path = options.until === "live" ? "/live" : "/ready";
  try {
    await until(async () => {
      if (gateway.exit !== undefined) return true;
      return (await gateway.control(path)).status === 200;
    }, { limit: 20_000, what: `gatewatch answers ${path}` });
    if (gateway.exit !== undefined) throw new Error(`gatewatch ended with status ${gateway.exit.status}`);
  } catch (error) {
    gateway.signal("SIGKILL");
    await gateway.exited;
    throw new Error(`${(error as Error).message}\n${gateway.log}`);
  }
  return gateway;
}

/** The test's environment without settings that whoever runs it may have. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GATEWATCH_")));
}

/** One GET on a new connection, read to its end. */
export function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, agent: false, timeout: 20_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => body += chunk);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on("error", reject);
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer from ${url} within 20 s`)));
    asked.on("error", reject);
    asked.end();
  });
}

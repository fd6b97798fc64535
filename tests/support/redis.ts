import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { freePorts } from "./etcd.ts";
import { until } from "./until.ts";

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) signal(child, "SIGKILL");
});

/** Not `child.kill()`: on Deno a child that was sent one signal is told no other. */
function signal(child: ChildProcess | undefined, name: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(child.pid, name);
  } catch {
    // It has ended already.
  }
}

/** A real Redis server that keeps nothing on disk, which the test kills, freezes and starts again on the same port. */
export class RedisServer {
  readonly port: number;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #directory: string | undefined;

  constructor(port: number, flags: readonly string[]) {
    this.port = port;
    this.#flags = flags;
  }

  /** Starts the server and waits until it answers. */
  async start(): Promise<void> {
    const directory = this.#directory ??= await mkdtemp(join(tmpdir(), "gatewatch-redis-"));
    const tls = this.#flags.includes("--tls-port");
    const child = spawn("redis-server", [
      ...["--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "no"],
      ...(tls ? [] : ["--port", String(this.port)]),
      ...this.#flags,
    ], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "", ended = false;
    child.stdout.on("data", (data: Uint8Array) => output += Buffer.from(data).toString());
    child.stderr.on("data", (data: Uint8Array) => output += Buffer.from(data).toString());
    running.add(child);
    this.#child = child;
    this.#ended = new Promise((resolve) =>
      child.once("close", () => {
        running.delete(child);
        ended = true;
        resolve();
      })
    );
    try {
      await until(() => {
        if (ended) return true;
        return accepts(this.port);
      }, { limit: 10_000, what: "redis-server accepts connections" });
      if (ended) throw new Error("redis-server ended");
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${output}`);
    }
  }

  /** Ends it at once, as a crash. */
  async kill(): Promise<void> {
    signal(this.#child, "SIGKILL");
    await this.#ended;
  }

  /** It goes on accepting connections, and answers nothing. */
  freeze(): void {
    signal(this.#child, "SIGSTOP");
  }

  thaw(): void {
    signal(this.#child, "SIGCONT");
  }

  async close(): Promise<void> {
    await this.kill();
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  /** Sends one command on a connection of its own (protocol: inline commands). Returns the first line of the answer. */
  async ask(command: string): Promise<string> {
    const socket = connect({ host: "127.0.0.1", port: this.port });
    try {
      return await new Promise<string>((resolve, reject) => {
        let text = "";
        socket.on("data", (data: Uint8Array) => {
          text += Buffer.from(data).toString();
          if (text.endsWith("\r\n")) resolve(text);
        });
        socket.on("error", reject);
        socket.on("close", () => reject(new Error("The connection ended")));
        socket.write(`${command}\r\n`);
      });
    } finally {
      socket.destroy();
    }
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Starts a Redis server on a free port of 127.0.0.1. `flags` are further ones of redis-server; `PORT` in them stands for the port. */
export async function startRedis(flags: readonly string[] = []): Promise<RedisServer> {
  const [port] = await freePorts(1) as [number];
  const server = new RedisServer(port, flags.map((flag) => flag === "PORT" ? String(port) : flag));
  await server.start();
  return server;
}

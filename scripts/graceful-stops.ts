/**
 * How often does a client of etcd over gRPC die when etcd stops gracefully? etcd then says goodbye (GOAWAY) to its clients, which has
 * killed whole processes on Deno. Starts and stops a real etcd again and again under a child process that is connected to it, with and without a
 * watch, idle and in the middle of calls, and counts the children that died.
 *
 *     node_modules/.bin/deno run -A scripts/graceful-stops.ts [stops per state] [grpc|json]
 *
 * Runs as the runtime that it is started with.
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { CarrierName } from "../src/sources/etcd/carrier.ts";
import { loadCarrier } from "../src/sources/etcd/carrier.ts";
import { parseEndpoint } from "../src/sources/etcd/endpoint.ts";
import { DEFAULT_LIMITS } from "../src/sources/etcd/limits.ts";
import { type EtcdServer, startEtcd } from "../tests/support/etcd.ts";
import { until } from "../tests/support/until.ts";

/** `busy`: one call after another, so that the goodbye meets one in flight. */
type State = "watching" | "idle" | "busy";
const STATES: readonly State[] = ["watching", "idle", "busy"];

/** The child: connected whenever etcd is there; a line on its output for each connection. */
async function child(url: string, state: State, carrier: CarrierName): Promise<never> {
  const create = await loadCarrier(carrier);
  for (;;) {
    const client = create({ endpoint: parseEndpoint(url), tls: {}, limits: DEFAULT_LIMITS });
    try {
      await client.range({ key: "\0" });
      if (state === "watching") {
        await new Promise<void>((resolve) => {
          client.watch({ key: "/a/", end: "/a0", from: 1 }, {
            message: ({ created }) => created && console.log("connected"),
            failed: () => resolve(),
          });
        });
      } else if (state === "busy") {
        console.log("connected");
        for (;;) await client.range({ key: "\0", end: "\0", limit: 100 });
      } else {
        console.log("connected");
        // Without a call in flight: the next one is made when etcd has gone and come again.
        await new Promise((resolve) => setTimeout(resolve, 1500));
      }
    } catch {
      // etcd is away.
    }
    client.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

class Watched {
  deaths = 0;
  connections = 0;
  lastWords = "";
  #child: ChildProcess | undefined;
  readonly #parameters: readonly string[];

  constructor(parameters: readonly string[]) {
    this.#parameters = parameters;
    this.#start();
  }

  stop(): void {
    const running = this.#child;
    this.#child = undefined;
    if (running?.pid !== undefined) process.kill(running.pid, "SIGKILL");
  }

  #start(): void {
    const runtime = "Deno" in globalThis ? ["run", "-A"] : [];
    const [, script = ""] = process.argv;
    const started = spawn(process.execPath, [...runtime, script, ...this.#parameters], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = started;
    let words = "";
    started.stdout?.on("data", () => this.connections++);
    started.stderr?.on("data", (data: Uint8Array) => words = (words + Buffer.from(data).toString()).slice(-1500));
    started.on("exit", () => {
      if (this.#child !== started) return;
      this.deaths++;
      this.lastWords = words;
      this.#start();
    });
  }
}

async function measure(etcd: EtcdServer, state: State, stops: number, carrier: CarrierName): Promise<number> {
  const watched = new Watched(["child", etcd.url, state, carrier]);
  try {
    for (let stop = 0, before = 0; stop < stops; stop++) {
      await until(() => watched.connections > before, {
        limit: 20_000,
        every: 2,
        what: `the child is connected before stop ${stop} (${state}; ${watched.deaths} deaths)`,
      });
      // In another phase of the client's life each time.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 50));
      before = watched.connections;
      await etcd.stop("graceful");
      await etcd.start();
    }
  } finally {
    watched.stop();
  }
  if (watched.lastWords !== "") console.log(`the last death said:\n${watched.lastWords}`);
  return watched.deaths;
}

const [first, ...rest] = process.argv.slice(2);
if (first === "child") {
  const [url = "", state, carrier] = rest;
  await child(url, STATES.find((one) => one === state) ?? "watching", carrier === "json" ? "json" : "grpc");
} else {
  const stops = Number(first ?? 100);
  const carrier: CarrierName = rest[0] === "json" ? "json" : "grpc";
  const etcd = await startEtcd();
  for (const state of STATES) {
    const deaths = await measure(etcd, state, stops, carrier);
    console.log(`${carrier}, ${state}: ${deaths} deaths in ${stops} graceful stops`);
  }
  await etcd.close();
  process.exit(0);
}

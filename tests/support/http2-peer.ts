import { type ChildProcess, spawn } from "node:child_process";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { ROOT } from "../../scripts/root.ts";
import { until } from "./until.ts";

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** What an {@link Http2Origin} tells of a request. */
export interface Http2Event {
  readonly event: "begin" | "end";
  readonly path: string;
  /** Why its stream ended: one of HTTP/2's codes. */
  readonly code?: number;
}

/** Node's own HTTP/2 as an origin, in a process of its own; what it answers stands in `http2-program.ts`. */
export class Http2Origin {
  readonly port: number;
  readonly events: Http2Event[];
  readonly #child: ChildProcess;

  constructor(port: number, events: Http2Event[], child: ChildProcess) {
    this.port = port;
    this.events = events;
    this.#child = child;
  }

  /** Ends every connection with its last request, after a GOAWAY. */
  goAway(): void {
    this.#child.stdin?.write("goaway\n");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** @param files Of its certificate and key; without them it speaks in clear text. */
export async function startHttp2Origin(files?: { readonly cert: string; readonly key: string }): Promise<Http2Origin> {
  const child = start(["origin", ...(files === undefined ? [] : [files.cert, files.key])]);
  const events: Http2Event[] = [];
  let port = 0;
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const told = JSON.parse(line) as Http2Event & { readonly port?: number };
    if (told.port !== undefined) port = told.port;
    else events.push(told);
  });
  await until(() => port > 0, { limit: 10_000, what: "the origin listens" });
  return new Http2Origin(port, events, child);
}

/** A task of Node's own HTTP/2 as a client, in a process of its own. */
export class Http2Task {
  /** What it came to. Rejects where it failed. */
  readonly result: Promise<Record<string, unknown>>;
  readonly #child: ChildProcess;

  /** @param ca File of an authority to trust; the gateway's name is `gate.test` then. */
  constructor(url: string, ca: string | undefined, task: string, argument: string | number) {
    const child = this.#child = start(["client", url, ca ?? "", task, String(argument)]);
    let output = "";
    child.stdout!.on("data", (bytes: Uint8Array) => output += Buffer.from(bytes).toString());
    this.result = new Promise((resolve, reject) => {
      child.once("close", () => {
        running.delete(child);
        const told = JSON.parse(output === "" ? `{"error":"it said nothing"}` : output) as Record<string, unknown>;
        if (told["error"] === undefined) resolve(told);
        else reject(new Error(String(told["error"])));
      });
    });
  }

  /** Tells it to go on. */
  next(): void {
    this.#child.stdin?.write("next\n");
  }
}

function start(parameters: readonly string[]): ChildProcess {
  const node = join(ROOT, "node_modules/.bin/node");
  const child = spawn(node, [join(ROOT, "tests/support/http2-program.ts"), ...parameters], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  running.add(child);
  return child;
}

/**
 * Load at a constant rate, whatever the gateway does (an open loop): a request is due at its time, and its latency counts from then on, also where it had to wait
 * for a connection. A process of its own, so that it does not share a thread with what it measures.
 *
 * The one argument is JSON, a {@link SteadyLoad}. Each line on standard input asks for what was counted since the last one; a line of JSON, a {@link Counted}, is
 * the answer. The end of standard input ends it.
 */
import { connect, type Socket } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";

/** What is asked for. */
export interface SteadyLoad {
  /** Of 127.0.0.1. */
  readonly port: number;
  /** Requests a second. */
  readonly rate: number;
  /** Connections, at most; all are kept open. */
  readonly connections: number;
  /** Asked for in turn. */
  readonly targets: readonly Target[];
}

/** A path, and what is a good answer. */
export interface Target {
  readonly path: string;
  /** Fields besides Host. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of a body, which makes it a POST. Default: a GET without. */
  readonly bodyBytes?: number;
  /** Statuses that are no error. Default: 200. */
  readonly statuses?: readonly number[];
}

/** What happened since it was last asked for. */
export interface Counted {
  /** Requests that were answered, errors included. */
  readonly answered: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: number;
  /** The first few of them, in words. */
  readonly examples: readonly string[];
  /** Requests that are due and not answered yet. */
  readonly waiting: number;
  /** Milliseconds from the time at which a request was due to the end of its answer. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

interface Due {
  readonly at: number;
  readonly target: Target;
}

/** Connections that a gateway may close while a request is on its way are not closed by a load that never pauses this long. */
const ANSWER_WITHIN_MS = 20_000;
/** More that wait say that the rate is too high; the oldest are then counted as errors. */
const MOST_WAITING = 100_000;

const load = JSON.parse(process.argv[2] ?? "{}") as SteadyLoad;
const waiting: Due[] = [];
const idle: Connection[] = [];
let open = 0;
let latencies: number[] = [];
let statuses: Record<string, number> = {};
let errors = 0;
let examples: string[] = [];

function fail(what: string): void {
  errors++;
  if (examples.length < 5) examples.push(what);
}

/** One connection, one request at a time. */
class Connection {
  readonly #socket: Socket;
  #due: Due | undefined;
  #text = "";
  #deadline = 0;

  constructor() {
    open++;
    this.#socket = connect({ port: load.port, host: "127.0.0.1", noDelay: true });
    // Bytes as characters: lengths are those on the wire.
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text: string) => this.#read(text));
    this.#socket.on("error", (error) => this.#end(error.message));
    this.#socket.on("close", () => this.#end("the connection was closed"));
  }

  send(due: Due): void {
    this.#due = due;
    this.#deadline = performance.now() + ANSWER_WITHIN_MS;
    const { path, headers = {} } = due.target;
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const { bodyBytes } = due.target;
    const [method, length, body] = bodyBytes === undefined
      ? ["GET", "", ""]
      : ["POST", `Content-Length: ${bodyBytes}\r\n`, "x".repeat(bodyBytes)];
    this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: load.test\r\n${fields}${length}\r\n${body}`);
  }

  /** Ends it where its answer is late. */
  look(now: number): void {
    if (this.#due !== undefined && now > this.#deadline) this.#end(`no answer within ${ANSWER_WITHIN_MS} ms`);
  }

  #read(text: string): void {
    this.#text += text;
    const head = this.#text.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#text.slice(0, head));
    if (length === null) return this.#end(`an answer without Content-Length: ${this.#text.slice(0, 200)}`);
    const whole = head + 4 + Number(length[1]);
    if (this.#text.length < whole) return;
    if (this.#due === undefined || this.#text.length > whole) return this.#end("more than one answer");
    const { at, target } = this.#due;
    const status = Number(this.#text.slice(9, 12));
    latencies.push(performance.now() - at);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (!(target.statuses ?? [200]).includes(status)) fail(`${target.path}: ${this.#text.slice(0, 400)}`);
    const closes = /\r\nconnection: *close/i.test(this.#text.slice(0, head));
    this.#text = "";
    this.#due = undefined;
    if (closes) return this.#end("");
    const next = waiting.shift();
    if (next === undefined) idle.push(this);
    else this.send(next);
  }

  #end(why: string): void {
    if (!all.delete(this)) return;
    open--;
    const at = idle.indexOf(this);
    if (at >= 0) idle.splice(at, 1);
    this.#socket.destroy();
    if (this.#due !== undefined) {
      latencies.push(performance.now() - this.#due.at);
      fail(`${this.#due.target.path}: ${why}`);
    }
    this.#due = undefined;
  }
}

const all = new Set<Connection>();

function dispatch(due: Due): void {
  const free = idle.pop();
  if (free !== undefined) return free.send(due);
  if (open < load.connections) {
    const made = new Connection();
    all.add(made);
    return made.send(due);
  }
  if (waiting.push(due) > MOST_WAITING) fail(`${waiting.shift()?.target.path}: too many wait`);
}

const begun = performance.now();
let sent = 0;
setInterval(() => {
  const now = performance.now();
  for (; begun + sent * 1000 / load.rate <= now; sent++) {
    dispatch({ at: begun + sent * 1000 / load.rate, target: load.targets[sent % load.targets.length]! });
  }
  for (const connection of all) connection.look(now);
  while (waiting.length > 0 && (idle.length > 0 || open < load.connections)) dispatch(waiting.shift()!);
}, 1);

/** Of sorted numbers. */
const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;

createInterface({ input: process.stdin }).on("line", () => {
  const sorted = latencies.sort((a, b) => a - b);
  const counted: Counted = {
    answered: sorted.length,
    statuses,
    errors,
    examples,
    waiting: waiting.length + open - idle.length,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  };
  process.stdout.write(`${JSON.stringify(counted)}\n`);
  latencies = [];
  statuses = {};
  errors = 0;
  examples = [];
}).on("close", () => process.exit(0));

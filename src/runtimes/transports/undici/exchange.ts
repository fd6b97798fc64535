import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici7";
import { Deadline } from "../../../net/deadline.ts";
import { joinChunks } from "../../../net/chunks.ts";
import type { RawHeaders } from "../../../net/raw-headers.ts";
import {
  type OutboundRequest,
  TransportError,
  type TransportErrorCode,
  type UpgradeAnswer,
} from "../../../forward/transport.ts";
import { socketTunnel } from "../../tunnel.ts";
import type { Connection, Connections } from "./connections.ts";
import { toTransportError } from "./errors.ts";

/** Bytes of an answer that are held for a client that does not read. */
const BUFFER = 64 * 1024;

/** What undici calls as an exchange goes on (its "legacy" handler, the only one that is given raw fields). */
type Handler = Required<
  Pick<Dispatcher.DispatchHandler, "onConnect" | "onHeaders" | "onData" | "onComplete" | "onError" | "onUpgrade">
>;

/** One request and its answer on one connection. */
export class Exchange implements Handler {
  readonly #request: OutboundRequest;
  readonly #pool: Connections;
  readonly #connection: Connection;
  readonly #deadline: Deadline = new Deadline(() => this.#expired());
  readonly #onAbort = (): void =>
    this.#fail(this.#error("client_gone", "The request was given up", this.#request.signal.reason));
  #resolve!: (answer: UpgradeAnswer) => void;
  #reject!: (error: TransportError) => void;
  /** What the running deadline stands for. */
  #waiting: "send" | "read" = "read";
  #sent = false;
  #abort: ((error?: Error) => void) | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #head: { status: number; reason: string; headers: RawHeaders; resume: () => void } | undefined;
  /** Bytes that came before the answer was handed over. */
  #early: Uint8Array[] = [];
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  #handedOver = false;
  #complete = false;
  #over = false;
  #trailers: RawHeaders = [];
  #resolveTrailers: ((trailers: RawHeaders) => void) | undefined;

  constructor(request: OutboundRequest, pool: Connections) {
    this.#request = request;
    this.#pool = pool;
    this.#connection = pool.take(request.timeouts.connect);
  }

  start(upgrade?: string): Promise<UpgradeAnswer> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      const { method, target, headers, body, signal } = this.#request;
      if (signal.aborted) return this.#onAbort();
      signal.addEventListener("abort", this.#onAbort, { once: true });
      const { tls } = this.#request.peer;
      const options: Omit<Dispatcher.DispatchOptions, "body"> & { body?: unknown; servername?: string } = {
        path: target,
        method,
        headers: headers as string[],
        body: body instanceof ReadableStream ? this.#bytesOf(body) : body,
      };
      // Otherwise undici takes the Host field's name, and connects anew whenever that is another.
      if (tls !== undefined) options.servername = tls.servername;
      if (upgrade !== undefined) {
        options.upgrade = upgrade;
        options.headers = withoutUpgrade(headers);
      } else if (this.#pool.last(this.#connection)) options.reset = true;
      this.#connection.client.dispatch(options as Dispatcher.DispatchOptions, this);
    });
  }

  onConnect(abort: (error?: Error) => void): void {
    if (this.#over) return abort();
    this.#abort = abort;
    this.#sent = true;
    if (this.#reader === undefined) this.#wait("read");
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    if (this.#over) return false;
    if (status < 200) {
      this.#wait("read");
      return true;
    }
    if (status > 599) {
      this.#fail(this.#error("bad_answer", `Status ${status}`));
      return false;
    }
    this.#head = { status, reason, headers: decode(raw), resume };
    this.#wait("read");
    // What is already in the same packet is delivered before the microtask: most answers are complete by then and need no stream.
    queueMicrotask(() => this.#handOver());
    return true;
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#over) return false;
    if (!this.#handedOver) {
      this.#early.push(chunk);
      this.#wait("read");
      return true;
    }
    this.#stream!.enqueue(chunk);
    if ((this.#stream!.desiredSize ?? 0) > 0) {
      this.#wait("read");
      return true;
    }
    this.#deadline.clear();
    return false;
  }

  onComplete(raw: string[] | Buffer[] | null): void {
    if (this.#over) return;
    this.#complete = true;
    if (raw !== null && raw.length > 0) this.#trailers = decode(raw as Buffer[]);
    this.#finish(true);
    if (this.#handedOver) this.#close();
  }

  onUpgrade(status: number, raw: Buffer[] | string[] | null, socket: Duplex): void {
    if (this.#over) {
      socket.destroy();
      return;
    }
    this.#finish(false);
    const headers = decode((raw ?? []) as Buffer[]);
    if (status !== 101) {
      socket.destroy();
      return this.#reject(this.#error("bad_answer", `Status ${status} for a request to upgrade`));
    }
    this.#resolve({ status: 101, reason: "Switching Protocols", headers, tunnel: socketTunnel(socket) });
  }

  onError(error: Error): void {
    this.#fail(toTransportError(error, this.#where(), this.#sent, this.#head !== undefined));
  }

  #handOver(): void {
    if (this.#over && !this.#complete) return;
    const { status, reason, headers, resume } = this.#head!;
    this.#handedOver = true;
    const trailers = this.#complete
      ? (this.#trailers.length === 0 ? undefined : Promise.resolve(this.#trailers))
      : new Promise<RawHeaders>((resolve) => this.#resolveTrailers = resolve);
    const answer = { status, reason, headers, ...(trailers === undefined ? {} : { trailers }) };
    const empty = this.#request.method === "HEAD" || status === 204 || status === 304;
    if (empty) this.#resolve({ ...answer, body: null });
    else if (this.#complete) {
      this.#resolve({ ...answer, body: this.#early.length === 0 ? null : joinChunks(this.#early) });
    } else this.#resolve({ ...answer, body: this.#toStream(resume) });
  }

  #toStream(resume: () => void): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
        for (const chunk of this.#early) controller.enqueue(chunk);
        this.#early = [];
      },
      pull: () => {
        if (this.#over) return;
        this.#wait("read");
        resume();
      },
      cancel: (reason) => this.#fail(this.#error("client_gone", "The answer was given up", reason)),
    }, { highWaterMark: BUFFER, size: (chunk) => chunk?.byteLength ?? 0 });
  }

  #close(): void {
    this.#stream?.close();
    this.#resolveTrailers?.(this.#trailers);
  }

  /** The request's body, with the time measured that the node takes to accept each part of it. */
  #bytesOf(body: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
    const reader = this.#reader = body.getReader();
    const parts = async function* (this: Exchange): AsyncGenerator<Uint8Array> {
      while (true) {
        let part: Awaited<ReturnType<typeof reader.read>>;
        try {
          part = await reader.read();
        } catch (cause) {
          this.#fail(this.#error("client_gone", "The request's body ended too early", cause));
          throw cause;
        }
        if (part.done) break;
        this.#wait("send");
        yield part.value;
        if (this.#head === undefined) this.#deadline.clear();
      }
      this.#reader = undefined;
      if (!this.#over) this.#wait("read");
    };
    return parts.call(this);
  }

  #wait(what: "send" | "read"): void {
    // An answer may begin while the body is still being sent; the body's own pace counts until it has been.
    if (what === "read" && this.#reader !== undefined && this.#head === undefined) return;
    this.#waiting = what;
    this.#deadline.set(this.#request.timeouts[what]);
  }

  #expired(): void {
    const ms = this.#request.timeouts[this.#waiting];
    const what = this.#waiting === "send" ? "nothing accepted" : "nothing received";
    this.#fail(this.#error(`${this.#waiting}_timeout`, `${what} for ${ms} ms`));
  }

  #fail(error: TransportError): void {
    if (this.#over) return;
    const abort = this.#abort;
    this.#finish(false);
    abort?.(error);
    if (this.#handedOver) {
      this.#stream?.error(error);
      this.#resolveTrailers?.([]);
    } else this.#reject(error);
  }

  #finish(reusable: boolean): void {
    this.#over = true;
    this.#deadline.dispose();
    this.#request.signal.removeEventListener("abort", this.#onAbort);
    const reader = this.#reader;
    this.#reader = undefined;
    // The answer came first: nobody will read the rest of the request.
    reader?.cancel(new Error("The exchange is over")).catch(() => {});
    if (reusable && reader === undefined) this.#pool.give(this.#connection);
    else this.#pool.discard(this.#connection);
  }

  #where(): string {
    return `${this.#pool.peer.host}:${this.#pool.peer.port}`;
  }

  #error(code: TransportErrorCode, what: string, cause?: unknown): TransportError {
    return new TransportError(code, this.#sent, `${this.#where()}: ${what}`, cause === undefined ? {} : { cause });
  }
}

/** undici writes these two itself. */
function withoutUpgrade(headers: RawHeaders): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    if (name !== "upgrade" && name !== "connection") kept.push(headers[i]!, headers[i + 1]!);
  }
  return kept;
}

/** Latin-1, as RFC 9110 section 5.5 has it: every byte stays what it was. */
function decode(raw: readonly Buffer[]): string[] {
  return raw.map((part) => part.toString("latin1"));
}

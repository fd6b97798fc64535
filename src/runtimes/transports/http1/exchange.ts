import { joinChunks } from "../../../net/chunks.ts";
import type { RawHeaders } from "../../../net/raw-headers.ts";
import {
  type OutboundRequest,
  TransportError,
  type TransportErrorCode,
  type UpgradeAnswer,
} from "../../../forward/transport.ts";
import { socketTunnel } from "../../tunnel.ts";
import type { AnswerHead } from "./answer-parser.ts";
import { unwatchAbort, watchAbort } from "../given-up.ts";
import type { Connection, ConnectionUser } from "./connection.ts";
import type { Pool } from "./pool.ts";
import { RequestBody } from "./request-body.ts";
import { requestHead } from "./request-head.ts";

/** Bytes of an answer that are held for a client that does not read. */
const BUFFER = 64 * 1024;

/** Milliseconds for what a node sent before it stopped reading: it has arrived, or never will. */
const LAST_WORD = 1000;

/** One request and its answer. */
export class Exchange implements ConnectionUser {
  readonly #request: OutboundRequest;
  readonly #pool: Pool;
  readonly #upgrade: boolean;
  readonly #resolve: (answer: UpgradeAnswer) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #onAbort = (): void => this.#fail("client_gone", "The request was given up", this.#request.signal.reason);
  #connection: Connection | undefined;
  #cancelConnect: (() => void) | undefined;
  #body: RequestBody | undefined;
  /** What the running deadline stands for. */
  #waiting: "send" | "read" = "read";
  #sent = false;
  #head: AnswerHead | undefined;
  /** Bytes that came before the answer was handed over. */
  #early: Uint8Array[] | undefined;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  #handedOver = false;
  #complete = false;
  #over = false;
  #trailers: RawHeaders = [];
  #resolveTrailers: ((trailers: RawHeaders) => void) | undefined;

  constructor(
    request: OutboundRequest,
    pool: Pool,
    upgrade: boolean,
    resolve: (answer: UpgradeAnswer) => void,
    reject: (error: TransportError) => void,
  ) {
    this.#request = request;
    this.#pool = pool;
    this.#upgrade = upgrade;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    watchAbort(this.#request, this.#onAbort);
    if (this.#over) return;
    const connection = this.#pool.take();
    if (connection !== undefined) return this.#begin(connection);
    this.#cancelConnect = this.#pool.connect(this.#request.timeouts.connect, (error, made) => {
      this.#cancelConnect = undefined;
      if (made !== null) return this.#begin(made);
      this.#finish();
      this.#reject(error!);
    });
  }

  #begin(connection: Connection): void {
    this.#connection = connection;
    const { method, body } = this.#request;
    const head = requestHead(this.#request, !this.#upgrade && this.#pool.last(connection.requests));
    if (head === undefined) {
      return this.#fail("unsupported", "The method, the target or a field cannot be sent as it is");
    }
    connection.use(this, method);
    this.#sent = true;
    const { socket } = connection;
    if (body === null && (head.length ?? 0) === 0) {
      socket.write(head.text, "latin1");
      return this.#wait("read");
    }
    connection.guardWrites();
    this.#body = new RequestBody(socket, head, body, {
      progress: () => this.#wait("send"),
      idle: () => this.#head === undefined && connection.deadline.clear(),
      done: () => {
        this.#body = undefined;
        if (!this.#over && connection.error === undefined) this.#wait("read");
      },
      failed: (what, cause) => this.#fail("client_gone", what, cause),
    });
    this.#body.start();
  }

  onInterim(): void {
    this.#wait("read");
  }

  onHead(head: AnswerHead): void {
    this.#head = head;
  }

  onData(bytes: Uint8Array): void {
    if (this.#stream === undefined) (this.#early ??= []).push(bytes);
    else this.#stream.enqueue(bytes);
  }

  onEnd(trailers: RawHeaders): void {
    this.#complete = true;
    this.#trailers = trailers;
  }

  onDrain(): void {
    this.#body?.drained();
  }

  onWriteError(): void {
    this.#body?.stop();
    // Its answer may have been received. The rest of an answer that has begun has the time that it always has.
    if (this.#head !== undefined) return;
    const { read } = this.#request.timeouts;
    this.#connection!.deadline.set(read > 0 ? Math.min(read, LAST_WORD) : LAST_WORD);
  }

  afterRead(left: Uint8Array): void {
    const head = this.#head;
    if (head === undefined) return;
    if (head.status === 101) return this.#switch(head, left);
    if (head.status > 599) return this.#fail("bad_answer", `Status ${head.status}`);
    if (this.#complete) {
      this.#endConnection(head, left);
      this.#finish();
      if (this.#handedOver) this.#endStream();
      else this.#handOver(head);
      return;
    }
    this.#wait("read");
    if (!this.#handedOver) this.#handOver(head);
    else if ((this.#stream!.desiredSize ?? 0) <= 0) {
      this.#connection!.socket.pause();
      this.#connection!.deadline.clear();
    }
  }

  onBadAnswer(cause: unknown): void {
    const what = cause instanceof Error ? cause.message : "No answer";
    if (this.#head === undefined) this.#fail("bad_answer", what, cause);
    else this.#fail("reset", `The body broke: ${what}`, cause);
  }

  onGone(cause: Error | undefined): void {
    this.#fail("reset", cause?.message ?? "The connection was closed before the answer was complete", cause);
  }

  onDeadline(): void {
    const { error } = this.#connection!;
    if (this.#head === undefined && error !== undefined) return this.onGone(error);
    const ms = this.#request.timeouts[this.#waiting];
    const what = this.#waiting === "send" ? "nothing accepted" : "nothing received";
    this.#fail(`${this.#waiting}_timeout`, `${what} for ${ms} ms`);
  }

  /** The answer is complete: the connection goes back, if it is known where the next one begins. */
  #endConnection(head: AnswerHead, left: Uint8Array): void {
    const connection = this.#connection!;
    const clean = head.keepAlive && left.byteLength === 0 && this.#body === undefined && connection.error === undefined;
    // The answer came first: nobody will read the rest of the request.
    this.#body?.cancel();
    this.#body = undefined;
    if (!clean) return this.#pool.discard(connection);
    if (connection.socket.isPaused()) connection.socket.resume();
    this.#pool.give(connection, head.keepAliveTimeout);
  }

  #switch(head: AnswerHead, left: Uint8Array): void {
    if (!this.#upgrade) return this.#fail("bad_answer", "Status 101 that was not asked for");
    const connection = this.#connection!;
    this.#finish();
    this.#pool.forget(connection);
    const tunnel = socketTunnel(connection.detach(left));
    connection.socket.resume();
    this.#resolve({ status: 101, reason: head.reason, headers: head.headers, tunnel });
  }

  #handOver({ status, reason, headers }: AnswerHead): void {
    this.#handedOver = true;
    if (this.#complete) {
      const body = this.#early === undefined ? null : joinChunks(this.#early);
      const trailers = this.#trailers.length === 0 ? undefined : Promise.resolve(this.#trailers);
      this.#resolve(
        trailers === undefined ? { status, reason, headers, body } : { status, reason, headers, body, trailers },
      );
      return;
    }
    const trailers = new Promise<RawHeaders>((resolve) => this.#resolveTrailers = resolve);
    this.#resolve({ status, reason, headers, body: this.#toStream(), trailers });
  }

  #toStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
        for (const bytes of this.#early ?? []) controller.enqueue(bytes);
        this.#early = undefined;
      },
      pull: () => {
        if (this.#over) return;
        this.#wait("read");
        const { socket } = this.#connection!;
        if (socket.isPaused()) socket.resume();
      },
      cancel: (reason) => this.#fail("client_gone", "The answer was given up", reason),
    }, { highWaterMark: BUFFER, size: (chunk) => chunk?.byteLength ?? 0 });
  }

  #endStream(): void {
    this.#stream?.close();
    this.#resolveTrailers?.(this.#trailers);
  }

  #wait(what: "send" | "read"): void {
    // An answer may begin while the body is still being sent; the body's own pace counts until it has been.
    if (what === "read" && this.#body !== undefined && this.#head === undefined) return;
    this.#waiting = what;
    this.#connection!.deadline.set(this.#request.timeouts[what]);
  }

  #fail(code: TransportErrorCode, what: string, cause?: unknown): void {
    if (this.#over) return;
    this.#finish();
    const connection = this.#connection;
    // Whether the node had closed the connection before it could know of the request.
    const reused = code === "reset" && this.#head === undefined && connection !== undefined && connection.requests > 1;
    this.#body?.cancel();
    this.#cancelConnect?.();
    if (connection !== undefined) this.#pool.discard(connection);
    const { host, port } = this.#pool.peer;
    const options = cause === undefined ? {} : { cause };
    const error = new TransportError(code, this.#sent, `${host}:${port}: ${what}`, { ...options, reused });
    if (!this.#handedOver) return this.#reject(error);
    try {
      this.#stream?.error(error);
    } catch {
      // Cancelled by its reader.
    }
    this.#resolveTrailers?.([]);
  }

  #finish(): void {
    this.#over = true;
    unwatchAbort(this.#request, this.#onAbort);
  }
}

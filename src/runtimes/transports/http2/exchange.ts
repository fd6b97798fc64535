import {
  type OutboundAnswer,
  type OutboundRequest,
  TransportError,
  type TransportErrorCode,
} from "../../../forward/transport.ts";
import { Deadline } from "../../../net/deadline.ts";
import { joinChunks } from "../../../net/chunks.ts";
import type { RawHeaders } from "../../../net/raw-headers.ts";
import { CODE } from "../../http2/protocol.ts";
import { ReceivedBody } from "../../http2/received-body.ts";
import { SentBody } from "../../http2/sent-body.ts";
import type { Stream, StreamUser } from "../../http2/stream.ts";
import { unwatchAbort, watchAbort } from "../given-up.ts";
import type { Connection } from "./connection.ts";
import { areAnswerTrailers, readAnswerHead, type ReceivedHead, requestFields } from "./fields.ts";
import type { Pool } from "./pool.ts";

/** Interim answers to one request; each of them holds off the read timeout. */
const MAX_INTERIM = 1000;

/** One request and its answer. */
export class Exchange implements StreamUser {
  readonly #request: OutboundRequest;
  readonly #pool: Pool;
  readonly #resolve: (answer: OutboundAnswer) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #deadline: Deadline = new Deadline(() => this.#expired());
  readonly #onAbort = (): void => this.#fail("client_gone", "The request was given up", this.#request.signal.reason);
  #cancelConnect: (() => void) | undefined;
  #connection: Connection | undefined;
  #stream: Stream | undefined;
  /** What is still being sent; the body's own pace counts until it has been. */
  #sending: SentBody | undefined;
  #waiting: "send" | "read" = "read";
  #sent = false;
  /** The node has said that it did not begin with it. */
  #untouched = false;
  #interim = 0;
  #head: ReceivedHead | undefined;
  /** Bytes still to come, of those that were announced. */
  #rest = Infinity;
  /** What came before the answer was handed over. */
  #early: Uint8Array[] = [];
  #body: ReceivedBody | undefined;
  /** The answer is not being read: the node may not send more of it. */
  #full = false;
  #handedOver = false;
  #complete = false;
  #over = false;
  #trailers: RawHeaders = [];
  #resolveTrailers: ((trailers: RawHeaders) => void) | undefined;

  constructor(
    request: OutboundRequest,
    pool: Pool,
    resolve: (answer: OutboundAnswer) => void,
    reject: (error: TransportError) => void,
  ) {
    this.#request = request;
    this.#pool = pool;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    watchAbort(this.#request, this.#onAbort);
    if (this.#over) return;
    const connection = this.#pool.take();
    if (connection !== undefined) this.#begin(connection);
    else this.#connect();
  }

  onHeaders(fields: string[], ended: boolean): void {
    if (this.#head !== undefined) {
      if (!ended || !areAnswerTrailers(fields)) return this.#fail("reset", "What came after the body is no trailer");
      this.#trailers = fields;
      return;
    }
    const head = readAnswerHead(fields);
    if (typeof head === "string") return this.#fail("bad_answer", `The answer's head is malformed: ${head}`);
    this.#wait("read");
    if (head.status < 200) {
      if (head.status === 101) this.#fail("bad_answer", "Status 101, which HTTP/2 has not");
      else if (++this.#interim > MAX_INTERIM) this.#fail("bad_answer", `More than ${MAX_INTERIM} interim answers`);
      else if (ended) this.#fail("bad_answer", "An interim answer, and nothing after it");
      return;
    }
    if (head.status > 599) return this.#fail("bad_answer", `Status ${head.status}`);
    this.#head = head;
    const { method } = this.#request;
    const bodiless = method === "HEAD" || head.status === 204 || head.status === 304;
    this.#rest = bodiless ? 0 : head.length ?? Infinity;
    // What is already in the same packet is read before that: most answers are complete by then and need no stream.
    queueMicrotask(() => this.#handOver(head, bodiless));
  }

  onData(bytes: Uint8Array): void {
    const stream = this.#stream!;
    if (this.#head === undefined) return this.#fail("bad_answer", "A body without a head");
    this.#rest -= bytes.byteLength;
    if (this.#rest < 0) return this.#fail("reset", "The body is longer than its Content-Length");
    this.#wait("read");
    if (this.#body !== undefined) this.#body.add(bytes);
    else if (this.#handedOver) stream.consumed(bytes.byteLength);
    else this.#early.push(bytes);
  }

  onEnd(): void {
    if (this.#head === undefined) return this.#fail("bad_answer", "The stream ended without an answer");
    if (this.#rest > 0 && this.#rest !== Infinity) {
      return this.#fail("reset", `The body is ${this.#rest} bytes shorter than its Content-Length`);
    }
    this.#complete = true;
    this.#finish();
    // The answer came first: nobody will read the rest of the request.
    if (this.#stream?.localEnded === false) this.#stream.reset(CODE.cancel);
    this.#body?.end();
    this.#resolveTrailers?.(this.#trailers);
  }

  onReset(code: number, untouched: boolean, cause?: Error): void {
    // All of the answer came, and the rest of the request is not wanted (RFC 9113 section 8.1).
    if (this.#over) return;
    // Node's own server can say so instead of ending the stream: all that was announced is there.
    if (code === CODE.none && this.#head !== undefined && this.#rest === 0) return this.onEnd();
    // A node that has begun to answer cannot have done nothing, whatever it says.
    if (untouched && this.#head === undefined && this.#interim === 0) {
      this.#sent = false;
      this.#untouched = true;
    }
    this.#fail("reset", cause?.message ?? `The node gave the request up, with HTTP/2 error ${code}`, cause);
  }

  onProgress(): void {
    if (this.#waiting === "send" && !this.#over) this.#wait("send");
  }

  onDrain(): void {
    if (this.#sending !== undefined) this.#sending.drained();
    else this.#bodySent();
  }

  #begin(connection: Connection): void {
    const head = requestFields(this.#request);
    if (head === undefined) {
      return this.#fail("unsupported", "The method, the target or a field cannot be sent as it is");
    }
    const { body } = this.#request;
    if (!(body instanceof ReadableStream) && head.length !== undefined && head.length !== (body?.byteLength ?? 0)) {
      return this.#fail("client_gone", `The body has ${body?.byteLength ?? 0} bytes, Content-Length is ${head.length}`);
    }
    const stream = connection.open();
    // It went away while this request waited for it: another one, then.
    if (stream === undefined) return this.#connect();
    connection.listen();
    this.#connection = connection;
    this.#stream = stream;
    stream.user = this;
    this.#sent = true;
    if (body === null || body instanceof Uint8Array && body.byteLength === 0) {
      stream.headers(head.fields, true);
      return this.#wait("read");
    }
    if (body instanceof Uint8Array) {
      const length = head.length === undefined ? ["content-length", String(body.byteLength)] : [];
      stream.headers([...head.fields, ...length], false);
      this.#wait(stream.write(body, true) ? "read" : "send");
      return;
    }
    stream.headers(head.fields, false);
    void this.#send(new SentBody(stream, body, head.length));
  }

  #connect(): void {
    this.#cancelConnect = this.#pool.connect(this.#request.timeouts.connect, (error, made) => {
      this.#cancelConnect = undefined;
      if (made !== null) return this.#begin(made);
      this.#finish();
      this.#reject(error!);
    });
  }

  async #send(body: SentBody): Promise<void> {
    this.#sending = body;
    try {
      await body.send((sending) => {
        if (sending) this.#wait("send");
        else if (this.#head === undefined) this.#deadline.clear();
        else this.#await();
      });
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : "The request's body ended too early";
      return this.#fail("client_gone", what, cause);
    }
    this.#sending = undefined;
    this.#bodySent();
  }

  #bodySent(): void {
    if (!this.#over) this.#await();
  }

  #handOver({ status, headers }: ReceivedHead, bodiless: boolean): void {
    if (this.#over && !this.#complete) return;
    this.#handedOver = true;
    const answer = { status, reason: "", headers };
    if (this.#complete) {
      const body = bodiless || this.#early.length === 0 ? null : joinChunks(this.#early);
      const trailers = this.#trailers;
      this.#resolve(
        trailers.length === 0 ? { ...answer, body } : { ...answer, body, trailers: Promise.resolve(trailers) },
      );
      return;
    }
    const trailers = new Promise<RawHeaders>((resolve) => this.#resolveTrailers = resolve);
    if (bodiless) return this.#resolve({ ...answer, body: null, trailers });
    const body = this.#body = new ReceivedBody(this.#stream!, {
      wanted: () => {
        this.#full = false;
        if (!this.#over) this.#wait("read");
      },
      full: () => {
        this.#full = true;
        if (this.#waiting === "read") this.#deadline.clear();
      },
      cancelled: (reason) => this.#fail("client_gone", "The answer was given up", reason),
    });
    for (const bytes of this.#early) body.add(bytes);
    this.#early = [];
    this.#resolve({ ...answer, body: body.readable, trailers });
  }

  /** The node's turn, unless its answer is not being read. */
  #await(): void {
    this.#waiting = "read";
    if (this.#full) this.#deadline.clear();
    else this.#wait("read");
  }

  #wait(what: "send" | "read"): void {
    // An answer may begin while the body is still being sent.
    if (what === "read" && this.#sending !== undefined && this.#head === undefined) return;
    this.#waiting = what;
    this.#deadline.set(this.#request.timeouts[what]);
  }

  #expired(): void {
    const ms = this.#request.timeouts[this.#waiting];
    const what = this.#waiting === "send" ? "nothing accepted" : "nothing received";
    // Nothing at all has come over the connection: it may be dead, and gets no more requests.
    if (this.#connection?.silent === true) this.#connection.retire();
    this.#fail(`${this.#waiting}_timeout`, `${what} for ${ms} ms`);
  }

  #fail(code: TransportErrorCode, what: string, cause?: unknown): void {
    if (this.#over) return;
    this.#finish();
    this.#cancelConnect?.();
    // Whether the node had closed the connection before it could know of the request.
    const reused = this.#untouched || code === "reset" && this.#head === undefined &&
        (this.#connection?.requests ?? 0) > 1 && this.#connection!.silent;
    this.#stream?.reset(CODE.cancel);
    const { host, port } = this.#pool.peer;
    const options = cause === undefined ? {} : { cause };
    const error = new TransportError(code, this.#sent, `${host}:${port}: ${what}`, { ...options, reused });
    if (!this.#handedOver) return this.#reject(error);
    this.#body?.fail(error);
    this.#resolveTrailers?.([]);
  }

  #finish(): void {
    this.#over = true;
    this.#deadline.dispose();
    this.#sending?.stop(new Error("The exchange is over"));
    unwatchAbort(this.#request, this.#onAbort);
  }
}

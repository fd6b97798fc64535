import { GatewayError } from "../../errors.ts";
import { Deadline } from "../../net/deadline.ts";
import { BadMessage } from "../wire/bad-message.ts";
import { ChunkedDecoder } from "../wire/chunked.ts";

/** Bytes of a request that are held for an upstream that does not take them. */
const BUFFER = 64 * 1024;
/** Bytes of trailers, which go no further than here. */
const MAX_TRAILERS = 8 * 1024;
/** Milliseconds and bytes that a client gets to end a request which was answered before it was read. */
const LINGER = 2_000, LINGER_BYTES = 64 * 1024 * 1024;
const EMPTY: Uint8Array = new Uint8Array(0);

/** What a body needs of its connection. */
export interface BodyConnection {
  /** More bytes are wanted, or not for now. */
  flow(on: boolean): void;
  /** Somebody reads the body: the client may send it (`100 Continue`). */
  begin(): void;
  /** The client sends on and on, or what cannot be read. */
  cut(): void;
}

/** Bounds on a request's body; 0 = none. */
export interface BodyLimits {
  readonly bytes: number;
  /** Milliseconds between two reads. */
  readonly timeout: number;
}

/**
 * A request's body: told of the bytes of its connection, it knows where it ends, and yields a web stream that takes from the client only what somebody
 * reads. The stream errors with a {@link GatewayError}: `body_too_large`, `bad_request` (408 where the client stalls), `client_gone`.
 */
export class RequestBody {
  /** All of it was received. */
  complete = false;
  readonly #connection: BodyConnection;
  readonly #limits: BodyLimits;
  readonly #decoder: ChunkedDecoder | undefined;
  readonly #deadline: Deadline = new Deadline(() => this.#late());
  /** Bytes still to come, of a body whose length is known. */
  #rest: number;
  #bytes = 0;
  /** Received before anybody asked. */
  #early: Uint8Array[] = [];
  #stream: ReadableStream<Uint8Array> | undefined;
  #source: ReadableStreamDefaultController<Uint8Array> | undefined;
  #failure: GatewayError | undefined;
  #dropping = false;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  /** @param length Bytes; -1 = chunked. */
  constructor(length: number, connection: BodyConnection, limits: BodyLimits) {
    this.#rest = length;
    this.#decoder = length < 0 ? new ChunkedDecoder(MAX_TRAILERS) : undefined;
    this.#connection = connection;
    this.#limits = limits;
  }

  /** Whether the client has been seen to begin. */
  get begun(): boolean {
    return this.#bytes > 0 || this.complete;
  }

  get stream(): ReadableStream<Uint8Array> {
    return this.#stream ??= this.#toStream();
  }

  /** @returns What follows the body. */
  take(bytes: Uint8Array): Uint8Array {
    let left = EMPTY;
    if (this.#decoder !== undefined) {
      try {
        left = this.#decoder.take(bytes, (part) => this.#receive(part));
      } catch (error) {
        if (!(error instanceof BadMessage)) throw error;
        this.#fail(new GatewayError("bad_request", 400, error.message));
        this.#connection.cut();
        return EMPTY;
      }
      if (this.#decoder.trailers !== undefined) this.#end();
      return left;
    }
    const part = bytes.byteLength <= this.#rest ? bytes : bytes.subarray(0, this.#rest);
    if (part !== bytes) left = bytes.subarray(this.#rest);
    this.#rest -= part.byteLength;
    this.#receive(part);
    if (this.#rest === 0) this.#end();
    return left;
  }

  /** The client has gone. */
  gone(): void {
    if (this.complete) return;
    this.#fail(new GatewayError("client_gone", 499, "The client ended the connection within its request"));
  }

  /** The request was answered: takes, and drops, what is left, so that the client can go on with the next one. One that sends on and on is cut. */
  drop(): void {
    if (this.complete || this.#dropping) return;
    this.#dropping = true;
    this.#bytes = 0;
    this.#early = [];
    this.#deadline.dispose();
    this.#lingering = setTimeout(() => this.#connection.cut(), LINGER);
    this.#connection.flow(true);
  }

  /** The connection is no more. */
  dispose(): void {
    this.#deadline.dispose();
    clearTimeout(this.#lingering);
  }

  #receive(part: Uint8Array): void {
    this.#bytes += part.byteLength;
    if (this.#dropping) {
      if (this.#bytes > LINGER_BYTES) this.#connection.cut();
      return;
    }
    const { bytes, timeout } = this.#limits;
    if (bytes > 0 && this.#bytes > bytes) {
      this.#fail(new GatewayError("body_too_large", 413, `Request body of more than ${bytes} bytes`));
      return;
    }
    if (this.#failure !== undefined || part.byteLength === 0) return;
    if (this.#source === undefined) {
      this.#early.push(part);
      return;
    }
    this.#source.enqueue(part);
    if ((this.#source.desiredSize ?? 0) > 0) this.#deadline.set(timeout);
    else this.#pause();
  }

  #pause(): void {
    this.#deadline.clear();
    if (!this.complete) this.#connection.flow(false);
  }

  #end(): void {
    if (this.complete) return;
    this.complete = true;
    this.dispose();
    if (this.#failure === undefined && !this.#dropping) this.#source?.close();
    this.#connection.flow(true);
  }

  #fail(error: GatewayError): void {
    if (this.#failure !== undefined || this.#dropping) return;
    this.#failure = error;
    this.#early = [];
    this.#deadline.dispose();
    this.#source?.error(error);
  }

  #late(): void {
    const { timeout } = this.#limits;
    this.#fail(
      new GatewayError("bad_request", 408, `Read of the request's body: nothing received for ${timeout} ms`),
    );
  }

  #toStream(): ReadableStream<Uint8Array> {
    let begun = false;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        if (this.#failure !== undefined) return controller.error(this.#failure);
        this.#source = controller;
        for (const part of this.#early) controller.enqueue(part);
        this.#early = [];
        if (this.complete) controller.close();
      },
      pull: () => {
        if (this.complete || this.#failure !== undefined) return;
        if (!begun) this.#connection.begin();
        begun = true;
        this.#deadline.set(this.#limits.timeout);
        this.#connection.flow(true);
      },
      cancel: () => {
        // What is left is taken, and dropped, once the answer has been written.
        this.#failure ??= new GatewayError("client_gone", 499, "The request's body was given up");
        this.#deadline.dispose();
      },
    }, { highWaterMark: BUFFER, size: (chunk) => chunk?.byteLength ?? 0 });
  }
}

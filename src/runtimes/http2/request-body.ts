import { GatewayError } from "../../errors.ts";
import { Deadline } from "../../net/deadline.ts";
import type { BodyLimits } from "../http1/request-body.ts";
import { ReceivedBody } from "./received-body.ts";
import type { Stream } from "./stream.ts";

/**
 * A request's body: a web stream, made when somebody asks for it, that errors with a {@link GatewayError} where it is not to be had as a whole:
 * `body_too_large`, `bad_request` (408 where the client stalls), `client_gone`.
 */
export class RequestBody {
  readonly #stream: Stream;
  readonly #limits: BodyLimits;
  readonly #begin: () => void;
  readonly #deadline: Deadline;
  #body: ReceivedBody | undefined;
  /** Received before anybody asked; no more than the stream's window. */
  #early: Uint8Array[] = [];
  #failure: GatewayError | undefined;
  #complete = false;
  /** Bytes still to come; infinite where they were not announced. */
  #rest: number;
  #bytes = 0;

  /**
   * @param length Bytes; -1 = not announced.
   * @param begin Called when somebody begins to read.
   */
  constructor(stream: Stream, length: number, limits: BodyLimits, begin: () => void) {
    this.#stream = stream;
    this.#rest = length < 0 ? Infinity : length;
    this.#limits = limits;
    this.#begin = begin;
    const { timeout } = limits;
    this.#deadline = new Deadline(() => {
      this.#fail(
        new GatewayError("bad_request", 408, `Read of the request's body: nothing received for ${timeout} ms`),
      );
    });
  }

  get readable(): ReadableStream<Uint8Array> {
    return (this.#body ??= this.#toBody()).readable;
  }

  /** @returns Whether it is no more than was announced. */
  add(bytes: Uint8Array): boolean {
    this.#rest -= bytes.byteLength;
    this.#bytes += bytes.byteLength;
    if (this.#rest < 0) return false;
    const { bytes: most, timeout } = this.#limits;
    if (most > 0 && this.#bytes > most) {
      this.#fail(new GatewayError("body_too_large", 413, `Request body of more than ${most} bytes`));
    }
    if (this.#failure !== undefined) this.#stream.consumed(bytes.byteLength);
    else if (this.#body === undefined) this.#early.push(bytes);
    else {
      this.#deadline.set(timeout);
      this.#body.add(bytes);
    }
    return true;
  }

  /** @returns Whether it is no less than was announced. */
  end(): boolean {
    if (this.#rest > 0 && this.#rest !== Infinity) return false;
    this.#complete = true;
    this.#deadline.dispose();
    this.#body?.end();
    return true;
  }

  gone(): void {
    if (!this.#complete) this.#fail(new GatewayError("client_gone", 499, "The client gave up within its request"));
  }

  dispose(): void {
    this.#deadline.dispose();
  }

  /** Nobody will read what has come, or what comes. */
  drop(): void {
    if (!this.#complete) {
      this.#fail(new GatewayError("client_gone", 499, "The request was answered before its body was read"));
    }
  }

  #fail(error: GatewayError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#deadline.dispose();
    for (const bytes of this.#early) this.#stream.consumed(bytes.byteLength);
    this.#early = [];
    this.#body?.fail(error);
  }

  #toBody(): ReceivedBody {
    this.#begin();
    const body = new ReceivedBody(this.#stream, {
      wanted: () => {
        if (!this.#complete && this.#failure === undefined) this.#deadline.set(this.#limits.timeout);
      },
      full: () => this.#deadline.clear(),
      cancelled: () => this.#deadline.dispose(),
    });
    for (const bytes of this.#early) body.add(bytes);
    this.#early = [];
    if (this.#failure !== undefined) body.fail(this.#failure);
    else if (this.#complete) body.end();
    return body;
  }
}

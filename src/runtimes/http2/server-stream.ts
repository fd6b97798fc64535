import { errorResponse } from "../../errors.ts";
import { type AnswerHead, answerHead, untouchedAnswer } from "../../forward/answer.ts";
import { Deadline } from "../../net/deadline.ts";
import { checkHead } from "../../net/request-policy.ts";
import type { ExchangeConnection } from "../http1/exchange.ts";
import type { ListenOptions } from "../listener.ts";
import { createListenerRequest } from "../node/request.ts";
import { sendableTrailers } from "../trailers.ts";
import { answerFields } from "./answer-fields.ts";
import { Exchange } from "./exchange.ts";
import { areTrailers } from "./field-rules.ts";
import { CODE } from "./protocol.ts";
import { RequestBody } from "./request-body.ts";
import { readRequestHead, type RequestHead } from "./request-head.ts";
import { SentBody } from "./sent-body.ts";
import type { Stream, StreamUser } from "./stream.ts";

/** Milliseconds that a client has to see an answer that came before the end of its request; some forget it when they are told at once to send no more. */
const LINGER = 1_000;

/** A client's request on a stream, and its answer. */
export class ServerStream implements StreamUser {
  readonly #stream: Stream;
  readonly #options: ListenOptions;
  readonly #connection: ExchangeConnection;
  /** Until the client takes more of the answer. */
  readonly #deadline: Deadline = new Deadline(() => this.#giveUp(CODE.cancel));
  #lingering: ReturnType<typeof setTimeout> | undefined;
  #exchange: Exchange | undefined;
  #requestBody: RequestBody | undefined;
  #sent: SentBody | undefined;
  #answered = false;
  /** What happens once the client has taken what was written. */
  #taken: (() => void) | undefined;
  #over = false;

  constructor(stream: Stream, options: ListenOptions, connection: ExchangeConnection) {
    this.#stream = stream;
    this.#options = options;
    this.#connection = connection;
    stream.user = this;
  }

  /** Takes the request's head. @param tooLarge Whether there was more of it than is taken. */
  begin(fields: readonly string[], ended: boolean, tooLarge: boolean): void {
    const head = readRequestHead(fields);
    if (tooLarge) return this.#answer(errorResponse("header_too_large", 431), head?.method ?? "GET");
    if (head === undefined) return this.#stream.reset(CODE.protocol);
    const { limits } = this.#options;
    const checked = checkHead(head.method, head.target, head.headers, limits);
    if (!checked.ok) return this.#answer(errorResponse(checked.code, checked.status), head.method);
    const { target, host } = checked;
    if (ended && checked.length > 0) return this.#stream.reset(CODE.protocol);
    if (limits.bodyBytes > 0 && checked.length > limits.bodyBytes) {
      return this.#answer(errorResponse("body_too_large", 413), head.method);
    }
    if (!ended) {
      this.#requestBody = new RequestBody(
        this.#stream,
        hasLength(head.headers) ? checked.length : -1,
        { bytes: limits.bodyBytes, timeout: limits.bodyTimeout },
        () => head.expectsContinue && this.#continue(),
      );
    }
    this.#handle(head, target, host);
  }

  onHeaders(fields: string[]): void {
    // Trailers, which go no further than here.
    if (!areTrailers(fields)) this.#giveUp(CODE.protocol);
  }

  onData(bytes: Uint8Array): void {
    if (this.#over || this.#requestBody === undefined) this.#stream.consumed(bytes.byteLength);
    else if (!this.#requestBody.add(bytes)) this.#giveUp(CODE.protocol);
  }

  onEnd(): void {
    clearTimeout(this.#lingering);
    if (!this.#over && this.#requestBody?.end() === false) this.#giveUp(CODE.protocol);
  }

  onReset(): void {
    clearTimeout(this.#lingering);
    this.#finish();
    this.#exchange?.clientGone();
  }

  onProgress(): void {
    if (!this.#over) this.#deadline.set(this.#options.limits.bodyTimeout);
  }

  onDrain(): void {
    this.#deadline.clear();
    this.#sent?.drained();
    this.#taken?.();
  }

  #handle({ method, headers }: RequestHead, target: string, host: string): void {
    const exchange = this.#exchange = new Exchange(method, target, headers, this.#connection, this.#requestBody);
    let answer: Response | Promise<Response>;
    try {
      answer = this.#options.handler(createListenerRequest(method, host, exchange), exchange);
    } catch {
      // The handler has promised never to do this; the client is answered all the same.
      answer = errorResponse("internal", 500);
    }
    if (!(answer instanceof Promise)) return this.#answer(answer, method);
    answer.then(
      (response) => this.#answer(response, method),
      () => this.#answer(errorResponse("internal", 500), method),
    );
  }

  #continue(): void {
    if (!this.#answered && !this.#stream.closed) this.#stream.headers([":status", "100"], false);
  }

  #answer(response: Response, method: string): void {
    const untouched = untouchedAnswer(response);
    const head: AnswerHead = untouched ?? answerHead(response);
    const plain = untouched !== undefined &&
      (untouched.trailers === undefined || untouched.body instanceof ReadableStream || untouched.body === null);
    const body = plain ? untouched.body : response.body;
    const stream = this.#stream;
    if (this.#over || stream.closed) {
      if (body instanceof ReadableStream) body.cancel().catch(() => {});
      return;
    }
    this.#answered = true;
    const { fields, length } = answerFields(head);
    const bodiless = method === "HEAD" || head.status === 204 || head.status === 304;
    if (bodiless || body === null && head.trailers === undefined) {
      if (body instanceof ReadableStream) body.cancel().catch(() => {});
      // Announced and not there.
      if (!bodiless && (length ?? 0) > 0) return this.#giveUp(CODE.internal);
      stream.headers(fields, true);
      return this.#end();
    }
    if (!(body instanceof Uint8Array)) {
      stream.headers(fields, false);
      return void this.#send(new SentBody(stream, body ?? EMPTY(), length), head);
    }
    if (length !== undefined && length !== body.byteLength) return this.#giveUp(CODE.internal);
    if (length === undefined) fields.push("content-length", String(body.byteLength));
    stream.headers(fields, false);
    if (stream.write(body, true)) return this.#end();
    this.onProgress();
    this.#taken = () => this.#end();
  }

  async #send(body: SentBody, { trailers }: AnswerHead): Promise<void> {
    this.#sent = body;
    const { bodyTimeout } = this.#options.limits;
    try {
      await body.send(
        (sending) => sending ? this.#deadline.set(bodyTimeout) : this.#deadline.clear(),
        trailers?.then((fields) => sendableTrailers(fields).map(lowerName)),
      );
    } catch (error) {
      // Why, the gateway's log says; the client has to see that the answer is not whole.
      body.stop(error instanceof Error ? error : new Error("The answer broke"));
      return this.#giveUp(CODE.internal);
    }
    if (!this.#over) this.#end();
  }

  /** The answer is sent: what the client may still be sending is not wanted (RFC 9113 section 8.1). */
  #end(): void {
    this.#finish();
    if (this.#stream.remoteEnded || this.#stream.closed) return;
    this.#requestBody?.drop();
    this.#lingering = setTimeout(() => this.#stream.reset(CODE.none), LINGER);
  }

  #giveUp(code: number): void {
    if (this.#over) return;
    this.#finish();
    this.#stream.reset(code);
    this.#exchange?.clientGone();
  }

  #finish(): void {
    this.#over = true;
    this.#deadline.dispose();
    this.#requestBody?.dispose();
    this.#sent?.stop(new Error("The client has gone"));
  }
}

const EMPTY = (): ReadableStream<Uint8Array> => new ReadableStream({ start: (controller) => controller.close() });

function hasLength(headers: readonly string[]): boolean {
  return headers.some((name, i) => i % 2 === 0 && name === "content-length");
}

/** Names of a list of fields in lower case. */
function lowerName(text: string, index: number): string {
  return index % 2 === 0 ? text.toLowerCase() : text;
}

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { type ErrorCode, errorResponse } from "../../errors.ts";
import { answerHead, untouchedAnswer } from "../../forward/answer.ts";
import { Deadline } from "../../net/deadline.ts";
import type { Address, ByteTunnel, InboundTls, UpgradeHook } from "../../net/inbound.ts";
import { checkHead } from "../../net/request-policy.ts";
import { plainAddress } from "../address.ts";
import { lingeringClose, writeRefusal } from "../node/refuse.ts";
import { createListenerRequest } from "../node/request.ts";
import { upgradeHead } from "../node/upgrade.ts";
import { socketTunnel } from "../tunnel.ts";
import { findHeadEnd, hasBareBreak } from "../wire/fields.ts";
import { AnswerBody, type StreamFraming, writeWhole } from "./answer-body.ts";
import { answerText } from "./answer-text.ts";
import { Exchange } from "./exchange.ts";
import type { Hub } from "./hub.ts";
import type { HubMember } from "./hub-member.ts";
import { RequestBody } from "./request-body.ts";
import { connectionFacts, readRequestHead, type RequestHead } from "./request-head.ts";

/** Bytes of further requests that are held while one is answered. */
const MAX_HELD = 64 * 1024;
/** Bytes of a head where the settings have no limit. */
const MAX_HEAD = 1024 * 1024;
const CR = 0x0d, LF = 0x0a;
const NONE = Buffer.alloc(0);
const HTTP2 = Buffer.from("PRI * HTTP/2.0");

/** A handshake, and how the connection beneath is reset, which a TLS socket cannot. */
export interface SecuredFacts extends InboundTls {
  reset(): void;
}

/** A client's connection: one request after the other, each answered before the next is looked at. */
export class ClientConnection implements HubMember {
  readonly peer: Address;
  readonly localPort: number;
  readonly secure: boolean;
  readonly tls: SecuredFacts | undefined;
  readonly #socket: Socket;
  readonly #hub: Hub;
  readonly #http2: ((held: Buffer) => void) | undefined;
  /** Until the head is complete; between requests; until a client has taken its answer. */
  readonly #deadline: Deadline = new Deadline(() => this.#late());
  /** What was received and belongs to no request yet. */
  #held: Buffer = NONE;
  #exchange: Exchange | undefined;
  /** Of the request at hand, or of one that was answered before it was read. */
  #body: RequestBody | undefined;
  #answerBody: AnswerBody | undefined;
  /** What happens once the client has taken what was written. */
  #taken: (() => void) | undefined;
  /** It has had a request. */
  #served = false;
  /** A head has begun and is not complete. */
  #waits = false;
  /** Bytes of it that were looked at. */
  #scanned = 0;
  #paused = false;
  /** Where the next request begins cannot be known. */
  #unreadable = false;
  /** The connection ends, or is no longer this listener's. */
  #over = false;
  #running = false;
  readonly #onData = (bytes: Buffer): void => this.#read(bytes);
  readonly #onEnd = (): void => this.#gone();
  readonly #onClose = (): void => this.#gone();
  readonly #onDrain = (): void => {
    this.#answerBody?.drained();
    this.#taken?.();
  };

  /**
   * @param tls What its handshake came to, where the listener has made one.
   * @param http2 Takes the socket over, with what was read of it, where the client begins with HTTP/2's preface; absent: that is refused.
   */
  constructor(socket: Socket, hub: Hub, tls?: SecuredFacts, http2?: (held: Buffer) => void) {
    this.peer = { address: plainAddress(socket.remoteAddress ?? ""), port: socket.remotePort ?? 0 };
    this.localPort = socket.localPort ?? 0;
    this.secure = "encrypted" in socket && socket.encrypted === true;
    this.tls = tls;
    this.#socket = socket;
    this.#hub = hub;
    this.#http2 = http2;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onClose);
    socket.on("drain", this.#onDrain);
    this.#deadline.set(hub.options.limits.headerTimeout);
  }

  get idle(): boolean {
    return this.#exchange === undefined && !this.#over;
  }

  get used(): boolean {
    return this.#served;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Whether the client is to send more, as far as a request's body is concerned. */
  flow(on: boolean): void {
    if (this.#over || on !== this.#paused) return;
    this.#paused = !on;
    if (on) this.#socket.resume();
    else this.#socket.pause();
  }

  /** Somebody reads the request's body. */
  begin(): void {
    if (
      this.#exchange?.facts.expectsContinue !== true || this.#body?.begun !== false || this.#answerBody !== undefined
    ) {
      return;
    }
    this.#socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
  }

  /** The request's body cannot be read to its end: nothing can follow it. */
  cut(): void {
    this.#unreadable = true;
    if (this.#exchange === undefined) this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    if (this.#over) return;
    const body = this.#body;
    if (body !== undefined && !body.complete) {
      if (this.#unreadable) return;
      const left = body.take(bytes);
      if (left.byteLength > 0) this.#hold(asBuffer(left));
    } else this.#hold(bytes);
    if (this.#exchange === undefined) this.#run();
    else if (this.#held.byteLength > MAX_HELD) this.flow(false);
  }

  #hold(bytes: Buffer): void {
    this.#held = this.#held.byteLength === 0 ? bytes : Buffer.concat([this.#held, bytes]);
  }

  /** Begins the requests that are at hand, one at a time. */
  #run(): void {
    // An answer may be at hand at once: a loop, since thousands of requests in one packet would be as many calls.
    if (this.#running) return;
    this.#running = true;
    while (this.#exchange === undefined && !this.#over && this.#body?.complete !== false && this.#held.byteLength > 0) {
      if (!this.#takeHead()) break;
    }
    this.#running = false;
  }

  /** @returns False where more has to be received. */
  #takeHead(): boolean {
    const held = this.#skipBreaks();
    if (held.byteLength === 0) return false;
    const end = findHeadEnd(held, Math.max(0, this.#scanned - 3));
    const { limits } = this.#hub.options;
    const most = limits.headerBytes > 0 ? limits.headerBytes + 256 : MAX_HEAD;
    if (end < 0) {
      if (held.byteLength > most) {
        const oneLine = held.indexOf(LF) < 0;
        this.#refuse(oneLine ? 414 : 431, "header_too_large");
      } else if (hasBareBreak(held, this.#scanned) || !mayBegin(held)) this.#refuse(400, "bad_request");
      else if (!this.#waits) {
        this.#waits = true;
        // From its first byte on, in whatever pieces the rest comes; that of the first one runs already.
        if (this.#served) this.#deadline.set(limits.headerTimeout);
        // A copy: what is slow to come must not hold on to the whole of what was read with it.
        this.#held = Buffer.from(held);
      }
      this.#scanned = held.byteLength;
      return false;
    }
    this.#waits = false;
    this.#scanned = 0;
    this.#deadline.clear();
    if (!this.#served && this.#http2 !== undefined && beginsHttp2(held, end)) {
      this.#detach();
      this.#http2(held);
      return false;
    }
    const head = end > most ? 431 : readRequestHead(held, end);
    if (typeof head === "number") {
      this.#refuse(head, head === 431 ? "header_too_large" : "bad_request");
      return false;
    }
    this.#held = end + 4 === held.byteLength ? NONE : held.subarray(end + 4);
    this.#begin(head);
    return true;
  }

  /** RFC 9112 section 2.2: empty lines before a request's line are passed over. */
  #skipBreaks(): Buffer {
    let at = 0;
    const held = this.#held;
    while (held[at] === CR && held[at + 1] === LF) at += 2;
    if (at > 0) this.#held = at === held.byteLength ? NONE : held.subarray(at);
    return this.#held;
  }

  #begin(head: RequestHead): void {
    const { handler, limits } = this.#hub.options;
    const { method, headers, http10 } = head;
    const checked = checkHead(method, head.target, headers, limits, http10);
    if (!checked.ok) return this.#refuse(checked.status, checked.code, method);
    const { length, target } = checked;
    if (limits.bodyBytes > 0 && length > limits.bodyBytes) return this.#refuse(413, "body_too_large", method);
    const facts = connectionFacts(headers);
    const websocket = facts.websocket && !http10 && method === "GET";
    // The bytes of a body would have to be told from those of the new protocol.
    if (websocket && length !== 0) return this.#refuse(400, "upgrade_refused", method);
    this.#served = true;
    const body = this.#body = length === 0
      ? undefined
      : new RequestBody(length, this, { bytes: limits.bodyBytes, timeout: limits.bodyTimeout });
    const exchange = new Exchange(head, target, facts, this, body, websocket ? this.#upgrade : undefined);
    this.#exchange = exchange;
    this.#hub.begin();
    if (body !== undefined) this.#takeBody(body);
    let answer: Response | Promise<Response>;
    try {
      answer = handler(createListenerRequest(method, checked.host, exchange), exchange);
    } catch {
      // The handler has promised never to do this; the client is answered all the same.
      answer = errorResponse("internal", 500);
    }
    if (!(answer instanceof Promise)) this.#answer(exchange, answer);
    else {
      answer.then(
        (response) => this.#answer(exchange, response),
        () => this.#answer(exchange, errorResponse("internal", 500)),
      );
    }
  }

  /** What is at hand of a request's body; the rest waits for somebody who reads it. */
  #takeBody(body: RequestBody): void {
    const held = this.#held;
    if (held.byteLength > 0) {
      this.#held = NONE;
      const left = body.take(held);
      if (left.byteLength > 0) this.#held = asBuffer(left);
    }
    if (!body.complete) this.flow(false);
  }

  #answer(exchange: Exchange, response: Response): void {
    const untouched = untouchedAnswer(response);
    const head = untouched ?? answerHead(response);
    // Trailers come after a body in chunks only, which bytes are not sent in.
    const plain = untouched !== undefined &&
      (untouched.trailers === undefined || untouched.body instanceof ReadableStream);
    const body = plain ? untouched.body : response.body;
    if (this.#exchange !== exchange) {
      // The client has gone, or the connection was taken over.
      if (body instanceof ReadableStream) body.cancel().catch(() => {});
      return;
    }
    const { status } = head;
    const { http10, method } = exchange;
    const { text, length } = answerText(head);
    const bodiless = method === "HEAD" || status === 204 || status === 304;
    const stream = body instanceof ReadableStream && !bodiless;
    const close = exchange.close || this.#hub.draining || this.#unreadable ||
      http10 && stream && length === undefined ||
      // A client that was told neither to send its body nor not to may do either.
      exchange.facts.expectsContinue && exchange.requestBody?.begun === false;
    const end = close ? "Connection: close\r\n\r\n" : http10 ? "Connection: keep-alive\r\n\r\n" : "\r\n";
    if (stream) {
      const { trailers } = head;
      return this.#stream(exchange, body, { text, end, length, trailers, http10 }, close);
    }
    if (body instanceof ReadableStream) body.cancel().catch(() => {});
    const bytes = body === null || bodiless || body instanceof ReadableStream ? undefined : body;
    if (!bodiless && length !== undefined && length !== (bytes?.byteLength ?? 0)) return this.destroy();
    const known = length === undefined && !bodiless ? `Content-Length: ${bytes?.byteLength ?? 0}\r\n` : "";
    const flushed = bytes === undefined
      ? this.#socket.write(`${text}${known}${end}`, "latin1")
      : writeWhole(this.#socket, `${text}${known}${end}`, bytes);
    if (flushed) return this.#end(close);
    this.#deadline.set(this.#hub.options.limits.bodyTimeout);
    this.#taken = () => this.#end(close);
  }

  #stream(
    exchange: Exchange,
    stream: ReadableStream<Uint8Array>,
    framing: StreamFraming,
    close: boolean,
  ): void {
    const body = this.#answerBody = new AnswerBody(this.#socket, stream, this.#hub.options.limits.bodyTimeout);
    body.write(framing).then(
      () => this.#exchange === exchange && this.#end(close),
      () => {
        // Why, the gateway's log says; the client has to see that the answer is not whole.
        if (!framing.http10) this.#socket.destroy();
        else if (this.tls !== undefined) this.tls.reset();
        else this.#socket.resetAndDestroy();
      },
    );
  }

  /** The answer is written. */
  #end(close: boolean): void {
    this.#taken = undefined;
    this.#answerBody = undefined;
    this.#exchange = undefined;
    if (close || this.#hub.draining) return this.#close();
    this.#hub.end();
    this.#deadline.set(this.#hub.options.limits.idleTimeout);
    const body = this.#body;
    if (body !== undefined && !body.complete) return body.drop();
    this.flow(true);
    if (this.#held.byteLength > 0) this.#run();
  }

  /** Ends the connection; the request ends once the system has all of the answer. */
  #close(): void {
    const socket = this.#socket;
    this.#over = true;
    this.#deadline.dispose();
    this.#body?.dispose();
    let ended = false;
    const end = (): void => {
      if (!ended) this.#hub.end();
      ended = true;
    };
    socket.once("finish", end);
    socket.once("close", end);
    socket.end();
    lingeringClose(socket);
  }

  #refuse(status: number, code: ErrorCode, method?: string): void {
    this.#over = true;
    this.#deadline.dispose();
    this.#held = NONE;
    writeRefusal(this.#socket, status, code, method);
  }

  readonly #upgrade: UpgradeHook = (status, reason, headers): ByteTunnel => {
    const socket = this.#socket;
    if (this.#over || this.#exchange === undefined || socket.destroyed) {
      throw new Error("Cannot upgrade the connection: it has been taken over or has gone");
    }
    this.#detach();
    socket.once("close", () => this.#hub.end());
    socket.pause();
    if (this.#held.byteLength > 0) socket.unshift(this.#held);
    socket.write(upgradeHead(status, reason, headers), "latin1");
    return socketTunnel(socket);
  };

  /** The socket is somebody else's from now on. */
  #detach(): void {
    const socket = this.#socket;
    this.#over = true;
    this.#exchange = undefined;
    this.#deadline.dispose();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("close", this.#onClose);
    socket.off("drain", this.#onDrain);
  }

  /** The client has ended the connection, or its side of it. */
  #gone(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.dispose();
    this.#body?.dispose();
    this.#answerBody?.gone();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange === undefined && this.tls !== undefined && !this.#socket.destroyed) {
      // The end may come in one packet with the last request, before its answer was encrypted and sent.
      this.#socket.end();
      return lingeringClose(this.#socket);
    }
    this.#socket.destroy();
    if (exchange === undefined) return;
    exchange.clientGone();
    this.#hub.end();
  }

  #late(): void {
    if (this.#waits && this.#exchange === undefined) this.#refuse(408, "bad_request");
    else this.#socket.destroy();
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether a head is the first line of HTTP/2's preface (RFC 9113 section 3.4). */
function beginsHttp2(bytes: Buffer, end: number): boolean {
  return end === HTTP2.byteLength && bytes[0] === HTTP2[0] && bytes[1] === HTTP2[1] &&
    HTTP2.equals(bytes.subarray(0, end));
}

/** Whether a head may begin so; what does not (a TLS handshake, say) never becomes one. */
function mayBegin(bytes: Buffer): boolean {
  const first = bytes[0]!;
  return first > 0x20 && first < 0x7f || first === CR && bytes.byteLength === 1;
}

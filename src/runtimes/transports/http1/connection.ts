import type { Socket } from "node:net";
import { Deadline } from "../../../net/deadline.ts";
import type { RawHeaders } from "../../../net/raw-headers.ts";
import { type AnswerHead, type AnswerListener, AnswerParser } from "./answer-parser.ts";
import { guardWrites } from "./write-guard.ts";

/** What a connection does for one request; told of the answer, and of the connection's end. */
export interface ConnectionUser extends AnswerListener {
  /** All that was received has been read. `left`: what came after the answer's end, or after `101`. */
  afterRead(left: Uint8Array): void;
  /** The socket takes more. */
  onDrain(): void;
  /** The node takes no more. What it has sent is still being read. */
  onWriteError(): void;
  /** What was received is no answer. */
  onBadAnswer(cause: unknown): void;
  /** The connection has gone before the answer was complete. */
  onGone(cause: Error | undefined): void;
  onDeadline(): void;
}

/** What keeps connections. */
export interface ConnectionOwner {
  /** A connection that nobody uses has gone, or has to go. */
  lost(connection: Connection): void;
}

/** One connection to a node, for one request at a time. */
export class Connection implements AnswerListener {
  readonly socket: Socket;
  /** Requests that it was taken for. */
  requests = 0;
  /** Milliseconds that it may idle. */
  idleTimeout = 0;
  /** Expires what its user waits for, or its idling. */
  readonly deadline: Deadline = new Deadline(() => this.#expired());
  readonly #owner: ConnectionOwner;
  readonly #parser: AnswerParser;
  #user: ConnectionUser | undefined;
  #error: Error | undefined;
  #releaseWrites: (() => void) | undefined;
  /** Why the answer cannot be trusted, found while its bytes were read. */
  readonly #onData = (bytes: Uint8Array): void => this.#read(bytes);
  readonly #onEnd = (): void => this.#ended();
  readonly #onError = (error: Error): void => {
    this.#error ??= error;
  };
  readonly #onClose = (): void => this.#closed();
  readonly #onDrain = (): void => this.#user?.onDrain();

  constructor(socket: Socket, owner: ConnectionOwner, maxHeadBytes: number) {
    this.socket = socket;
    this.#owner = owner;
    this.#parser = new AnswerParser(this, maxHeadBytes);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.on("drain", this.#onDrain);
  }

  /** Whether it can take a request, as far as is known. */
  get usable(): boolean {
    const { destroyed, writable, readableEnded, readableLength } = this.socket;
    // Bytes that wait to be read are nobody's answer, and must not become the next one's.
    return this.#error === undefined && !destroyed && writable && !readableEnded && readableLength === 0;
  }

  /** Begins a request: the next answer is its. */
  use(user: ConnectionUser, method: string): void {
    this.requests++;
    this.#user = user;
    this.#parser.expect(method);
  }

  /** From now on a write that fails does not keep the answer from being read. */
  guardWrites(): void {
    this.#releaseWrites ??= guardWrites(this.socket, (error) => {
      this.#error = error;
      this.#user?.onWriteError();
    });
  }

  /** Why reading or writing failed. No other request may take the connection then. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Ends a request; the connection idles, unless it is destroyed. */
  leave(): void {
    this.#user = undefined;
    this.deadline.set(this.idleTimeout);
  }

  destroy(): void {
    this.#user = undefined;
    this.deadline.dispose();
    this.socket.destroy();
  }

  /** Hands the socket over, with what was received after the answer. */
  detach(left: Uint8Array): Socket {
    const { socket } = this;
    this.#user = undefined;
    this.deadline.dispose();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    socket.off("drain", this.#onDrain);
    this.#releaseWrites?.();
    socket.pause();
    if (left.byteLength > 0) socket.unshift(left);
    return socket;
  }

  onHead(head: AnswerHead): void {
    this.#user!.onHead(head);
  }
  onInterim(status: number): void {
    this.#user!.onInterim(status);
  }
  onData(bytes: Uint8Array): void {
    this.#user!.onData(bytes);
  }
  onEnd(trailers: RawHeaders): void {
    this.#user!.onEnd(trailers);
  }

  #read(bytes: Uint8Array): void {
    const user = this.#user;
    // Nobody asked: whose answer this would be cannot be known.
    if (user === undefined) return this.#owner.lost(this);
    let left: Uint8Array;
    try {
      left = this.#parser.take(bytes);
    } catch (error) {
      user.onBadAnswer(error);
      return;
    }
    user.afterRead(left);
  }

  #ended(): void {
    const user = this.#user;
    // After a write that failed, an end is no proof that all was received: the system tells of a reset only once.
    if (user !== undefined && this.#error === undefined && this.#parser.end()) user.afterRead(new Uint8Array(0));
    else if (user === undefined) this.#owner.lost(this);
  }

  #closed(): void {
    this.deadline.dispose();
    const user = this.#user;
    this.#user = undefined;
    if (user === undefined) this.#owner.lost(this);
    else user.onGone(this.#error);
  }

  #expired(): void {
    if (this.#user === undefined) this.#owner.lost(this);
    else this.#user.onDeadline();
  }
}

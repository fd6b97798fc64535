import type { RawHeaders } from "../../net/raw-headers.ts";

/** Hears of what comes on a stream. After `onEnd` nothing more comes, after `onReset` nothing at all. */
export interface StreamUser {
  /** A head after the first one: an answer's, or the trailers of what was sent. */
  onHeaders(fields: string[], ended: boolean): void;
  /** To be given back by {@link Stream.consumed} once it has been dealt with. A view into what was read. */
  onData(bytes: Uint8Array): void;
  onEnd(): void;
  /**
   * The stream was ended by the other side, or with its connection.
   *
   * @param code One of `CODE`.
   * @param untouched Whether the other side has certainly done nothing with it.
   */
  onReset(code: number, untouched: boolean, cause?: Error): void;
  /** Some of what was held has been sent. */
  onProgress(): void;
  /** All that was held has been sent: more can be written. */
  onDrain(): void;
}

/** The connection that a stream is one of. */
export interface StreamOwner {
  sendHeaders(stream: Stream, fields: RawHeaders, end: boolean): void;
  /** Sends what a stream holds, as far as that can be. @returns Whether that was all. */
  send(stream: Stream): boolean;
  reset(stream: Stream, code: number): void;
  consumed(stream: Stream, bytes: number): void;
}

/** One exchange on a connection (RFC 9113 section 5). */
export class Stream {
  readonly id: number;
  /** What the other side takes. May be less than nothing, where a setting has made it smaller. */
  sendWindow: number;
  /** What it may still send. */
  receiveWindow: number;
  /** This side has sent all of its own. */
  localEnded = false;
  /** The other side has. */
  remoteEnded = false;
  /** Neither can send. */
  closed = false;
  user: StreamUser | undefined;
  /** What waits for a window or the socket. */
  held: Uint8Array | undefined;
  /** What follows {@link Stream.held}: nothing yet, the end, or the end after these fields. */
  after: "nothing" | "end" | RawHeaders = "nothing";
  /** Received and not dealt with, where that counts for the connection. */
  unread = 0;
  /** Received and dealt with, but not given back yet. */
  owed = 0;
  readonly #owner: StreamOwner;

  constructor(id: number, owner: StreamOwner, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.#owner = owner;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /** Sends a head. @param fields Pseudo fields first, all names in lower case. */
  headers(fields: RawHeaders, end: boolean): void {
    this.#owner.sendHeaders(this, fields, end);
  }

  /**
   * Sends bytes, which stay the stream's. Nothing may be written before {@link StreamUser.onDrain} once it says no.
   *
   * @returns False where some of it has to wait.
   */
  write(bytes: Uint8Array, end = false): boolean {
    if (this.closed || this.localEnded) return true;
    this.held = bytes;
    if (end) this.after = "end";
    return this.#owner.send(this);
  }

  /** Ends this side, after what is held. @returns False where that has to wait. */
  end(trailers: RawHeaders = []): boolean {
    if (this.closed || this.localEnded) return true;
    this.after = trailers.length === 0 ? "end" : trailers;
    return this.#owner.send(this);
  }

  /** Ends the stream for both. The user hears nothing of it. */
  reset(code: number): void {
    if (!this.closed) this.#owner.reset(this, code);
  }

  /** So many bytes have been dealt with: the other side may send as many more. */
  consumed(bytes: number): void {
    this.#owner.consumed(this, bytes);
  }
}

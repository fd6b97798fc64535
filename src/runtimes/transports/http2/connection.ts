import type { Socket } from "node:net";
import { Deadline } from "../../../net/deadline.ts";
import { lingeringClose } from "../../node/refuse.ts";
import { CODE } from "../../http2/protocol.ts";
import { Session, type SessionUser } from "../../http2/session.ts";
import type { Stream } from "../../http2/stream.ts";

/** Bytes of an answer that are held for a client that does not read. */
const STREAM_WINDOW = 128 * 1024;

/** What keeps connections. */
export interface ConnectionOwner {
  /** A connection takes no more requests. */
  retired(connection: Connection): void;
  /** A connection is over. */
  lost(connection: Connection): void;
}

/** How long a connection is kept, and for how much. */
export interface ConnectionLimits {
  /** Milliseconds; 0: it ends with its last request. */
  readonly idleTimeout: number;
  /** Requests; 0: any number. */
  readonly requests: number;
}

/** One connection to a node, for many requests at once. */
export class Connection implements SessionUser {
  /** Requests that it was taken for. */
  requests = 0;
  /** Whether it takes no more. */
  retired = false;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #limits: ConnectionLimits;
  readonly #session: Session;
  readonly #deadline: Deadline = new Deadline(() => this.#session.end(CODE.none));

  constructor(socket: Socket, owner: ConnectionOwner, limits: ConnectionLimits, maxHeaderBytes: number) {
    this.#socket = socket;
    this.#owner = owner;
    this.#limits = limits;
    this.#session = new Session(socket, {
      role: "client",
      maxStreams: 0,
      streamWindow: STREAM_WINDOW,
      window: undefined,
      maxListBytes: maxHeaderBytes,
    }, this);
  }

  /** Whether one more request can be sent at once. */
  get free(): boolean {
    const { streams, peer, goneAway } = this.#session;
    return !this.retired && !goneAway && streams.size < peer.maxStreams;
  }

  /** Requests at once that the node takes, as far as is known. */
  get limit(): number {
    return this.#session.peer.maxStreams;
  }

  /** Opens a stream for a request; undefined where the node takes none any more. */
  open(): Stream | undefined {
    const stream = this.retired ? undefined : this.#session.open();
    if (stream === undefined) return undefined;
    this.#deadline.clear();
    if (++this.requests === this.#limits.requests) this.retire();
    return stream;
  }

  /** Takes no more requests, and ends with the last one. */
  retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.#owner.retired(this);
    this.#endIfDone();
  }

  /** Notes that somebody begins to wait for the node; {@link Connection.silent} says whether it has said anything since. */
  listen(): void {
    this.#session.heard = false;
  }

  get silent(): boolean {
    return !this.#session.heard;
  }

  destroy(): void {
    this.#session.destroy();
  }

  onStream(stream: Stream): void {
    stream.reset(CODE.refused);
  }

  onClosed(): void {
    this.rest();
  }

  /** Ends, or begins to wait for the next request, where there is none. */
  rest(): void {
    this.#endIfDone();
    if (!this.#session.over && this.#session.streams.size === 0) this.#deadline.set(this.#limits.idleTimeout);
  }

  onGoAway(): void {
    this.retire();
  }

  onEnd(): void {
    this.#deadline.dispose();
    this.#owner.lost(this);
    if (this.#socket.destroyed) return;
    this.#socket.end();
    lingeringClose(this.#socket);
  }

  #endIfDone(): void {
    if (this.#session.streams.size > 0 || this.#session.over) return;
    if (this.retired || this.#limits.idleTimeout <= 0) this.#session.end(CODE.none);
  }
}

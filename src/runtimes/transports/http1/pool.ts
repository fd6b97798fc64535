import type { Socket } from "node:net";
import type { Peer, TransportError } from "../../../forward/transport.ts";
import { connectPeer } from "../connect.ts";
import { closedWhileConnecting } from "../given-up.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";

/** A node that says how long it keeps a connection closes it then: be faster than that. Milliseconds. */
const IDLE_MARGIN = 1000;

/** Hears of a connection, or why there is none. */
export type Taker = (error: TransportError | null, connection: Connection | null) => void;

/** The connections to one node: those that idle, kept for the next request, newest first; and as many more as requests need. */
export class Pool implements ConnectionOwner {
  readonly peer: Peer;
  readonly #maxHeadBytes: number;
  readonly #idle: Connection[] = [];
  /** All that there are, those that idle included. */
  readonly #open: Set<Connection> = new Set();
  /** What ends an attempt, and who waits for it. */
  readonly #connecting: Map<() => void, Taker> = new Map();
  #released = false;

  constructor(peer: Peer, maxHeadBytes: number) {
    this.peer = peer;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** A connection that idles; undefined where none does. */
  take(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.usable) return connection;
      this.discard(connection);
    }
    return undefined;
  }

  /** Makes a connection. @returns Ends the attempt without `done` being called. */
  connect(timeout: number, done: Taker): () => void {
    const cancel = connectPeer(this.peer, timeout, (error: TransportError | null, socket: Socket | null) => {
      this.#connecting.delete(end);
      if (socket === null) return done(error, null);
      const connection = new Connection(socket, this, this.#maxHeadBytes);
      this.#open.add(connection);
      done(null, connection);
    });
    const end = (): void => {
      this.#connecting.delete(end);
      cancel();
    };
    this.#connecting.set(end, done);
    return end;
  }

  /** Whether a request that takes a connection which has served so many is to be its last. */
  last(requests: number): boolean {
    const { size, idleTimeout, requests: most } = this.peer.keepAlive;
    return this.#released || size <= 0 || idleTimeout <= 0 || (most > 0 && requests + 1 >= most);
  }

  /** Keeps a connection for another request, if there is room. */
  give(connection: Connection, nodeTimeout: number | undefined): void {
    const { size, idleTimeout } = this.peer.keepAlive;
    const timeout = nodeTimeout === undefined ? idleTimeout : Math.min(idleTimeout, nodeTimeout - IDLE_MARGIN);
    // Whether it is still usable is asked when it is taken.
    if (this.last(connection.requests - 1) || timeout <= 0 || this.#idle.length >= size) {
      return this.discard(connection);
    }
    connection.idleTimeout = timeout;
    connection.leave();
    this.#idle.push(connection);
  }

  /** Ends a connection that a request has taken. */
  discard(connection: Connection): void {
    this.#open.delete(connection);
    connection.destroy();
  }

  /** A socket that was handed over is nobody's here. */
  forget(connection: Connection): void {
    this.#open.delete(connection);
  }

  lost(connection: Connection): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#open.delete(connection);
    connection.destroy();
  }

  /** Closes what idles; the rest closes as its requests end. */
  release(): void {
    this.#released = true;
    for (const connection of this.#idle.splice(0)) this.discard(connection);
  }

  /** Closes everything, and breaks the requests that are under way. */
  close(): void {
    this.release();
    for (const [end, done] of [...this.#connecting]) {
      end();
      done(closedWhileConnecting(this.peer), null);
    }
    for (const connection of this.#open) connection.socket.destroy();
  }
}

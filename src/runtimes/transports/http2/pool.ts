import type { Socket } from "node:net";
import type { Peer, TransportError } from "../../../forward/transport.ts";
import { connectPeer } from "../connect.ts";
import { closedWhileConnecting } from "../given-up.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";

/** Requests that wait for a connection which is being made, before another one is made; fewer where the node is known to take fewer. */
const MAX_WAITING = 100;

/** Hears of a connection, or why there is none. */
export type Taker = (error: TransportError | null, connection: Connection | null) => void;

/** An attempt to connect, and who waits for it. */
interface Attempt {
  readonly takers: Set<Taker>;
  cancel: () => void;
}

/** The connections to one node: as few as the node allows for the requests that there are. */
export class Pool implements ConnectionOwner {
  readonly peer: Peer;
  readonly #maxHeaderBytes: number;
  readonly #open: Set<Connection> = new Set();
  /** Those that take no more requests, and have not ended yet. */
  readonly #retired: Set<Connection> = new Set();
  readonly #attempts: Set<Attempt> = new Set();
  /** Requests that may wait for one connection, whatever the node takes. */
  readonly #most: number;
  #limit: number;
  #released = false;

  constructor(peer: Peer, maxHeaderBytes: number) {
    this.peer = peer;
    this.#maxHeaderBytes = maxHeaderBytes;
    const { requests } = peer.keepAlive;
    this.#most = requests > 0 ? Math.min(MAX_WAITING, requests) : MAX_WAITING;
    this.#limit = this.#most;
  }

  /** A connection that takes a request at once; undefined where there is none. */
  take(): Connection | undefined {
    for (const connection of this.#open) {
      if (connection.free) return connection;
      this.#limit = Math.min(this.#most, connection.limit);
    }
    return undefined;
  }

  /**
   * Waits for a connection that is being made, or makes one.
   *
   * @param timeout Milliseconds, for one that has to be made.
   * @returns Gives the waiting up, without `taker` being called.
   */
  connect(timeout: number, taker: Taker): () => void {
    let attempt: Attempt | undefined;
    for (const each of this.#attempts) if (each.takers.size < this.#limit) attempt = each;
    attempt ??= this.#attempt(timeout);
    const { takers } = attempt;
    takers.add(taker);
    return () => {
      if (!takers.delete(taker) || takers.size > 0) return;
      this.#attempts.delete(attempt);
      attempt.cancel();
    };
  }

  retired(connection: Connection): void {
    if (this.#open.delete(connection)) this.#retired.add(connection);
  }

  lost(connection: Connection): void {
    this.#open.delete(connection);
    this.#retired.delete(connection);
  }

  /** Connections end with their requests. */
  release(): void {
    this.#released = true;
    for (const connection of [...this.#open]) connection.retire();
  }

  /** Closes everything, and breaks the requests that are under way. */
  close(): void {
    for (const { cancel, takers } of this.#attempts) {
      cancel();
      for (const taker of takers) taker(closedWhileConnecting(this.peer), null);
    }
    this.#attempts.clear();
    for (const connection of [...this.#open, ...this.#retired]) connection.destroy();
  }

  #attempt(timeout: number): Attempt {
    const attempt: Attempt = { takers: new Set(), cancel: () => {} };
    this.#attempts.add(attempt);
    attempt.cancel = connectPeer(this.peer, timeout, (error: TransportError | null, socket: Socket | null) => {
      this.#attempts.delete(attempt);
      const takers = [...attempt.takers];
      attempt.takers.clear();
      if (socket === null) {
        for (const taker of takers) taker(error, null);
        return;
      }
      const { size, idleTimeout, requests } = this.peer.keepAlive;
      const limits = { idleTimeout: size > 0 && !this.#released ? idleTimeout : 0, requests };
      const connection = new Connection(socket, this, limits, this.#maxHeaderBytes);
      this.#open.add(connection);
      for (const taker of takers) taker(null, connection);
      connection.rest();
    });
    return attempt;
  }
}

import type { Socket } from "node:net";
import { Client } from "undici7";
import type { Peer, TransportError } from "../../../forward/transport.ts";
import { connectPeer } from "../connect.ts";

/** One connection to a node, serving one request at a time. */
export interface Connection {
  readonly client: Client;
  /** Requests that it was taken for. */
  requests: number;
  /** Milliseconds for a connection that has to be made. */
  connectTimeout: number;
  idle: boolean;
  /** Ends the attempt to connect that is under way. */
  cancelConnect: (() => void) | undefined;
}

/** The connections to one node: those that idle, kept for the next request, newest first; and as many more as requests need. */
export class Connections {
  readonly peer: Peer;
  readonly #maxHeaderSize: number;
  readonly #idle: Connection[] = [];
  readonly #busy = new Set<Connection>();
  #released: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(peer: Peer, maxHeaderSize: number) {
    this.peer = peer;
    this.#maxHeaderSize = maxHeaderSize;
  }

  /** A connection for one request; give it back with {@link Connections.give} or {@link Connections.discard}. */
  take(connectTimeout: number): Connection {
    const connection = this.#idle.pop() ?? this.#open();
    connection.idle = false;
    connection.connectTimeout = connectTimeout;
    connection.requests++;
    this.#busy.add(connection);
    return connection;
  }

  /** Whether the request that takes the connection now is to be its last. */
  last(connection: Connection): boolean {
    const { keepAlive } = this.peer;
    return keepAlive.idleTimeout <= 0 || keepAlive.size <= 0 ||
      (keepAlive.requests > 0 && connection.requests >= keepAlive.requests) || this.#closing !== undefined;
  }

  /** Keeps the connection for another request, if there is room. */
  give(connection: Connection): void {
    if (this.last(connection) || this.#idle.length >= this.peer.keepAlive.size) return this.discard(connection);
    connection.idle = true;
    this.#idle.push(connection);
    this.#done(connection);
  }

  /** Ends a connection that a request has taken. */
  discard(connection: Connection): void {
    connection.cancelConnect?.();
    // Later, since undici may be in the middle of telling about this very client.
    queueMicrotask(() => void connection.client.destroy());
    this.#done(connection);
  }

  /** Closes what idles, and the rest as its requests end. */
  release(): Promise<void> {
    return this.#closing ??= new Promise((resolve) => {
      for (const connection of this.#idle.splice(0)) void connection.client.destroy();
      if (this.#busy.size === 0) resolve();
      else this.#released = resolve;
    });
  }

  /** Closes everything, and breaks the requests that are under way. */
  async close(): Promise<void> {
    const released = this.release();
    for (const connection of this.#busy) void connection.client.destroy();
    await released;
  }

  #done(connection: Connection): void {
    this.#busy.delete(connection);
    if (this.#busy.size === 0) this.#released?.();
  }

  #open(): Connection {
    const { peer } = this;
    const host = peer.host.includes(":") ? `[${peer.host}]` : peer.host;
    const idleTimeout = Math.max(peer.keepAlive.idleTimeout, 1);
    const connection: Connection = {
      client: new Client(`${peer.tls === undefined ? "http" : "https"}://${host}:${peer.port}`, {
        connect: (_options, callback) => {
          const done = (error: TransportError | null, socket: Socket | null): void => {
            connection.cancelConnect = undefined;
            if (error !== null) callback(error, null);
            else callback(null, socket!);
          };
          connection.cancelConnect = connectPeer(peer, connection.connectTimeout, done);
        },
        keepAliveTimeout: idleTimeout,
        keepAliveMaxTimeout: idleTimeout,
        // A node that says `Keep-Alive: timeout=N` closes after N seconds: be faster than that.
        keepAliveTimeoutThreshold: 1_000,
        headersTimeout: 0,
        bodyTimeout: 0,
        maxHeaderSize: this.#maxHeaderSize,
      }),
      requests: 0,
      connectTimeout: 0,
      idle: false,
      cancelConnect: undefined,
    };
    connection.client.on("disconnect", () => {
      if (!connection.idle) return;
      connection.idle = false;
      const at = this.#idle.lastIndexOf(connection);
      if (at >= 0) this.#idle.splice(at, 1);
      queueMicrotask(() => void connection.client.destroy());
    });
    return connection;
  }
}

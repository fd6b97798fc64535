import type { Socket } from "node:net";
import type { Address } from "../../net/inbound.ts";
import { plainAddress } from "../address.ts";

/** A client's connection, with what is the same for all of its requests. */
export interface Connection {
  readonly peer: Address;
  readonly localPort: number;
  readonly secure: boolean;
  readonly socket: Socket;
  /** Requests of it that are being answered. */
  requests: number;
}

/** Open connections, counted and bounded. */
export class Connections {
  readonly #limit: number;
  readonly #open = new Map<Socket, Connection>();
  /** Requests that are being answered, tunnels included. */
  inFlight = 0;

  /** @param limit 0 = none. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#open.size;
  }

  accept(socket: Socket): void {
    if (this.#limit > 0 && this.#open.size >= this.#limit) {
      socket.destroy();
      return;
    }
    this.of(socket);
  }

  of(socket: Socket): Connection {
    let connection = this.#open.get(socket);
    if (connection === undefined) {
      connection = {
        peer: { address: plainAddress(socket.remoteAddress ?? ""), port: socket.remotePort ?? 0 },
        localPort: socket.localPort ?? 0,
        secure: "encrypted" in socket && socket.encrypted === true,
        socket,
        requests: 0,
      };
      this.#open.set(socket, connection);
      socket.once("close", () => this.#open.delete(socket));
    }
    return connection;
  }

  begin(connection: Connection): void {
    connection.requests++;
    this.inFlight++;
  }

  end(connection: Connection): void {
    connection.requests--;
    this.inFlight--;
  }

  closeIdle(): void {
    for (const connection of this.#open.values()) if (connection.requests === 0) connection.socket.destroy();
  }

  /** @returns The number of requests that this cut. */
  closeAll(): number {
    const cut = this.inFlight;
    for (const connection of this.#open.values()) connection.socket.destroy();
    return cut;
  }
}

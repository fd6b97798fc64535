import type { Socket } from "node:net";
import type { ListenOptions } from "../listener.ts";
import { ClientConnection } from "./connection.ts";

/** What the connections of one listener share: its options, how many there are, and whether it closes. */
export class Hub {
  readonly options: ListenOptions;
  /** Answers end their connections. */
  draining = false;
  readonly #open: Set<ClientConnection> = new Set();
  /** Requests that are being answered, tunnels included. */
  #inFlight = 0;
  #drained: (() => void) | undefined;

  constructor(options: ListenOptions) {
    this.options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  accept(socket: Socket): void {
    const { connections } = this.options.limits;
    if (connections > 0 && this.#open.size >= connections) {
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    const connection = new ClientConnection(socket, this);
    this.#open.add(connection);
    socket.once("close", () => this.#open.delete(connection));
  }

  begin(): void {
    this.#inFlight++;
  }

  end(): void {
    this.#inFlight--;
    if (this.draining && this.#inFlight === 0) this.#drained?.();
  }

  /** Lets requests in flight finish for up to `drainMs` milliseconds, and cuts the rest. @returns How many were cut. */
  async drain(drainMs: number): Promise<number> {
    this.draining = true;
    for (const connection of this.#open) if (connection.idle) connection.destroy();
    if (this.#inFlight > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        timer = setTimeout(resolve, drainMs);
      });
      clearTimeout(timer);
    }
    const cut = this.#inFlight;
    for (const connection of this.#open) connection.destroy();
    return cut;
  }
}

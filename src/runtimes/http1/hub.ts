import type { ListenOptions } from "../listener.ts";
import type { HubMember } from "./hub-member.ts";

/**
 * Milliseconds that a connection which has been used gets for one more request when its listener closes: a client that is about to send one would find its
 * connection reset, and could not know whether to send it again.
 */
const GRACE = 200;

/** What the connections of one listener share: its options, how many there are, and whether it closes. */
export class Hub {
  readonly options: ListenOptions;
  /** Answers end their connections. */
  draining = false;
  readonly #open: Set<HubMember> = new Set();
  /** Requests that are being answered, tunnels included. */
  #inFlight = 0;
  #drained: (() => void) | undefined;

  constructor(options: ListenOptions) {
    this.options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whether there are as many connections as there may be. */
  get full(): boolean {
    const { connections } = this.options.limits;
    return connections > 0 && this.#open.size >= connections;
  }

  add(connection: HubMember): void {
    this.#open.add(connection);
  }

  remove(connection: HubMember): void {
    this.#open.delete(connection);
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
    for (const connection of this.#open) {
      if (connection.idle && (drainMs === 0 || !connection.used)) connection.destroy();
      else connection.drain?.(false);
    }
    const grace = Math.min(GRACE, drainMs);
    if (this.#open.size > 0 && grace > 0) await new Promise((resolve) => setTimeout(resolve, grace));
    for (const connection of this.#open) {
      if (connection.idle) connection.destroy();
      else connection.drain?.(true);
    }
    if (this.#inFlight > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        timer = setTimeout(resolve, drainMs - grace);
      });
      clearTimeout(timer);
    }
    const cut = this.#inFlight;
    for (const connection of this.#open) connection.destroy();
    return cut;
  }
}

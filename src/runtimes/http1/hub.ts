import type { ListenOptions } from "../listener.ts";

/** A connection, as far as its listener's closing is concerned. */
export interface HubMember {
  /** Whether nothing would be lost with it. */
  readonly idle: boolean;
  destroy(): void;
}

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

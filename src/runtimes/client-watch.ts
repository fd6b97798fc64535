import type { Watchable } from "../net/inbound.ts";

/** What a listener's request knows of its client: whether it has gone before its answer was complete. The signal is made when it is asked for. */
export class ClientWatch implements Watchable {
  #abort: AbortController | undefined;
  #gone = false;
  #listener: (() => void) | undefined;

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#gone) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  get watchable(): Watchable {
    return this;
  }

  watch(listener: (() => void) | undefined): void {
    if (this.#gone) listener?.();
    else this.#listener = listener;
  }

  /** Called when the client has gone before its answer was complete. */
  clientGone(): void {
    this.#gone = true;
    this.#abort?.abort();
    this.#listener?.();
  }
}

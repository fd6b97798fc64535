import type { Watchable } from "../../net/inbound.ts";

/** Milliseconds after which a request counts as one that takes long; at the most twice that. */
const LATE = 100;

/** Requests that are watched, by when that began: in this turn of the clock, or before it. */
let young = new Set<LateWatch>(), old = new Set<LateWatch>();
let clock: ReturnType<typeof setInterval> | undefined;

/**
 * Watches a request's signal, but asks for it only once the request takes long: `Deno.serve` makes an `AbortSignal` and a `DOMException` for every request
 * whose signal somebody has asked for, which costs as much as a third of forwarding a small one.
 */
export class LateWatch implements Watchable {
  readonly #signal: () => AbortSignal;
  #listener: (() => void) | undefined;
  #asked = false;

  constructor(signal: () => AbortSignal) {
    this.#signal = signal;
  }

  watch(listener: (() => void) | undefined): void {
    this.#listener = listener;
    if (this.#asked) {
      if (listener !== undefined && this.#signal().aborted) listener();
    } else if (listener === undefined) {
      if (!young.delete(this)) old.delete(this);
    } else {
      young.add(this);
      clock ??= setInterval(tick, LATE);
    }
  }

  /** The request takes long. */
  ask(): void {
    this.#asked = true;
    const signal = this.#signal();
    if (signal.aborted) this.#listener?.();
    else signal.addEventListener("abort", () => this.#listener?.(), { once: true });
  }
}

function tick(): void {
  const late = old;
  old = young;
  young = new Set();
  for (const watch of late) watch.ask();
  if (old.size > 0) return;
  clearInterval(clock);
  clock = undefined;
}

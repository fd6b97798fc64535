import type { Timers } from "../../../src/upstream/timers.ts";

/** A clock that stands still until a test moves it. */
export class FakeTimers implements Timers {
  #now = 0;
  readonly #waiting: Set<{ readonly at: number; readonly callback: () => void }> = new Set();

  readonly now = (): number => this.#now;

  date(): Date {
    return new Date(Date.UTC(2030, 0, 1) + this.#now);
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#waiting.add(timer);
    return () => this.#waiting.delete(timer);
  }

  /** Timers that have not gone off. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Moves on, timer by timer, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      let next: { readonly at: number; readonly callback: () => void } | undefined;
      for (const timer of this.#waiting) {
        if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
      }
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = end;
  }
}

/** Until promises that wait for nothing but each other are through. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

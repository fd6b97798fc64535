/** Milliseconds between two looks at what is due; a deadline ends at the most so much late. */
const TICK = 50;

const running = new Set<Deadline>();
let ticker: ReturnType<typeof setInterval> | undefined;
let lastTick = 0;

/**
 * Something that must happen in time, and usually does: arming and moving it costs no timer of its own, since all of them are
 * looked at together every 50 ms. Made for what is armed thousands of times a second and hardly ever expires.
 */
export class Deadline {
  /** When it expires, on `performance.now()`'s clock. */
  #due = Infinity;
  readonly #expire: () => void;

  constructor(expire: () => void) {
    this.#expire = expire;
  }

  /** Expires in that many milliseconds from now unless it is moved or cleared before; 0 clears it. */
  set(ms: number): void {
    if (ms <= 0) {
      this.#due = Infinity;
      return;
    }
    const now = performance.now();
    this.#due = now + ms;
    running.add(this);
    if (ticker === undefined) {
      lastTick = now;
      ticker = setInterval(tick, TICK);
    }
  }

  /** Suspends it; to be followed by {@link Deadline.set} or {@link Deadline.dispose}. */
  clear(): void {
    this.#due = Infinity;
  }

  /** Takes it out for good. */
  dispose(): void {
    this.#due = Infinity;
    running.delete(this);
  }

  /** Expires it if it is due; called by the clock. */
  check(now: number): void {
    if (this.#due > now && this.#due !== Infinity) return;
    const due = this.#due <= now;
    // One that is suspended leaves the clock too, so that one that was forgotten does not keep it, and the process, running.
    this.dispose();
    if (due) this.#expire();
  }
}

function tick(): void {
  const now = performance.now();
  const heldUp = now - lastTick > TICK * 4;
  lastTick = now;
  // After the process was held up, what was received meanwhile is still unread: it has to count before anything is called late.
  if (!heldUp) { for (const deadline of running) deadline.check(now); }
  if (running.size === 0) {
    clearInterval(ticker);
    ticker = undefined;
  }
}

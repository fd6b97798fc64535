/** Milliseconds between two looks at what is due; a deadline ends at the most twice so much late. */
const TICK = 25;

const running = new Set<Deadline>();
let ticker: ReturnType<typeof setInterval> | undefined;
let lastTick = 0;

/**
 * Something that must happen in time, and usually does: arming and moving it costs no timer of its own, and not even a look at the clock, since all of them
 * are looked at together every 25 ms. Made for what is armed thousands of times a second and hardly ever expires.
 */
export class Deadline {
  /** Milliseconds that it was armed for since the last look; 0 = it was not. */
  #armed = 0;
  /** When it expires, on `performance.now()`'s clock, counted from the first look after it was armed: never early. */
  #due = Infinity;
  #runs = false;
  readonly #expire: () => void;

  constructor(expire: () => void) {
    this.#expire = expire;
  }

  /** Expires in that many milliseconds from now unless it is moved or cleared before; 0 clears it. */
  set(ms: number): void {
    if (ms <= 0) return this.clear();
    this.#armed = ms;
    if (this.#runs) return;
    this.#runs = true;
    running.add(this);
    if (ticker !== undefined) return;
    lastTick = performance.now();
    ticker = setInterval(tick, TICK);
  }

  /** Suspends it; to be followed by {@link Deadline.set} or {@link Deadline.dispose}. */
  clear(): void {
    this.#armed = 0;
    this.#due = Infinity;
  }

  /** Takes it out for good. */
  dispose(): void {
    this.clear();
    this.#runs = false;
    running.delete(this);
  }

  /**
   * Expires it if it is due; called by the clock.
   *
   * @param heldUp Whether nothing may expire now.
   */
  check(now: number, heldUp: boolean): void {
    if (this.#armed > 0) {
      this.#due = now + this.#armed;
      this.#armed = 0;
      return;
    }
    if (this.#due === Infinity) {
      // One that is suspended leaves the clock, so that one that was forgotten does not keep it, and the process, running.
      this.dispose();
    } else if (this.#due <= now && !heldUp) {
      this.dispose();
      this.#expire();
    }
  }
}

function tick(): void {
  const now = performance.now();
  // After the process was held up, what was received meanwhile is still unread: it has to count before anything is called late.
  const heldUp = now - lastTick > TICK * 8;
  lastTick = now;
  for (const deadline of running) deadline.check(now, heldUp);
  if (running.size === 0) {
    clearInterval(ticker);
    ticker = undefined;
  }
}

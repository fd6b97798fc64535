/** Time, as upstreams need it; tests put a clock of their own in its place. */
export interface Timers {
  /** Milliseconds from a fixed point, never going back. */
  now(): number;
  /** The time of day, for people to read. */
  date(): Date;
  /** Calls back once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** The longest time that runtimes wait for; they take more for none at all. */
const LONGEST = 2 ** 31 - 1;

/** The runtime's clock. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  date: () => new Date(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, LONGEST));
    return () => clearTimeout(timer);
  },
};

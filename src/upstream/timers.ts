/** Time, as upstreams need it; tests put a clock of their own in its place. */
export interface Timers {
  /** Milliseconds from a fixed point, never going back. */
  now(): number;
  /** The time of day, for people to read. */
  date(): Date;
  /** Calls back once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** The runtime's clock. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  date: () => new Date(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

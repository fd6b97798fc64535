import { type Expiring, ExpiringMap } from "../_limit/expiring-map.ts";
import { type Counter, fixedVerdict, slidingVerdict, type Verdict, type WindowType } from "./counter.ts";

export interface LocalOptions {
  /** Milliseconds from a fixed point, never going back. Default: the runtime's. */
  readonly now?: () => number;
  /** Told when a key had to be forgotten before its time. */
  readonly onFull?: () => void;
  /** See {@link ExpiringMap}. */
  readonly room?: number;
}

/** Counts in this process. Keys end with their windows, and are bounded in number. */
export interface LocalCounter extends Counter {
  take(key: string, limit: number, windowMs: number): Verdict;
  /** Keys that are kept. */
  readonly size: number;
}

/** Makes a counter of this process. */
export function createLocalCounter(type: WindowType, options: LocalOptions = {}): LocalCounter {
  return type === "fixed" ? new FixedWindows(options) : new SlidingWindows(options);
}

interface FixedWindow extends Expiring {
  count: number;
}

class FixedWindows implements LocalCounter {
  readonly #windows: ExpiringMap<FixedWindow>;
  readonly #now: () => number;

  constructor({ now = () => performance.now(), onFull, room }: LocalOptions) {
    this.#windows = new ExpiringMap(onFull, room);
    this.#now = now;
  }

  get size(): number {
    return this.#windows.size;
  }

  take(key: string, limit: number, windowMs: number): Verdict {
    const now = this.#now();
    let window = this.#windows.get(key, now);
    if (window === undefined) {
      window = { count: 0, expires: now + windowMs };
      this.#windows.set(key, window, now);
    }
    // As in APISIX, what is refused counts, too, which shows where the limit depends on the request.
    window.count++;
    return fixedVerdict(window.count, limit, window.expires - now);
  }
}

interface SlidingWindow extends Expiring {
  /** Number of the window, counted from the clock's beginning. */
  readonly id: number;
  count: number;
  /** Requests in the window before. */
  readonly last: number;
}

class SlidingWindows implements LocalCounter {
  readonly #windows: ExpiringMap<SlidingWindow>;
  readonly #now: () => number;

  constructor({ now = () => performance.now(), onFull, room }: LocalOptions) {
    this.#windows = new ExpiringMap(onFull, room);
    this.#now = now;
  }

  get size(): number {
    return this.#windows.size;
  }

  take(key: string, limit: number, windowMs: number): Verdict {
    const now = this.#now();
    const id = Math.floor(now / windowMs);
    const leftMs = windowMs - now % windowMs;
    // Windows of different lengths are not numbered alike.
    const name = `${windowMs} ${key}`;
    let window = this.#windows.get(name, now);
    if (window?.id !== id) {
      const last = window?.id === id - 1 ? window.count : 0;
      window = { id, count: 0, last, expires: (id + 2) * windowMs };
      this.#windows.set(name, window, now);
    }
    const last = Math.min(window.last, limit);
    const accepted = window.count < limit && last / windowMs * leftMs + window.count < limit;
    if (accepted) window.count++;
    return slidingVerdict({ accepted, count: window.count, last, leftMs }, limit, windowMs);
  }
}

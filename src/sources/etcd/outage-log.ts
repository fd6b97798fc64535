import type { SourceLog } from "../log.ts";

/** A line about an outage that goes on is written this often at most. */
const REPEAT_MS = 60_000;
/** Other reasons in the same outage are told at once, up to so many in {@link REPEAT_MS}. */
const REASONS = 3;

/**
 * Tells of trouble with etcd without filling the log: once when it begins, when its reason changes, every minute while it lasts, and when it is over.
 *
 * @param now Monotonic milliseconds.
 */
export class OutageLog {
  readonly #log: SourceLog;
  readonly #now: () => number;
  #since: number | undefined;
  #window = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #hushed = 0;
  #last = "";
  #told = false;

  constructor(log: SourceLog, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** @param message What failed, in the operator's words. */
  failed(message: string, fields: Readonly<Record<string, unknown>>): void {
    const now = this.#now();
    this.#since ??= now;
    if (now - this.#window >= REPEAT_MS) {
      this.#window = now;
      this.#lines = 0;
      this.#last = "";
    }
    if (message === this.#last || this.#lines >= REASONS) {
      this.#hushed++;
      return;
    }
    this.#lines++;
    this.#told = true;
    this.#last = message;
    const hushed = this.#hushed === 0 ? {} : { repeated: this.#hushed };
    this.#hushed = 0;
    this.#log("warn", message, { ...fields, ...hushed, sinceMs: Math.round(now - this.#since) });
  }

  /** What failed works again. Told where the failure was told, so that a network that flaps does not fill the log either. */
  over(message: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#since === undefined) return;
    if (this.#told) this.#log("info", message, { ...fields, afterMs: Math.round(this.#now() - this.#since) });
    this.#since = undefined;
    this.#told = false;
  }
}

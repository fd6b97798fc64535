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
    this.#last = message;
    const hushed = this.#hushed === 0 ? {} : { repeated: this.#hushed };
    this.#hushed = 0;
    this.#log("warn", message, { ...fields, ...hushed, sinceMs: Math.round(now - this.#since) });
  }

  /** What failed works again. */
  over(message: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#since === undefined) return;
    const away = Math.round(this.#now() - this.#since);
    this.#since = undefined;
    this.#hushed = 0;
    // An outage a second, as with a flapping network, must not write more than one that lasts: the window goes on.
    if (this.#lines <= REASONS) this.#log("info", message, { ...fields, afterMs: away });
    if (this.#lines >= REASONS) this.#lines++;
  }
}

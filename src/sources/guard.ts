import type { Batch, Change, ConfigSource, SourceStatus } from "../store/source.ts";
import type { SourceLog } from "./log.ts";
import { Relay } from "./relay.ts";

export interface GuardOptions {
  /** Milliseconds that a revision is held before it is taken after all; 0 = no guard. Default 60000. */
  readonly holdMs?: number;
  /** Fewer routes than these are not guarded. Default 20. */
  readonly leastRoutes?: number;
  /** A revision that removes more than this part of the routes is held. Default 0.5. */
  readonly share?: number;
  /** Takes the guard's log lines. Default: nothing is logged. */
  readonly log?: SourceLog;
}

/** What the guard holds back. */
export interface HeldRevision {
  /** The store's revision that will be served when this is let go. */
  readonly revision: number;
  /** Routes that it removes, of how many. */
  readonly removes: number;
  readonly routes: number;
  /** Milliseconds until it is taken after all. */
  readonly remainingMs: number;
}

/** A source whose mass deletes wait for somebody to confirm them. */
export interface GuardedSource extends ConfigSource {
  /** What is held now. */
  held(): HeldRevision | undefined;
  /**
   * Lets go what is held.
   *
   * @param revision Must be the held one where it is given, so that nobody confirms what they have not seen.
   * @returns Whether something was let go.
   */
  accept(revision?: number): boolean;
}

const isRoute = (key: string): boolean => key.startsWith("routes/");

/**
 * Holds back a revision, or a fresh list, that would remove most routes at once: somebody deleted the wrong prefix, or the store was wiped.
 * What was served before serves on, unchanged, and later revisions wait behind it, joined to one. It ends when the routes are put again,
 * when somebody accepts it, or after `holdMs`.
 *
 * @example
 * ```ts
 * const source = guardSource(etcdSource(options), { holdMs: 60_000 });
 * source.held(); // { revision: 17, removes: 30, routes: 40, remainingMs: 59000 }
 * source.accept(17);
 * ```
 */
export function guardSource(inner: ConfigSource, options: GuardOptions = {}): GuardedSource {
  const { holdMs = 60_000 } = options;
  let guard: Guard | undefined;

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    const relay = new Relay(inner, signal);
    const own = new Guard(
      { holdMs, leastRoutes: 20, share: 0.5, log: () => undefined, ...options },
      () => relay.wake(),
    );
    guard = own;
    try {
      for (let event = await relay.next(); event !== "ended"; event = await relay.next()) {
        const batch = event === "woken" ? own.release() : own.take(event);
        if (batch) yield batch;
      }
    } finally {
      own.stop();
      await relay.stop();
    }
  }

  return {
    prefix: inner.prefix,
    read: holdMs === 0 ? (signal) => inner.read(signal) : read,
    held: () => guard?.held(),
    accept: (revision) => guard?.accept(revision) ?? false,
    status(): SourceStatus {
      const status = inner.status();
      const held = guard?.held();
      if (!held || status.state === "closed") return status;
      return {
        ...status,
        state: "stale",
        reason: toReason(held),
        details: { ...status.details, heldRevision: held.revision, heldRemoves: held.removes },
      };
    },
  };
}

function toReason({ revision, removes, routes, remainingMs }: HeldRevision): string {
  const seconds = Math.ceil(remainingMs / 1000);
  return `revision ${revision} would remove ${removes} of ${routes} routes: held back until it is accepted, ` +
    `or for ${seconds} s more`;
}

/** What is held back. */
interface Pending {
  /** Of the last change that was joined. */
  revision: number;
  /** The one to be accepted: the last that removes more than those before it. What others write meanwhile does not move it. */
  asked: number;
  removes: number;
  readonly changes: Map<string, Change>;
  reset: string | undefined;
}

class Guard {
  readonly #options: Required<GuardOptions>;
  /** Every key that the reader has. */
  readonly #served = new Set<string>();
  #routes = 0;
  #first = true;
  #pending: Pending | undefined;
  #until = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Asks for {@link Guard.release}. */
  readonly #letGo: () => void;

  constructor(options: Required<GuardOptions>, letGo: () => void) {
    this.#options = options;
    this.#letGo = letGo;
  }

  held(): HeldRevision | undefined {
    if (!this.#pending) return undefined;
    return {
      revision: this.#pending.asked,
      removes: this.#pending.removes,
      routes: this.#routes,
      remainingMs: Math.max(0, this.#until - performance.now()),
    };
  }

  accept(revision: number | undefined): boolean {
    if (!this.#pending || (revision !== undefined && revision !== this.#pending.asked)) return false;
    this.#options.log("info", `revision ${this.#pending.asked} was accepted`);
    this.#letGo();
    return true;
  }

  /** A batch of the inner source: what to pass on of it now. */
  take(batch: Batch): Batch | undefined {
    if (this.#pending) return this.#join(batch);
    const removes = this.#removes(batch.changes);
    if (this.#first || !this.#isMassDelete(removes)) return this.#pass(batch);
    const { holdMs, log } = this.#options;
    this.#pending = {
      revision: batch.revision,
      asked: batch.revision,
      removes,
      changes: new Map(batch.changes.map((change) => [change.key, change])),
      reset: batch.reset,
    };
    this.#until = performance.now() + holdMs;
    this.#timer = setTimeout(this.#letGo, holdMs);
    log("error", `revision ${batch.revision} would remove ${removes} of ${this.#routes} routes: held back`, { holdMs });
    return undefined;
  }

  /** Everything that is held, as one batch. */
  release(): Batch | undefined {
    const pending = this.#pending;
    this.stop();
    if (!pending) return undefined;
    const { revision, changes, reset } = pending;
    this.#options.log("warn", `revision ${revision} is served now`, { removes: this.#removes(changes.values()) });
    return this.#pass({ revision, changes: [...changes.values()], ...(reset === undefined ? {} : { reset }) });
  }

  /** Forgets what is held. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#pending = undefined;
  }

  #removes(changes: Iterable<Change>): number {
    let count = 0;
    for (const { key, value } of changes) if (value === undefined && isRoute(key) && this.#served.has(key)) count++;
    return count;
  }

  #isMassDelete(removes: number): boolean {
    const { leastRoutes, share } = this.#options;
    return this.#routes >= leastRoutes && removes > this.#routes * share;
  }

  #join(batch: Batch): Batch | undefined {
    const pending = this.#pending;
    if (!pending) return undefined;
    pending.revision = batch.revision;
    if (batch.reset !== undefined) pending.reset = batch.reset;
    for (const change of batch.changes) {
      // What came and went while it was held was never served.
      if (change.value === undefined && !this.#served.has(change.key)) pending.changes.delete(change.key);
      else pending.changes.set(change.key, change);
    }
    const removes = this.#removes(pending.changes.values());
    if (removes > pending.removes) pending.asked = batch.revision;
    pending.removes = removes;
    return this.#isMassDelete(removes) ? undefined : this.release();
  }

  #pass(batch: Batch): Batch {
    this.#first = false;
    for (const { key, value } of batch.changes) {
      const known = this.#served.has(key);
      if (value === undefined) this.#served.delete(key);
      else this.#served.add(key);
      if (isRoute(key)) this.#routes += Number(value !== undefined) - Number(known);
    }
    return batch;
  }
}

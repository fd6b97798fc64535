import { getLogger } from "@logtape/logtape";
import { quote } from "../config/issue.ts";
import { parseKey } from "../config/key.ts";
import { managerOfName, type SecretSources } from "../config/secrets.ts";
import { SecretCache } from "../secrets/cache.ts";
import type { KeyStatus } from "../store/key-status.ts";
import type { ServedKind } from "../store/delta.ts";
import type { Store } from "../store/store.ts";

const log = getLogger(["gatewatch", "secrets"]);

/** Milliseconds between the first tries to fetch what could not be fetched, doubled each time. */
const RETRY_MS = { first: 2000, last: 60_000 };
const DEFAULT_REFRESH_MS = 300_000;

/** What {@link createSecrets} makes. */
export interface Secrets {
  /** The same sources, with what is fetched kept and kept fresh. */
  readonly sources: SecretSources;
  /** Keeps the store's secrets fresh from now on. */
  watch(store: Store, tell: (transitions: readonly KeyStatus[]) => void): SecretWatch;
}

/** Keeps secrets fresh. */
export interface SecretWatch {
  /** To be called when something was applied: there may be secrets now, or some that could not be had. */
  applied(): void;
  close(): void;
}

/** Puts a cache in front of the managers, which is asked anew from time to time; undefined where there is no client for them. */
export function createSecrets(sources: SecretSources): Secrets | undefined {
  const { secret: fetch, timeoutMs, refreshMs = DEFAULT_REFRESH_MS } = sources;
  if (fetch === undefined) return undefined;
  const cache = new SecretCache({ fetch, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  return {
    sources: {
      ...sources,
      secret: (reference, manager) => cache.get(reference, manager),
      // The cache ends what takes too long, and says so; this is but the net under it.
      timeoutMs: (timeoutMs ?? 5000) + 1000,
    },
    watch: (store, tell) => new Refresher(cache, store, tell, refreshMs),
  };
}

class Refresher implements SecretWatch {
  readonly #cache: SecretCache;
  readonly #store: Store;
  readonly #tell: (transitions: readonly KeyStatus[]) => void;
  readonly #refreshMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is due, and when all were fetched last, on `performance.now()`'s clock. */
  #due = Infinity;
  #last: number = performance.now();
  #retryMs = RETRY_MS.first;
  #running = false;
  #closed = false;
  readonly #warned: Set<string> = new Set();

  constructor(
    cache: SecretCache,
    store: Store,
    tell: (transitions: readonly KeyStatus[]) => void,
    refreshMs: number,
  ) {
    this.#cache = cache;
    this.#store = store;
    this.#tell = tell;
    this.#refreshMs = refreshMs;
  }

  applied(): void {
    if (!this.#running) this.#schedule();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Sets the timer to what comes first: a look at all, or another try for those that failed. */
  #schedule(): void {
    const some = !this.#store.sealed()[Symbol.iterator]().next().done;
    if (this.#closed || !some) return;
    const now = performance.now();
    const wait = this.#cache.failing ? Math.min(this.#retryMs, this.#refreshMs) : this.#refreshMs;
    const due = Math.min(this.#last + this.#refreshMs, now + wait);
    // One that is due earlier stays: configuration that changes often must not put it off for ever.
    if (this.#timer !== undefined && this.#due <= due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    // Instances that started together do not all ask at the same moment.
    this.#timer = setTimeout(() => void this.#round(), Math.max(0, due - now) * (0.9 + Math.random() * 0.2));
  }

  async #round(): Promise<void> {
    this.#timer = undefined;
    this.#running = true;
    const all = performance.now() - this.#last >= this.#refreshMs * 0.85;
    try {
      const names = [...this.#store.sealed()].flatMap(({ fetched }) => [...fetched.keys()]);
      // A manager that is no longer configured is not asked any more.
      this.#cache.retain(new Set(names.filter((name) => this.#store.get("secret", managerOfName(name)) !== undefined)));
      const changed = await this.#cache.refresh(all ? "all" : "failed");
      if (this.#closed) return;
      const delta = await this.#store.reread(({ fetched }) =>
        [...fetched].some(([name, resolved]) => changed.has(name) || !resolved && this.#cache.has(name))
      );
      this.#annotate();
      if (delta !== undefined) this.#tell(delta.transitions);
    } catch (error) {
      // A mistake of ours; what was resolved before goes on being served.
      log.error("Cannot refresh secrets: {error}", { error });
    } finally {
      if (all) this.#last = performance.now();
      this.#retryMs = this.#cache.failing ? Math.min(this.#retryMs * 2, RETRY_MS.last) : RETRY_MS.first;
      this.#running = false;
      this.#schedule();
    }
  }

  /** Says at each key which of its secrets is an older one. */
  #annotate(): void {
    const stale = new Set<string>();
    for (const { key, bytes, fetched } of this.#store.sealed()) {
      const parsed = parseKey(key, bytes);
      if (parsed === "ignored" || parsed.kind === "unknown") continue;
      const warnings = [...fetched.keys()].flatMap((name) => {
        const problem = this.#cache.problemOf(name);
        if (problem === undefined || !this.#cache.has(name)) return [];
        stale.add(name);
        const shown = quote(`$secret://${name}`, 80);
        return [{ path: "", message: `uses the last known ${shown}, as it cannot be refreshed: ${problem.message}` }];
      });
      this.#store.annotate(parsed.kind as ServedKind, parsed.id, "secrets", warnings);
    }
    for (const name of stale) {
      if (this.#warned.has(name)) continue;
      const reason = this.#cache.problemOf(name)?.message;
      log.warn("Cannot refresh $secret://{name}, the last known value goes on being used: {reason}", { name, reason });
    }
    for (const name of this.#warned) {
      if (!stale.has(name)) log.info("$secret://{name} can be refreshed again", { name });
    }
    this.#warned.clear();
    for (const name of stale) this.#warned.add(name);
  }
}

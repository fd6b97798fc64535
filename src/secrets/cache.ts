import type { Secret } from "../config/secret.ts";
import { nameOf, type SecretReference, type SecretSources } from "../config/secrets.ts";
import { SecretError } from "./manager.ts";

/** What fetches one secret from its manager. */
export type FetchSecret = NonNullable<SecretSources["secret"]>;

/** How a {@link SecretCache} fetches. */
export interface SecretCacheOptions {
  readonly fetch: FetchSecret;
  /** Milliseconds for one fetch. Default: 5000. */
  readonly timeoutMs?: number;
  /** Milliseconds on a clock that does not jump. Default: `performance.now`. */
  readonly now?: () => number;
}

/** Milliseconds that a manager which could not be asked is not asked again: thousands of references must not wait for it one after the other. */
const QUIET_MS = 2000;
/** References that are fetched at once. */
const AT_ONCE = 16;
/** References kept at the most; what is beyond is fetched each time. */
const MAX_KEPT = 10_000;

interface Kept {
  readonly reference: SecretReference;
  readonly manager: Secret;
  /** The last good one. */
  value: string | undefined;
  /** Why the last fetch failed; undefined where it did not. */
  problem: Error | undefined;
  pending: Promise<string> | undefined;
}

/**
 * Keeps secrets, each fetched once however many resources refer to it. One that was had before goes on being given while its manager is away; one
 * that never was is asked for again.
 */
export class SecretCache {
  readonly #fetch: FetchSecret;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #kept: Map<string, Kept> = new Map();
  readonly #quiet: Map<string, { readonly until: number; readonly problem: Error }> = new Map();

  constructor({ fetch, timeoutMs = 5000, now = () => performance.now() }: SecretCacheOptions) {
    this.#fetch = fetch;
    this.#timeoutMs = timeoutMs;
    this.#now = now;
  }

  /** The secret, from the manager where there is none at hand or the manager's resource is another one now. @throws {Error} */
  get(reference: SecretReference, manager: Secret): Promise<string> {
    const name = nameOf(reference);
    let kept = this.#kept.get(name);
    if (kept === undefined || !isSame(kept.manager, manager)) {
      kept = { reference, manager, value: undefined, problem: undefined, pending: undefined };
      if (this.#kept.size < MAX_KEPT || this.#kept.has(name)) this.#kept.set(name, kept);
    }
    return kept.value === undefined ? this.#load(kept) : Promise.resolve(kept.value);
  }

  /** Whether there is a good value for that name. */
  has(name: string): boolean {
    return this.#kept.get(name)?.value !== undefined;
  }

  /** Why the last fetch of that name failed; undefined where it did not. */
  problemOf(name: string): Error | undefined {
    return this.#kept.get(name)?.problem;
  }

  /** Whether the last fetch of any failed. */
  get failing(): boolean {
    for (const { problem } of this.#kept.values()) if (problem !== undefined) return true;
    return false;
  }

  /** Forgets what is not among these names. */
  retain(names: ReadonlySet<string>): void {
    for (const name of this.#kept.keys()) if (!names.has(name)) this.#kept.delete(name);
  }

  /**
   * Fetches anew.
   *
   * @param which `failed`: those alone whose last fetch failed.
   * @returns Names whose value is another than before.
   */
  async refresh(which: "all" | "failed"): Promise<ReadonlySet<string>> {
    this.#quiet.clear();
    const due = [...this.#kept].filter(([, { problem }]) => which === "all" || problem !== undefined);
    const changed = new Set<string>();
    const work = async (): Promise<void> => {
      for (let next = due.pop(); next !== undefined; next = due.pop()) {
        const [name, kept] = next;
        const before = kept.value;
        await this.#load(kept).catch(() => {});
        if (kept.value !== before) changed.add(name);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return changed;
  }

  #load(kept: Kept): Promise<string> {
    return kept.pending ??= this.#ask(kept).finally(() => kept.pending = undefined);
  }

  async #ask(kept: Kept): Promise<string> {
    const { reference, manager } = kept;
    const of = `${reference.manager}/${reference.id}`;
    const quiet = this.#quiet.get(of);
    try {
      if (quiet !== undefined && quiet.until > this.#now()) throw quiet.problem;
      kept.value = await this.#within((signal) => this.#fetch(reference, manager, signal), reference.manager);
      kept.problem = undefined;
      this.#quiet.delete(of);
      return kept.value;
    } catch (error) {
      const problem = error instanceof Error ? error : new SecretError("the client failed");
      kept.problem = problem;
      if (problem instanceof SecretError && problem.away && problem !== quiet?.problem) {
        this.#quiet.set(of, { until: this.#now() + QUIET_MS, problem });
      }
      throw problem;
    }
  }

  async #within(work: (signal: AbortSignal) => Promise<string>, manager: string): Promise<string> {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new SecretError(`${manager} did not answer within ${this.#timeoutMs} ms`, { away: true }));
        controller.abort();
      }, this.#timeoutMs);
    });
    const answer = work(controller.signal);
    // What the client says once it is aborted is nobody's any more.
    answer.catch(() => {});
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The Admin API and the store read a resource each for itself: what counts is what it says. */
function isSame(a: Secret, b: Secret): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

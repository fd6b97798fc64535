import { isLoopback } from "../../net/loopback.ts";
import type { SourceState, SourceStatus } from "../../store/source.ts";
import type { BatchQueue } from "../batch-queue.ts";
import { type Backoff, createBackoff } from "./backoff.ts";
import type { Carrier, CarrierName } from "./carrier.ts";
import type { EtcdClient } from "./client.ts";
import { Doubt } from "./doubt.ts";
import { diagnose } from "./diagnose.ts";
import { createRotation, type Endpoint, type Rotation } from "./endpoint.ts";
import { EtcdError } from "./errors.ts";
import { prefixEnd } from "./keys.ts";
import { PageSize } from "./list.ts";
import type { EtcdSettings } from "./options.ts";
import { OutageLog } from "./outage-log.ts";
import { type Replacement, Replica } from "./replica.ts";
import { runSession, type SessionEvents } from "./session.ts";
import { loadTls, type TlsMaterial } from "./tls.ts";

/** A session that was in step with etcd for so long counts as a success, whatever ended it. */
const STABLE_MS = 2000;
/** For so long the cause of a failure is taken to be the same. */
const DIAGNOSIS_MS = 60_000;
/** A planned end after a shorter life waits a little, so that no plan makes a hot loop. */
const HASTY_MS = 1000;

/** One session after another, for as long as the source is read; and what is known of them. */
export class SyncLoop {
  readonly #settings: EtcdSettings;
  readonly #load: (name: CarrierName) => Promise<Carrier>;
  readonly #random: () => number;
  readonly #replica: Replica;
  readonly #rotation: Rotation;
  readonly #backoff: Backoff;
  readonly #page: PageSize;
  readonly #outage: OutageLog;
  #state: SourceState = "connecting";
  #reason: string | undefined;
  #lossBefore: string | undefined;
  #heardAt: number | undefined;
  #watchingAt: number | undefined;
  #lastDoubt: string | null = null;
  #diagnosis: { readonly failure: string; readonly at: number; readonly better: EtcdError | undefined } | undefined;
  readonly #count = { lists: 0, watches: 0, logins: 0, doubts: 0, audits: 0, repairs: 0, resets: 0, revisions: 0 };

  constructor(settings: EtcdSettings, load: (name: CarrierName) => Promise<Carrier>, random: () => number) {
    const { endpoints, limits, key, log } = settings;
    this.#settings = settings;
    this.#load = load;
    this.#random = random;
    this.#replica = new Replica(key);
    this.#rotation = createRotation(endpoints, Math.floor(random() * endpoints.length));
    this.#backoff = createBackoff(limits, endpoints.length, random);
    this.#page = new PageSize(limits.pageSize);
    this.#outage = new OutageLog(log);
  }

  status(): SourceStatus {
    const { prefix, carrier } = this.#settings;
    return {
      kind: "etcd",
      state: this.#state,
      origin: `${this.#rotation.current.url} ${prefix}`,
      silentMs: this.#heardAt === undefined ? null : Math.round(performance.now() - this.#heardAt),
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      details: {
        carrier,
        endpoint: this.#rotation.current.url,
        clusterId: this.#replica.clusterId ?? null,
        revision: this.#replica.revision,
        keys: this.#replica.size,
        lastDoubt: this.#lastDoubt,
        ...this.#count,
      },
    };
  }

  /** Runs until `signal` aborts; never rejects. */
  async run(queue: BatchQueue, signal: AbortSignal): Promise<void> {
    const { user, endpoints, log } = this.#settings;
    if (user && endpoints.some(({ tls, host }) => !tls && !isLoopback(host))) {
      log("warn", "the password for etcd goes over the network unencrypted: use https:// endpoints");
    }
    while (!signal.aborted) {
      let wait = 0;
      try {
        await this.#session(queue, signal);
      } catch (error) {
        if (!signal.aborted) wait = this.#ended(error);
      }
      if (wait > 0) await pause(wait, signal);
    }
    this.#state = "closed";
    this.#reason = undefined;
  }

  async #session(queue: BatchQueue, signal: AbortSignal): Promise<void> {
    const { carrier, tls, user, limits, key, log } = this.#settings;
    const endpoint = this.#rotation.current;
    const heardAt = this.#heardAt;
    let client: EtcdClient | undefined;
    let material: TlsMaterial | undefined;
    this.#watchingAt = undefined;
    try {
      const create = await this.#load(carrier);
      material = endpoint.tls ? await loadTls(tls) : {};
      client = create({ endpoint, tls: material, user: user?.name, limits });
      signal.throwIfAborted();
      await runSession({
        client,
        replica: this.#replica,
        range: { key, end: prefixEnd(key) },
        user,
        page: this.#page,
        limits,
        random: this.#random,
        log,
        signal,
        lossBefore: this.#lossBefore,
        events: this.#events(queue),
      });
    } catch (error) {
      // What answered once is not misconfigured.
      if (!(error instanceof EtcdError) || !material || this.#heardAt !== heardAt || signal.aborted) throw error;
      throw await this.#diagnose(error, endpoint, material, signal);
    } finally {
      client?.close();
    }
  }

  /** The same failure again within a minute is not looked into again. */
  async #diagnose(
    error: EtcdError,
    endpoint: Endpoint,
    material: TlsMaterial,
    signal: AbortSignal,
  ): Promise<EtcdError> {
    const failure = `${endpoint.url} ${error.code} ${material.cert} ${material.ca}`;
    const now = performance.now();
    if (this.#diagnosis?.failure !== failure || now - this.#diagnosis.at > DIAGNOSIS_MS) {
      const better = await diagnose(error, endpoint, material, signal);
      this.#diagnosis = { failure, at: now, better };
    }
    return this.#diagnosis.better ?? error;
  }

  #events(queue: BatchQueue): SessionEvents {
    return {
      loggedIn: () => void this.#count.logins++,
      heard: () => void (this.#heardAt = performance.now()),
      listed: (replacement) => this.#listed(queue, replacement),
      held: (loss) => this.#held(loss),
      watching: () => this.#watching(),
      changed: (revision) => {
        this.#count.revisions++;
        queue.push(revision);
      },
    };
  }

  #listed(queue: BatchQueue, { revision, repaired }: Replacement): void {
    const { log } = this.#settings;
    this.#count.lists++;
    this.#lossBefore = undefined;
    if (repaired > 0) {
      this.#count.repairs += repaired;
      log("warn", "a full list found changes that etcd had not told", { repaired, revision: revision.revision });
    }
    if (revision.reset !== undefined) {
      this.#count.resets++;
      log("warn", revision.reset, { changes: revision.edits.length, revision: revision.revision });
    }
    // Also without a change: the first batch says that the source is ready, a later one how far it is.
    queue.push(revision);
  }

  #held(loss: string): void {
    this.#count.lists++;
    this.#lossBefore = loss;
    const reason = `${loss}; it is empty now, so that the ${this.#replica.size} keys from before go on being served`;
    this.#state = "stale";
    this.#reason = reason;
    this.#outage.failed(reason, { endpoint: this.#rotation.current.url });
  }

  #watching(): void {
    const { prefix } = this.#settings;
    const { url } = this.#rotation.current;
    this.#count.watches++;
    this.#watchingAt = performance.now();
    const fields = { prefix, keys: this.#replica.size, revision: this.#replica.revision };
    if (this.#state === "connecting") this.#settings.log("info", `in step with etcd at ${url}`, fields);
    this.#outage.over(`in step with etcd at ${url} again`, fields);
    this.#state = "synced";
    this.#reason = undefined;
  }

  /** Takes note of why a session ended. Returns how long to wait before the next, in milliseconds. */
  #ended(error: unknown): number {
    const lived = this.#watchingAt === undefined ? -1 : performance.now() - this.#watchingAt;
    if (error instanceof Doubt && error.planned) {
      if (error.reason === "audit") this.#count.audits++;
      this.#settings.log("debug", `listing etcd again: ${error.message}`);
      return lived >= HASTY_MS || lived < 0 ? 0 : 100 + this.#random() * 200;
    }
    const reason = error instanceof Doubt || error instanceof EtcdError ? error.message : `etcd failed: ${error}`;
    const code = error instanceof Doubt ? error.reason : error instanceof EtcdError ? error.code : "other";
    this.#count.doubts++;
    this.#lastDoubt = `${code}: ${reason}`;
    this.#reason = reason;
    // Also where the first watch never began: what the list brought is served.
    if (this.#state === "synced" || this.#count.lists > 0) this.#state = "stale";
    this.#outage.failed(reason, { endpoint: this.#rotation.current.url, code });
    if (lived >= STABLE_MS) this.#backoff.succeed();
    this.#rotation.next();
    return this.#backoff.fail();
  }
}

/** Resolves after `ms`, or at once when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
  });
}

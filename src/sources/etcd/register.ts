import { loadCarrier } from "./carrier.ts";
import type { EtcdClient, Operation } from "./client.ts";
import { createRotation } from "./endpoint.ts";
import { EtcdError } from "./errors.ts";
import { toByteString } from "./keys.ts";
import { type EtcdSourceOptions, parseEtcdOptions } from "./options.ts";
import { loadTls } from "./tls.ts";

/** What an instance tells of itself, as JSON under `<prefix>/_instances/<id>`. */
export interface InstanceRecord {
  readonly id: string;
  readonly version: string;
  /** As in `bun 1.4.5`. */
  readonly runtime: string;
  /** Revision of the configuration that it serves; `null` before the first list. */
  readonly revision: number | null;
  /** Keys that it does not serve as they are written. */
  readonly rejected: number;
  /** Where its control API is, as `HOST:PORT`. */
  readonly control: string;
  /** When it started, ISO 8601. */
  readonly since: string;
}

export interface RegisterOptions {
  /** As for the source. The user needs the right to write under `<prefix>/_instances/`. */
  readonly etcd: EtcdSourceOptions;
  readonly id: string;
  /** What to tell now; asked once a second, and written where it has changed. */
  readonly describe: () => Omit<InstanceRecord, "id">;
  /**
   * Writes the time to `<prefix>/_canary` every ten seconds, so that every instance can measure how long a write takes to arrive. One instance
   * does it; where it ends, another takes over. Default: false.
   */
  readonly canary?: boolean;
  /** Seconds after which the record goes where the instance dies without a word. Default 15. */
  readonly ttl?: number;
  /** Milliseconds between two looks at what to tell. Default 1000. */
  readonly everyMs?: number;
}

/** A registration that is kept. */
export interface Registration {
  /** Takes the record away. Resolves within a second, whatever etcd does. */
  stop(): Promise<void>;
}

/** Key of the canary, below the prefix. */
export const CANARY = "_canary";

const CANARY_MS = 10_000;

/** Directory of the records, below the prefix. No gateway takes it for configuration. */
export const INSTANCES = "_instances";

const STOP_MS = 1000;
const RETRY_MS = 2000;

/**
 * Keeps a record of this instance in etcd, under a lease, so that it goes with the instance. It is no part of what the gateway serves: where
 * etcd is away it is tried again without a word, and where the user may not write it is given up with one line.
 *
 * @throws TypeError where an option is missing or wrong.
 */
export function registerInstance(options: RegisterOptions): Registration {
  const registrar = new Registrar(options);
  return { stop: () => registrar.stop() };
}

/** A connection with a lease, and what was last written under it. */
interface Session {
  readonly client: EtcdClient;
  readonly lease: string;
  written: string;
  renewedAt: number;
  /** Revision at which this session made the canary; 0 = another one has it. */
  canary: number;
  sungAt: number;
}

class Registrar {
  readonly #options: RegisterOptions;
  readonly #settings: ReturnType<typeof parseEtcdOptions>;
  readonly #key: string;
  readonly #ttl: number;
  readonly #rotation: ReturnType<typeof createRotation>;
  readonly #done: Promise<void>;
  #session: Session | undefined;
  #stopped = false;
  /** The user may not write the canary. */
  #mute = false;
  #wake: (() => void) | undefined;

  constructor(options: RegisterOptions) {
    this.#options = options;
    this.#settings = parseEtcdOptions(options.etcd);
    this.#key = toByteString(`${this.#settings.prefix}${INSTANCES}/${options.id}`);
    this.#ttl = options.ttl ?? 15;
    const { endpoints } = this.#settings;
    this.#rotation = createRotation(endpoints, Math.floor(Math.random() * endpoints.length));
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    const limit = new AbortController();
    await Promise.race([this.#done, pause(STOP_MS, limit.signal)]);
    limit.abort();
    this.#session?.client.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#keep();
      } catch (error) {
        this.#leave();
        if (error instanceof EtcdError && error.code === "denied") {
          const { log, user } = this.#settings;
          log("info", "this instance is not registered: the user of etcd may not write", { user: user?.name ?? null });
          return;
        }
        this.#rotation.next();
        await this.#pause(RETRY_MS);
      }
    }
    await this.#revoke();
  }

  /** One session: until it fails, or the registration is stopped. */
  async #keep(): Promise<void> {
    const session = await this.#open();
    while (!this.#stopped) {
      await this.#write(session);
      if (this.#options.canary && !this.#mute) await this.#sing(session).catch((error) => this.#unheard(error));
      await this.#pause(this.#options.everyMs ?? 1000);
      if (performance.now() - session.renewedAt < this.#ttl * 333) continue;
      if (await session.client.leaseKeepAlive(session.lease) <= 0) throw new Error("the lease has ended");
      session.renewedAt = performance.now();
      await this.#restore(session);
    }
  }

  async #open(): Promise<Session> {
    const { carrier, limits, tls, user } = this.#settings;
    const endpoint = this.#rotation.current;
    const create = await loadCarrier(carrier);
    const client = create({ endpoint, tls: endpoint.tls ? await loadTls(tls) : {}, user: user?.name, limits });
    try {
      // As the source: a user may be given to an etcd that asks for none.
      if (user) await client.authenticate(user.name, user.password).catch(ignoreDisabled);
      const lease = await client.leaseGrant(this.#ttl);
      return this.#session = { client, lease, written: "", renewedAt: performance.now(), canary: 0, sungAt: 0 };
    } catch (error) {
      client.close();
      throw error;
    }
  }

  async #write(session: Session): Promise<void> {
    const text = JSON.stringify({ id: this.#options.id, ...this.#options.describe() });
    if (text === session.written) return;
    await session.client.txn({ then: [this.#record(session, text)] });
    session.written = text;
  }

  /** Writes the record again where somebody has deleted it: the lease does not tell, it lives without its keys. */
  async #restore(session: Session): Promise<void> {
    await session.client.txn({
      compare: [{ key: this.#key, target: "create", equals: 0 }],
      then: [this.#record(session, session.written)],
    });
  }

  #record({ lease }: Session, text: string): Operation {
    return { kind: "put", key: this.#key, value: new TextEncoder().encode(text), lease };
  }

  /** Writes the canary where this session has it, or nobody has. */
  async #sing(session: Session): Promise<void> {
    const now = performance.now();
    if (session.sungAt > 0 && now - session.sungAt < CANARY_MS) return;
    session.sungAt = now;
    const key = toByteString(`${this.#settings.prefix}${CANARY}`);
    const value = new TextEncoder().encode(JSON.stringify({ at: Date.now(), by: this.#options.id }));
    const { succeeded, header } = await session.client.txn({
      compare: [{ key, target: "create", equals: session.canary }],
      then: [{ kind: "put", key, value, lease: session.lease }],
    });
    if (!succeeded) session.canary = 0;
    else if (session.canary === 0) session.canary = header.revision;
  }

  #unheard(error: unknown): void {
    if (!(error instanceof EtcdError) || error.code !== "denied") throw error;
    this.#mute = true;
    this.#settings.log("info", "this instance writes no canary: the user of etcd may not");
  }

  async #revoke(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    await session.client.leaseRevoke(session.lease).catch(() => undefined);
    this.#leave();
  }

  #leave(): void {
    this.#session?.client.close();
    this.#session = undefined;
  }

  /** Ends early where the registration is stopped. */
  async #pause(ms: number): Promise<void> {
    if (this.#stopped) return;
    const early = new AbortController();
    this.#wake = () => early.abort();
    await pause(ms, early.signal);
    this.#wake = undefined;
  }
}

function ignoreDisabled(error: unknown): void {
  if (!(error instanceof EtcdError) || error.code !== "auth_disabled") throw error;
}

/** Resolves after `ms`, or when `signal` aborts; keeps no process alive. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

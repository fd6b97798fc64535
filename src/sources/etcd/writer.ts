import {
  checkWrite,
  type ReadAt,
  type StoredEntry,
  type StoredList,
  type StoredRead,
  type WritableSource,
  type Write,
  WriteError,
  type WriteErrorCode,
  type WriteLimits,
  type WriteResult,
} from "../../store/writable.ts";
import { type CarrierName, loadCarrier } from "./carrier.ts";
import type { EtcdClient, KeyValue, Operation, TxnResponse } from "./client.ts";
import { Doubt } from "./doubt.ts";
import { createRotation, type Rotation } from "./endpoint.ts";
import { EtcdError, type EtcdErrorCode } from "./errors.ts";
import { prefixEnd, toByteString, toText } from "./keys.ts";
import { listAll, PageSize } from "./list.ts";
import { type EtcdSettings, type EtcdSourceOptions, parseEtcdOptions } from "./options.ts";
import { loadTls } from "./tls.ts";

export type { CarrierName };

/** A prefix of etcd that can be written. It connects with its first call. */
export interface EtcdWriter extends WritableSource {
  /** Lets go of the connection; a later call makes another. */
  close(): void;
}

/** etcd's own defaults: `--max-txn-ops`, and `--max-request-bytes` with room for what is around the values. */
const LIMITS: WriteLimits = { operations: 128, bytes: 1_400_000 };

/**
 * Writes a prefix of etcd: each write is one transaction, guarded by the revisions that its keys were last written at.
 *
 * @param options As for the reading source; the user needs the right to read and to write under the prefix.
 * @param limits What etcd was started with, where that is not its default: 128 operations.
 * @throws TypeError where an option is missing or wrong.
 * @example
 * ```ts
 * const writer = etcdWriter({ endpoints: ["http://127.0.0.1:2379"], prefix: "/gatewatch" });
 * const { revision } = await writer.commit({ deletes: ["routes/1"] });
 * writer.close();
 * ```
 */
export function etcdWriter(options: EtcdSourceOptions, limits: Partial<WriteLimits> = {}): EtcdWriter {
  return new Writer(parseEtcdOptions(options), { ...LIMITS, ...limits });
}

/** Failures after which nothing was done, and another member, or a fresh login, may do better. */
const RETRIED: ReadonlySet<EtcdErrorCode> = new Set(["refused", "unreachable", "unresolved", "token"]);
/** As those, for calls that may be made twice. */
const RETRIED_READS: ReadonlySet<EtcdErrorCode> = new Set([...RETRIED, "closed", "no_leader"]);

class Writer implements EtcdWriter {
  readonly prefix: string;
  readonly limits: WriteLimits;
  readonly #settings: EtcdSettings;
  readonly #rotation: Rotation;
  readonly #page: PageSize;
  #client: Promise<EtcdClient> | undefined;

  constructor(settings: EtcdSettings, limits: WriteLimits) {
    this.limits = limits;
    this.#settings = settings;
    this.prefix = settings.prefix;
    this.#rotation = createRotation(settings.endpoints, Math.floor(Math.random() * settings.endpoints.length));
    this.#page = new PageSize(settings.limits.pageSize);
  }

  async get(key: string, { revision }: ReadAt = {}): Promise<StoredRead> {
    const at = revision === undefined ? {} : { revision };
    const answer = await this.#call(RETRIED_READS, (client) => client.range({ key: this.#bytes(key), ...at }));
    const [item] = answer.items;
    return { entry: item && this.#entry(item), revision: revision ?? answer.header.revision };
  }

  async list(prefix: string, { revision }: ReadAt = {}): Promise<StoredList> {
    const key = this.#bytes(prefix);
    const range = { key, end: prefixEnd(key), ...(revision === undefined ? {} : { revision }) };
    const { header, items } = await this.#call(
      RETRIED_READS,
      (client) => listAll(client, range, this.#page, this.#settings.limits),
    );
    const entries = Array.from(items.values(), (item) => this.#entry(item));
    return { entries, revision: revision ?? header.revision };
  }

  async commit(write: Write): Promise<WriteResult> {
    checkWrite(write, this.limits);
    const { puts = [], deletes = [], guards = [], ttl } = write;
    if (puts.length + deletes.length === 0 && guards.length === 0) {
      return { ok: true, revision: (await this.get("")).revision };
    }
    const lease = ttl === undefined ? undefined : await this.#call(RETRIED, (client) => client.leaseGrant(ttl));
    const then: Operation[] = [
      ...puts.map(({ key, value }): Operation => ({
        kind: "put",
        key: this.#bytes(key),
        value,
        ...(lease === undefined ? {} : { lease }),
      })),
      ...deletes.map((key): Operation => ({ kind: "delete", key: this.#bytes(key) })),
    ];
    const compare = guards.map(({ key, modRevision }) => ({
      key: this.#bytes(key),
      target: "mod" as const,
      equals: modRevision,
    }));
    const answer: TxnResponse = await this.#call(RETRIED, (client) => client.txn({ compare, then }));
    if (!answer.succeeded && lease !== undefined) await this.#dropLease(lease);
    return { ok: answer.succeeded, revision: answer.header.revision };
  }

  close(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.then((each) => each.close(), () => undefined);
  }

  #bytes(key: string): string {
    return this.#settings.key + toByteString(key);
  }

  #entry({ key, value, create, mod }: KeyValue): StoredEntry {
    return { key: toText(key.slice(this.#settings.key.length)), value, createRevision: create, modRevision: mod };
  }

  /** A lease that holds no key ends by itself as well, only later. */
  async #dropLease(lease: string): Promise<void> {
    await this.#call(RETRIED, (client) => client.leaseRevoke(lease)).catch(() => undefined);
  }

  /** Makes a call; where it failed in a way that another try may mend, at each other member once, and once at the same. */
  async #call<T>(retried: ReadonlySet<EtcdErrorCode>, call: (client: EtcdClient) => Promise<T>): Promise<T> {
    const tries = this.#settings.endpoints.length + 1;
    for (let left = tries - 1;; left--) {
      try {
        return await call(await (this.#client ??= this.#connect()));
      } catch (error) {
        const code = error instanceof EtcdError ? error.code : undefined;
        // What the store says of a key or a revision is no reason to connect anew.
        if (code !== "compacted" && code !== "future") {
          this.close();
          this.#rotation.next();
        }
        if (left > 0 && code !== undefined && retried.has(code)) continue;
        throw toWriteError(error, retried === RETRIED);
      }
    }
  }

  async #connect(): Promise<EtcdClient> {
    const { carrier, tls, user, limits } = this.#settings;
    const endpoint = this.#rotation.current;
    const create = await loadCarrier(carrier);
    const client = create({ endpoint, tls: endpoint.tls ? await loadTls(tls) : {}, user: user?.name, limits });
    if (user === undefined) return client;
    try {
      await client.authenticate(user.name, user.password);
    } catch (error) {
      // Users may be given before authentication is switched on.
      if (!(error instanceof EtcdError) || error.code !== "auth_disabled") {
        client.close();
        throw error;
      }
    }
    return client;
  }
}

const CODES: Readonly<Partial<Record<EtcdErrorCode, WriteErrorCode>>> = {
  compacted: "compacted",
  future: "compacted",
  denied: "refused",
  login: "refused",
  no_space: "refused",
  too_large: "refused",
};

function toWriteError(error: unknown, writing: boolean): WriteError {
  if (error instanceof Doubt) return new WriteError("refused", error.message, { cause: error });
  if (!(error instanceof EtcdError)) return new WriteError("unavailable", `etcd failed: ${error}`, { cause: error });
  const { code, message } = error;
  const known = CODES[code];
  if (known !== undefined) return new WriteError(known, message, { cause: error });
  // It went out, and no answer came.
  if (writing && (code === "closed" || code === "timeout" || code === "no_leader" || code === "protocol")) {
    return new WriteError("uncertain", `${message}; whether it was written is not known`, { cause: error });
  }
  const refused = code === "other" && /too many operations|too large|duplicate key|requested lease/i.test(message);
  return new WriteError(refused ? "refused" : "unavailable", message, { cause: error });
}

import { parseKey } from "../../config/key.ts";
import { type StoredEntry, type StoredList, type Write, WriteError, type WriteResult } from "../../store/writable.ts";
import { type AdminAnswer, type AdminRequest, askAdmin } from "./admin-client.ts";
import { REDACTED } from "./secrets.ts";
import type { Sealing } from "./sealing.ts";
import type { Target } from "./target.ts";
import { encodeValue, isFields } from "./value.ts";

/** Collections of the Admin API; credentials are below each consumer. */
const COLLECTIONS: readonly string[] = [
  "routes",
  "services",
  "upstreams",
  "consumers",
  "plugin_configs",
  "consumer_groups",
  "global_rules",
  "ssls",
  "plugin_metadata",
  "secrets",
];

const PAGE = 500;

/**
 * Reads and writes through the Admin API, one resource a request. It does not show private keys of certificates: they read as redacted. A
 * resource that is made there meanwhile is replaced, since the API has no guard for what is not there yet.
 */
export function adminTarget(origin: string, key: string | undefined, sealing: Sealing): Target {
  return new AdminTarget(origin, key, sealing);
}

class AdminTarget implements Target {
  readonly origin: string;
  readonly sealing: Sealing;
  readonly prefix = "";
  readonly limits = { operations: 1, bytes: 8 << 20 } as const;
  readonly #key: string | undefined;

  constructor(origin: string, key: string | undefined, sealing: Sealing) {
    this.sealing = sealing;
    this.origin = origin;
    this.#key = key;
  }

  async get(key: string, { revision }: { readonly revision?: number } = {}) {
    refusePast(revision);
    const answer = await this.#ask({ method: "GET", path: pathOf(key) });
    if (answer.status === 404) return { entry: undefined, revision: 0 };
    this.#refuse(answer, `read ${key}`);
    const entry = toEntry(answer.body, collectionOf(key));
    return { entry, revision: entry?.modRevision ?? 0 };
  }

  async list(prefix: string, { revision }: { readonly revision?: number } = {}): Promise<StoredList> {
    refusePast(revision);
    const entries = new Map<string, StoredEntry>();
    const take = async (path: string, collection: string): Promise<void> => {
      for (let page = 1;; page++) {
        const answer = await this.#ask({ method: "GET", path: `${path}?page=${page}&page_size=${PAGE}` });
        if (answer.status === 404) return;
        this.#refuse(answer, `list ${path.slice(1)}`);
        const list = isFields(answer.body) && Array.isArray(answer.body.list) ? answer.body.list : [];
        for (const item of list) {
          const entry = toEntry(item, collection);
          if (entry !== undefined) entries.set(entry.key, entry);
        }
        if (list.length < PAGE) return;
      }
    };
    for (const name of COLLECTIONS.filter((name) => `${name}/`.startsWith(prefix) || prefix.startsWith(`${name}/`))) {
      await take(`/${name}`, name);
      if (name !== "consumers") continue;
      for (const key of [...entries.keys()].filter((each) => /^consumers\/[^/]+$/.test(each))) {
        await take(`/${key}/credentials`, name);
      }
    }
    const found = [...entries.values()].filter(({ key }) => key.startsWith(prefix));
    return { entries: found, revision: Math.max(0, ...found.map(({ modRevision }) => modRevision)) };
  }

  async commit({ puts = [], deletes = [], guards = [] }: Write): Promise<WriteResult> {
    const guard = guards.find(({ modRevision }) => modRevision > 0)?.modRevision;
    const match = guard === undefined ? {} : { ifMatch: guard };
    const [put] = puts, [gone] = deletes;
    const answer = put !== undefined
      ? await this.#ask({ method: "PUT", path: pathOf(put.key), body: put.value, ...match })
      : gone !== undefined
      // Whether others refer to it was looked at, and what does is deleted before.
      ? await this.#ask({ method: "DELETE", path: `${pathOf(gone)}?force=true`, ...match })
      : undefined;
    if (answer === undefined) return { ok: true, revision: 0 };
    if (answer.status === 409 || answer.status === 412) return { ok: false, revision: answer.revision ?? 0 };
    this.#refuse(answer, `write ${put?.key ?? gone}`);
    const entry = put === undefined ? undefined : toEntry(answer.body, collectionOf(put.key));
    return { ok: true, revision: answer.revision ?? entry?.modRevision ?? 0 };
  }

  close(): void {}

  #ask(request: AdminRequest): Promise<AdminAnswer> {
    return askAdmin(this.origin, this.#key, request);
  }

  #refuse({ status, body }: AdminAnswer, what: string): void {
    if (status >= 200 && status < 300) return;
    const told = isFields(body) ? body.error_msg ?? body.message ?? "" : "";
    const key = status === 401 || status === 403 ? ": give --admin-key-file or GATEWATCH_ADMIN_KEY" : "";
    throw new WriteError(
      "refused",
      `Cannot ${what} at ${this.origin}: it answered ${status} ${String(told)}${key}`.trim(),
    );
  }
}

function refusePast(revision: number | undefined): void {
  if (revision === undefined) return;
  throw new WriteError("unsupported", `Cannot read revision ${revision} through the Admin API: give --etcd instead`);
}

function collectionOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

/** @throws WriteError for keys that the Admin API does not have. */
function pathOf(key: string): string {
  if (COLLECTIONS.includes(collectionOf(key))) return `/${key}`;
  throw new WriteError(
    "unsupported",
    `Cannot reach ${key} through the Admin API, which has no such kind: give --etcd instead`,
  );
}

/** A resource as the Admin API shows it; its key has the store's prefix in front. */
function toEntry(item: unknown, collection: string): StoredEntry | undefined {
  if (!isFields(item) || typeof item.key !== "string" || !isFields(item.value)) return undefined;
  const at = item.key.lastIndexOf(`/${collection}/`);
  const key = item.key.slice(at + 1);
  const parsed = parseKey(key);
  if (parsed === "ignored" || parsed.kind === "unknown") return undefined;
  const value = parsed.kind === "ssl" && item.value.key === undefined ? { ...item.value, key: REDACTED } : item.value;
  return {
    key,
    value: encodeValue(value),
    createRevision: Number(item.createdIndex) || 0,
    modRevision: Number(item.modifiedIndex) || 0,
  };
}

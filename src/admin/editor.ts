import { parseKey, toKey } from "../config/key.ts";
import { parseValue } from "../config/parse.ts";
import type { Secret } from "../config/secret.ts";
import type { Guard, StoredEntry, WritableSource } from "../store/writable.ts";
import { AdminError, invalid, notFound } from "./answer.ts";
import type { Checker, Fields } from "./check.ts";
import { findDependent } from "./dependents.ts";
import { Locks } from "./lock.ts";
import { toFields } from "./node.ts";
import { isObject, mergePatch, patchAt } from "./patch.ts";
import { ownId, type ResourceType, type Target } from "./resource-types.ts";
import { checkRules, guardReferences } from "./rules.ts";

/** How a write may be bound. */
export interface EditOptions {
  /** The revision that last wrote the resource, as the client knows it; `*`: any, but it must be there. Default: whatever it is. */
  readonly ifMatch?: number | "*" | undefined;
  /** Seconds that it is kept. */
  readonly ttl?: number | undefined;
}

/** What was written. */
export interface Edited {
  readonly entry: StoredEntry;
  readonly fields: Fields;
  /** It was not there before. */
  readonly created: boolean;
}

/** Times that a write is tried while others change the same resource. */
const TRIES = 30;

/** Changes resources: reads, changes, checks, and writes only if nobody else wrote meanwhile; otherwise once more from the start. */
export class Editor {
  readonly #source: WritableSource;
  readonly #checker: Checker;
  readonly #now: () => number;
  readonly #locks = new Locks();

  /** @param now Milliseconds since 1970. */
  constructor(source: WritableSource, checker: Checker, now: () => number) {
    this.#source = source;
    this.#checker = checker;
    this.#now = now;
  }

  /** @throws AdminError, WriteError */
  put(target: Target, body: unknown, options: EditOptions): Promise<Edited> {
    const value = toValue(body);
    const { type } = target;
    forbidStamps(value);
    const id = idOf(target, value);
    return this.#edit(type, id, options, (held) => this.#withStamps(type, withId(type, id, value), held));
  }

  /** Under an id of its own: the store's revision, as APISIX makes them. @throws AdminError, WriteError */
  async post(target: Target, body: unknown, options: EditOptions): Promise<Edited> {
    const { type } = target;
    const value = toValue(body);
    if (value["id"] !== undefined) throw new AdminError(400, `wrong ${type.label} id, do not need it`);
    forbidStamps(value);
    return await this.#locks.run(type.name, async () => {
      for (let tries = TRIES;; tries--) {
        const { revision } = await this.#source.get(toKey(type.kind, "0"));
        const id = target.parent + String(revision + 1).padStart(20, "0");
        const fields = this.#withStamps(type, withId(type, id, value), undefined);
        const edited = await this.#write(type, id, undefined, fields, options);
        if (edited !== undefined) return edited;
        if (tries <= 1) throw busy(type, id);
        await pause(TRIES - tries);
      }
    });
  }

  /** Merges a patch, or puts it at a path. @throws AdminError, WriteError */
  patch(target: Target, path: readonly string[], body: unknown, options: EditOptions): Promise<Edited> {
    const { type } = target;
    const id = idOf(target, {});
    if (body === undefined) throw new AdminError(400, "missing new configuration");
    if (path.length === 0 && !isObject(body)) throw new AdminError(400, "invalid configuration");
    return this.#edit(type, id, { ...options, ifMatch: options.ifMatch ?? "*" }, (held) => {
      if (held === undefined) throw notFound();
      const merged = path.length === 0 ? mergePatch(held, body) : patchAt(held, path, body);
      if (!isObject(merged)) throw new AdminError(400, "invalid configuration");
      const own = merged["id"];
      if (own !== undefined && String(own) !== ownId(type, id)) throw new AdminError(400, `wrong ${type.label} id`);
      const stamped = withId(type, id, { ...merged });
      stamped["create_time"] ??= this.#seconds();
      if (path.length > 0 || (body as Fields)["update_time"] === undefined) stamped["update_time"] = this.#seconds();
      return stamped;
    }, options.ifMatch === undefined);
  }

  /** @returns The revision of the deletion. @throws AdminError, WriteError */
  delete(target: Target, force: boolean, { ifMatch }: EditOptions): Promise<number> {
    const { type } = target;
    const id = idOf(target, {});
    const key = toKey(type.kind, id);
    return this.#locks.run(key, async () => {
      for (let tries = TRIES;; tries--) {
        const { entry } = await this.#source.get(key);
        if (entry === undefined) throw notFound();
        checkMatch(ifMatch, entry);
        const dependent = force ? undefined : await findDependent(this.#source, this.#checker.catalogue, type.kind, id);
        if (dependent !== undefined) {
          const what = type.kind === "service" ? "service directly" : type.label;
          throw new AdminError(400, `can not delete this ${what}, ${dependent} is still using it now`);
        }
        const deletes = type.kind === "consumer" ? [...await this.#credentials(id), key] : [key];
        // More than one transaction takes: the consumer goes with the last of them.
        while (deletes.length > this.#source.limits.operations) {
          await this.#source.commit({ deletes: deletes.splice(0, this.#source.limits.operations) });
        }
        const result = await this.#source.commit({ deletes, guards: [{ key, modRevision: entry.modRevision }] });
        if (result.ok) return result.revision;
        if (tries <= 1) throw busy(type, id);
        await pause(TRIES - tries);
      }
    });
  }

  async #credentials(username: string): Promise<string[]> {
    const { entries } = await this.#source.list(`${toKey("consumer", username)}/`);
    return entries.map(({ key }) => key);
  }

  /** Lets one writer of this process after the other change a resource, and starts anew where another process came before. */
  #edit(
    type: ResourceType,
    id: string,
    options: EditOptions,
    change: (held: Fields | undefined) => Fields,
    absentIsNotFound = false,
  ): Promise<Edited> {
    const key = toKey(type.kind, id);
    return this.#locks.run(key, async () => {
      for (let tries = TRIES;; tries--) {
        const { entry } = await this.#source.get(key);
        if (entry === undefined && absentIsNotFound) throw notFound();
        checkMatch(options.ifMatch, entry);
        const held = entry === undefined ? undefined : toFields(entry);
        // What is written over need not have been readable.
        const edited = await this.#write(type, id, entry, change(held), options);
        if (edited !== undefined) return edited;
        if (tries <= 1) throw busy(type, id);
        await pause(TRIES - tries);
      }
    });
  }

  /** Checks and writes; undefined where somebody else wrote meanwhile. */
  async #write(
    type: ResourceType,
    id: string,
    held: StoredEntry | undefined,
    fields: Fields,
    { ttl }: EditOptions,
  ): Promise<Edited | undefined> {
    const { kind } = type;
    const key = toKey(kind, id);
    const checked = await this.#checker.check(kind, id, fields, (name) => this.#manager(name));
    await checkRules(type, id, checked.resource, this.#source, this.#checker);
    const guards: Guard[] = [
      { key, modRevision: held?.modRevision ?? 0 },
      ...await guardReferences(type, checked.references, this.#source),
    ];
    await this.#checker.seal(kind, fields);
    const value = new TextEncoder().encode(JSON.stringify(fields));
    const result = await this.#source.commit({
      puts: [{ key, value }],
      guards,
      ...(ttl === undefined ? {} : { ttl }),
    });
    if (!result.ok) return undefined;
    const { revision } = result;
    const entry = { key, value, createRevision: held?.createRevision ?? revision, modRevision: revision };
    return { entry, fields, created: held === undefined };
  }

  async #manager(name: string): Promise<Secret | undefined> {
    const { entry } = await this.#source.get(toKey("secret", name));
    const parsed = entry && parseValue("secret", name, toFields(entry));
    return parsed?.ok ? parsed.resource : undefined;
  }

  #withStamps({ stamped }: ResourceType, value: Fields, held: Fields | undefined): Fields {
    if (!stamped) return value;
    const now = this.#seconds();
    return { ...value, create_time: held?.["create_time"] ?? now, update_time: now };
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}

function toValue(body: unknown): Fields {
  if (body === undefined) throw new AdminError(400, "missing configurations");
  if (!isObject(body)) throw invalid([{ path: "", message: "must be a JSON object" }]);
  return body;
}

/** The id that a request means, from its path or else from its body. */
function idOf({ type, id: given, parent }: Target, value: Readonly<Fields>): string {
  const { kind, label, idField } = type;
  const own = value[idField];
  const told = typeof own === "string" || typeof own === "number" ? parent + String(own) : undefined;
  const id = given ?? told;
  if (id === undefined) {
    throw new AdminError(400, kind === "plugin_metadata" ? "missing plugin name" : `missing ${label} ${idField}`);
  }
  if (told !== undefined && told !== id && !(kind === "secret" && String(own) === id)) {
    throw new AdminError(400, idField === "username" ? "wrong username" : `wrong ${label} id`);
  }
  const parsed = parseKey(toKey(kind, id));
  if (parsed === "ignored" || parsed.kind !== kind || parsed.id !== id) {
    const message = parsed !== "ignored" && parsed.kind === "unknown" ? parsed.reason : "the id cannot be used";
    throw invalid([{ path: idField, message }]);
  }
  return id;
}

function withId(type: ResourceType, id: string, value: Fields): Fields {
  return type.storesId ? { ...value, id: ownId(type, id) } : { ...value };
}

/** They are the server's to set, in the resource and (as APISIX looks) one level below. */
function forbidStamps(value: Readonly<Fields>): void {
  for (const name of ["create_time", "update_time"]) {
    if (value[name] !== undefined) throw new AdminError(400, `the property is forbidden:  ${name}`);
    for (const part of ["upstream", "plugins"]) {
      const below = value[part];
      if (isObject(below) && below[name] !== undefined) {
        throw new AdminError(400, `the property is forbidden:  ${part}.${name}`);
      }
    }
  }
}

function checkMatch(ifMatch: EditOptions["ifMatch"], entry: StoredEntry | undefined): void {
  if (ifMatch === undefined || (ifMatch === "*" && entry !== undefined)) return;
  if (entry !== undefined && entry.modRevision === ifMatch) return;
  const found = entry === undefined ? "it is not there" : `it was last written at revision ${entry.modRevision}`;
  throw new AdminError(412, {
    error_msg: `If-Match does not hold: ${found}`,
    modifiedIndex: entry?.modRevision ?? null,
  });
}

function busy({ label }: ResourceType, id: string): AdminError {
  return new AdminError(409, `others change this ${label} [${id}] all the time: nothing was written, try again`);
}

/** The more tries have failed, the longer; at random, so that two writers do not stay in step. */
function pause(failed: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(100, 4 * failed)));
}

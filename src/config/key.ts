import { quote } from "./issue.ts";
import { DIRECTORIES, type Kind } from "./kinds.ts";

/**
 * What a key names: a resource; nothing that concerns a gateway (`ignored`); or something that nobody should have written there, with
 * the reason.
 */
export type ParsedKey =
  | { readonly kind: Kind; readonly id: string }
  | "ignored"
  | { readonly kind: "unknown"; readonly reason: string };

/** Ids that Apache APISIX allows (`schema_def.lua`, id_schema). */
const ID = /^[a-zA-Z0-9._-]{1,64}$/;
const USERNAME = /^[a-zA-Z0-9_-]{1,256}$/;
/** Names of self-registered nodes: often an address with a port. */
const NODE_NAME = /^[a-zA-Z0-9._:-]{1,128}$/;
const MANAGERS: ReadonlySet<string> = new Set(["vault", "aws", "gcp"]);

/**
 * What others keep under the same prefix: APISIX's id generator, its data planes' heartbeats, and gatewatch's own instances and their canary.
 */
const FOREIGN: ReadonlySet<string> = new Set(["gen_id", "data_plane", "_instances", "_canary"]);

const PLACEHOLDER = "init_dir";

/**
 * Says what a key below the prefix holds. The id of a resource is the rest of its key, as in APISIX: `1` for `routes/1`,
 * `jack/credentials/c1` for `consumers/jack/credentials/c1`, `vault/1` for `secrets/vault/1`, `u1/nodes/a` for
 * `upstreams/u1/nodes/a`. Only ids of the allow-list pass; anything else is told with the reason.
 *
 * @param value Where given, a directory's own key (`routes/`) is ignored only when it holds APISIX's placeholder `init_dir`.
 *
 * @example
 * ```ts
 * parseKey("routes/1"); // { kind: "route", id: "1" }
 * parseKey("routes/../x"); // { kind: "unknown", reason: "..." }
 * ```
 */
export function parseKey(key: string, value?: Uint8Array): ParsedKey {
  if (key === "node") return { kind: "node", id: "node" };
  if (key === "plugins") return { kind: "plugin_list", id: "plugins" };
  const slash = key.indexOf("/");
  const directory = slash < 0 ? key : key.slice(0, slash);
  const rest = slash < 0 ? "" : key.slice(slash + 1);
  if (FOREIGN.has(directory)) return "ignored";
  if (rest === "" && (value === undefined ? isDirectory(directory) : isPlaceholder(value))) return "ignored";
  const kind = isDirectory(directory) ? DIRECTORIES[directory] : undefined;
  if (kind === undefined) return unknown(`no kind of resource is kept under ${quote(directory)}`);
  if (rest === "") return unknown("the id is empty");
  switch (kind) {
    case "consumer":
      return consumerKey(rest);
    case "secret":
      return secretKey(rest);
    case "service":
      return serviceKey(rest);
    case "upstream":
      return upstreamKey(rest);
    default:
      return isId(rest) ? { kind, id: rest } : badId(rest);
  }
}

/** The key of a resource below the prefix; the reverse of {@link parseKey}. */
export function toKey(kind: Kind, id: string): string {
  switch (kind) {
    case "node":
      return "node";
    case "plugin_list":
      return "plugins";
    case "credential":
      return `consumers/${id}`;
    case "upstream_node":
      return `upstreams/${id}`;
    case "plugin_metadata":
      return `plugin_metadata/${id}`;
    default:
      return `${kind}s/${id}`;
  }
}

/** Whether a text may be an id: 1 to 64 letters, digits, `.`, `_`, `-`, and neither `.` nor `..`, which paths would swallow. */
export function isId(text: string): boolean {
  return ID.test(text) && text !== "." && text !== "..";
}

function consumerKey(rest: string): ParsedKey {
  const [username = "", middle, credential = "", ...more] = rest.split("/");
  if (!USERNAME.test(username)) return badId(username, "1 to 256 letters, digits, '_', '-'");
  if (middle === undefined) return { kind: "consumer", id: username };
  if (middle !== "credentials" || more.length > 0) {
    return unknown(`a consumer keeps only credentials, not ${quote(rest)}`);
  }
  if (credential === "") return "ignored";
  return isId(credential) ? { kind: "credential", id: rest } : badId(credential);
}

function secretKey(rest: string): ParsedKey {
  const [manager = "", id = "", ...more] = rest.split("/");
  if (!MANAGERS.has(manager)) return unknown(`the secret manager must be vault, aws or gcp, is ${quote(manager)}`);
  return more.length === 0 && isId(id) ? { kind: "secret", id: rest } : badId(rest.slice(manager.length + 1));
}

function serviceKey(rest: string): ParsedKey {
  const [id = "", middle, ...more] = rest.split("/");
  if (!isId(id)) return badId(id);
  if (middle === undefined) return { kind: "service", id };
  // APISIX keeps these beside the service; they weigh GraphQL queries, which no plugin here does.
  if (middle === "graphql_cost_decorations" && more.length === 1) return "ignored";
  return badId(rest);
}

function upstreamKey(rest: string): ParsedKey {
  const [id = "", middle, name = "", ...more] = rest.split("/");
  if (!isId(id)) return badId(id);
  if (middle === undefined) return { kind: "upstream", id };
  if (middle !== "nodes" || more.length > 0) return badId(rest);
  if (name === "") return "ignored";
  return NODE_NAME.test(name)
    ? { kind: "upstream_node", id: rest }
    : badId(name, "1 to 128 letters, digits, '.', '_', ':', '-'");
}

function badId(id: string, wanted = "1 to 64 letters, digits, '.', '_', '-'"): ParsedKey {
  return unknown(`the id must be ${wanted}, is ${quote(id)}`);
}

function unknown(reason: string): ParsedKey {
  return { kind: "unknown", reason };
}

function isDirectory(name: string): boolean {
  return Object.hasOwn(DIRECTORIES, name);
}

function isPlaceholder(value: Uint8Array): boolean {
  return value.length === PLACEHOLDER.length && new TextDecoder().decode(value) === PLACEHOLDER;
}

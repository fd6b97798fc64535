import { toKey } from "../config/key.ts";
import type { Kind } from "../config/kinds.ts";

/** Methods that change or add a resource. */
export type WriteMethod = "PUT" | "POST" | "PATCH";

/** One of the Admin API's kinds of resource, as Apache APISIX has them (`apisix/admin/*.lua`). */
export interface ResourceType {
  /** As in the path: `routes`. */
  readonly name: string;
  readonly kind: Kind;
  /** As in messages: `plugin config`. */
  readonly label: string;
  /** Below `/apisix/admin`, as Hono writes paths. */
  readonly collection: string;
  readonly item: string;
  /** What is not in here is answered with 405. */
  readonly writes: readonly WriteMethod[];
  /** Whether what is stored carries its id; a consumer has a username instead. */
  readonly storesId: boolean;
  /** The field that names it. */
  readonly idField: "id" | "username";
  /** Whether what is stored carries create_time and update_time. */
  readonly stamped: boolean;
}

const ALL: readonly WriteMethod[] = ["PUT", "POST", "PATCH"];

function define(name: string, kind: Kind, rest: Partial<ResourceType> = {}): ResourceType {
  return {
    name,
    kind,
    label: kind.replace("_", " "),
    collection: `/${name}`,
    item: `/${name}/:id`,
    writes: ALL,
    storesId: true,
    idField: "id",
    stamped: true,
    ...rest,
  };
}

/** Every kind of resource that the Admin API has. */
export const RESOURCE_TYPES: readonly ResourceType[] = [
  define("routes", "route"),
  define("services", "service"),
  define("upstreams", "upstream"),
  define("consumers", "consumer", { writes: ["PUT"], storesId: false, idField: "username" }),
  define("credentials", "credential", {
    collection: "/consumers/:username/credentials",
    item: "/consumers/:username/credentials/:id",
    writes: ["PUT"],
  }),
  define("plugin_configs", "plugin_config", { writes: ["PUT", "PATCH"] }),
  define("consumer_groups", "consumer_group", { writes: ["PUT", "PATCH"] }),
  define("global_rules", "global_rule", { writes: ["PUT", "PATCH"] }),
  define("ssls", "ssl"),
  define("plugin_metadata", "plugin_metadata", { label: "plugin_metadata", writes: ["PUT"], stamped: false }),
  define("secrets", "secret", { item: "/secrets/:manager/:id", writes: ["PUT", "PATCH"] }),
  define("protos", "proto"),
];

/** What a request's path names; `id` is absent where it names the collection. */
export interface Target {
  readonly type: ResourceType;
  /** As in the store's key: `1`, `jack`, `jack/credentials/c1`, `vault/1`. */
  readonly id: string | undefined;
  /** What a path's own parts put in front of a new id: `jack/credentials/`. */
  readonly parent: string;
}

/** The target of a path with these parameters. */
export function toTarget(type: ResourceType, parameters: Readonly<Record<string, string>>): Target {
  const { id, username, manager } = parameters;
  const parent = type.kind === "credential"
    ? `${username}/credentials/`
    : type.kind === "secret" && manager !== undefined
    ? `${manager}/`
    : "";
  return { type, id: id === undefined ? undefined : parent + id, parent };
}

/** The part of an id that the resource itself carries: a credential's own, everything else's whole. */
export function ownId({ kind }: ResourceType, id: string): string {
  return kind === "credential" ? id.slice(id.lastIndexOf("/") + 1) : id;
}

/** What the keys of a collection begin with. */
export function keysOf({ type, parent }: Target): string {
  return toKey(type.kind, parent);
}

import * as v from "valibot";
import {
  addressRange,
  anyObject,
  type Described,
  described,
  type Draft,
  fields,
  flag,
  host,
  id,
  integer,
  oneOf,
  status,
  text,
  type Timeout,
  timeout,
  unique,
} from "./fields.ts";
import type { PluginUses } from "./plugins.ts";
import { list, rule, ruled } from "./schema-tools.ts";
import { type InlineUpstream, upstreamSchema } from "./upstream.ts";

/** Methods that a route may name. */
export type Method =
  | "GET"
  | "POST"
  | "PUT"
  | "DELETE"
  | "PATCH"
  | "HEAD"
  | "OPTIONS"
  | "CONNECT"
  | "TRACE"
  | "PURGE";

/** Which requests it takes, what happens to them, and where they go. Facts: `apisix/schema_def.lua`, route. */
export interface Route extends Described {
  readonly id: string;
  /** Exactly one of `uri` and `uris`. */
  readonly uri?: string;
  readonly uris?: readonly string[];
  /** At most one of `host` and `hosts`; without either, the service's hosts. */
  readonly host?: string;
  readonly hosts?: readonly string[];
  /** At most one of `remote_addr` and `remote_addrs`; addresses or CIDR ranges. */
  readonly remote_addr?: string;
  readonly remote_addrs?: readonly string[];
  /** Absent or empty: all. GET does not imply HEAD. */
  readonly methods?: readonly Method[];
  /** Higher first, among routes of the same host and path. Default: 0. */
  readonly priority: number;
  /** An expression on the request (lua-resty-expr's form). */
  readonly vars?: readonly unknown[];
  readonly plugins?: PluginUses;
  readonly plugin_config_id?: string;
  readonly service_id?: string;
  readonly upstream_id?: string;
  readonly upstream?: InlineUpstream;
  /** Overrides the upstream's. */
  readonly timeout?: Timeout;
  /** Default: the service's. */
  readonly enable_websocket?: boolean;
  /** 0: not in the router. Default: 1. */
  readonly status: 0 | 1;
}

const stored = fields({
  ...described,
  uri: v.exactOptional(text(1, 4096)),
  uris: v.exactOptional(unique(text(1, 4096), 1)),
  host: v.exactOptional(host),
  hosts: v.exactOptional(unique(host, 1)),
  remote_addr: v.exactOptional(addressRange),
  remote_addrs: v.exactOptional(unique(addressRange, 1)),
  methods: v.exactOptional(
    unique(oneOf("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE")),
  ),
  priority: v.exactOptional(integer(), 0),
  vars: v.exactOptional(list(v.unknown())),
  plugins: v.exactOptional(anyObject),
  plugin_config_id: v.exactOptional(id),
  service_id: v.exactOptional(id),
  upstream_id: v.exactOptional(id),
  upstream: v.exactOptional(upstreamSchema),
  timeout: v.exactOptional(timeout),
  enable_websocket: v.exactOptional(flag),
  status: v.exactOptional(status, 1),
});

type Stored = v.InferOutput<typeof stored>;

export const routeSchema: v.GenericSchema<unknown, Draft<Route>> = ruled(
  stored,
  rule<Stored>(
    ({ uri, uris }) =>
      (uri === undefined) === (uris === undefined)
        ? `must have exactly one of uri and uris: has ${uri === undefined ? "neither" : "both"}`
        : undefined,
    { oneOf: [{ required: ["uri"] }, { required: ["uris"] }] },
  ),
  rule<Stored>(
    ({ host, hosts }) => host !== undefined && hosts !== undefined ? "must not have both host and hosts" : undefined,
    { not: { required: ["host", "hosts"] } },
  ),
  rule<Stored>(
    ({ remote_addr, remote_addrs }) =>
      remote_addr !== undefined && remote_addrs !== undefined
        ? "must not have both remote_addr and remote_addrs"
        : undefined,
    { not: { required: ["remote_addr", "remote_addrs"] } },
  ),
  rule<Stored>(
    ({ plugins, upstream, upstream_id, service_id }) =>
      plugins || upstream || upstream_id !== undefined || service_id !== undefined
        ? undefined
        : "must have at least one of plugins, upstream, upstream_id and service_id",
    { anyOf: ["plugins", "upstream", "upstream_id", "service_id"].map((name) => ({ required: [name] })) },
  ),
);

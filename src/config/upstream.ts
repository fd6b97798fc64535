import * as v from "valibot";
import { type Checks, checks } from "./checks.ts";
import {
  anyObject,
  atLeast,
  type Described,
  described,
  type Draft,
  fields,
  flag,
  host,
  id,
  integer,
  oneOf,
  text,
  type Timeout,
  timeout,
} from "./fields.ts";
import { missingPort, type Node, type StoredNodes, storedNodes, toNodes } from "./nodes.ts";
import { certificate, privateKey } from "./pem.ts";
import { type JsonSchema, rule, ruled } from "./schema-tools.ts";

/** What a route, a service or a plugin may hold inline. Facts: `apisix/schema_def.lua`, upstream_schema. */
export interface InlineUpstream extends Described {
  /** An inline upstream may have one, too. */
  readonly id?: string;
  /** `undefined` where {@link InlineUpstream.service_name} finds them. May be empty. */
  readonly nodes?: readonly Node[];
  readonly service_name?: string;
  readonly discovery_type?: string;
  readonly discovery_args?: Readonly<Record<string, unknown>>;
  /** Default: `roundrobin`. */
  readonly type: "roundrobin" | "chash" | "ewma" | "least_conn";
  /** Default: `vars`. */
  readonly hash_on: "vars" | "header" | "cookie" | "consumer" | "vars_combinations";
  readonly key?: string;
  /** Further tries; default: one for each other node. */
  readonly retries?: number;
  /** Seconds; 0 is without limit. Default: 0. */
  readonly retry_timeout: number;
  readonly timeout?: Timeout;
  /** Default: `http`. */
  readonly scheme: "http" | "https" | "grpc" | "grpcs";
  /** Default: `pass`. */
  readonly pass_host: "pass" | "node" | "rewrite";
  readonly upstream_host?: string;
  readonly keepalive_pool?: KeepalivePool;
  readonly tls?: UpstreamTls;
  readonly checks?: Checks;
}

/** Idle connections kept to an upstream. */
export interface KeepalivePool {
  /** Default: 320. */
  readonly size: number;
  /** Seconds. Default: 60. */
  readonly idle_timeout: number;
  /** Requests on one connection. Default: 1000. */
  readonly requests: number;
}

/** The gateway's side of TLS to an upstream. */
export interface UpstreamTls {
  /** PEM. */
  readonly client_cert?: string;
  /** PEM; a secret. */
  readonly client_key?: string;
  /** An ssl resource of type `client`. */
  readonly client_cert_id?: string;
  /** Whether the upstream's certificate must be valid. Default: true (in Apache APISIX: false). */
  readonly verify: boolean;
}

/** Servers that requests go to, and how one is chosen. */
export interface Upstream extends InlineUpstream {
  readonly id: string;
}

/** The schemes of APISIX; those that are not HTTP are refused as unsupported before the schema is asked. */
export const SCHEMES = ["http", "https", "grpc", "grpcs", "tcp", "tls", "udp", "kafka"] as const;

/** Variables that may be hashed on (`schema_def.lua`, upstream_hash_vars_schema; `A-z` is APISIX's). */
const HASH_VARS: RegExp =
  /^((uri|server_name|server_addr|request_uri|remote_port|remote_addr|query_string|host|hostname|mqtt_client_id)|arg_[0-9a-zA-z_-]+)$/;

/** Names of header fields and cookies that may be hashed on. */
const HASH_FIELD = /^[a-zA-Z0-9_-]+$/;

const tls: v.GenericSchema<unknown, UpstreamTls> = ruled(
  fields({
    client_cert: v.exactOptional(certificate),
    client_key: v.exactOptional(privateKey),
    client_cert_id: v.exactOptional(id),
    verify: v.exactOptional(flag, true),
  }),
  rule<UpstreamTls>(
    (value) =>
      (value.client_cert === undefined) === (value.client_key === undefined)
        ? undefined
        : "must have both client_cert and client_key, or neither",
    { dependencies: { client_cert: ["client_key"], client_key: ["client_cert"] } },
  ),
  rule<UpstreamTls>(
    (value) =>
      value.client_cert !== undefined && value.client_cert_id !== undefined
        ? "must not have both client_cert and client_cert_id"
        : undefined,
    { not: { required: ["client_cert", "client_cert_id"] } },
  ),
);

const stored = fields({
  ...described,
  nodes: v.exactOptional(storedNodes),
  service_name: v.exactOptional(text(1, 256)),
  discovery_type: v.exactOptional(text()),
  discovery_args: v.exactOptional(anyObject),
  type: v.exactOptional(oneOf("roundrobin", "chash", "ewma", "least_conn"), "roundrobin"),
  hash_on: v.exactOptional(oneOf("vars", "header", "cookie", "consumer", "vars_combinations"), "vars"),
  key: v.exactOptional(text()),
  retries: v.exactOptional(integer(0)),
  retry_timeout: v.exactOptional(atLeast(0), 0),
  timeout: v.exactOptional(timeout),
  scheme: v.exactOptional(oneOf(...SCHEMES), "http"),
  pass_host: v.exactOptional(oneOf("pass", "node", "rewrite"), "pass"),
  upstream_host: v.exactOptional(host),
  keepalive_pool: v.exactOptional(fields({
    size: v.exactOptional(integer(1), 320),
    idle_timeout: v.exactOptional(atLeast(0), 60),
    requests: v.exactOptional(integer(1), 1000),
  })),
  tls: v.exactOptional(tls),
  checks: v.exactOptional(checks),
});

type Stored = v.InferOutput<typeof stored>;

/** An upstream as stored; its output has the nodes as one list of complete nodes. */
export const upstreamSchema: v.GenericSchema<unknown, Draft<Upstream>> = v.pipe(
  ruled(
    stored,
    rule<Stored>(nodesOrDiscovery, {
      oneOf: [{ required: ["nodes"] }, { required: ["service_name", "discovery_type"] }],
    }),
    rule<Stored>(hashKey, {
      allOf: [
        chash({ not: { const: "consumer" } }, { required: ["key"] }),
        chash({ const: "vars" }, { properties: { key: { pattern: HASH_VARS.source } } }),
        chash({ enum: ["header", "cookie"] }, { properties: { key: { pattern: HASH_FIELD.source } } }, "hash_on"),
      ],
    }, "key"),
    rule<Stored>(
      ({ pass_host, upstream_host }) =>
        pass_host === "rewrite" && upstream_host === undefined ? "is required, as pass_host is rewrite" : undefined,
      {
        if: { properties: { pass_host: { const: "rewrite" } }, required: ["pass_host"] },
        then: { required: ["upstream_host"] },
      },
      "upstream_host",
    ),
    rule<Stored>(({ nodes, scheme }) => nodes && missingPort(nodes, scheme), undefined, "nodes"),
  ),
  v.transform(complete),
);

/** Says what hashing needs, in JSON Schema; without `hash_on` the default, `vars`, is meant. */
function chash(hash_on: JsonSchema, then: JsonSchema, ...required: readonly string[]): JsonSchema {
  return { if: { properties: { type: { const: "chash" }, hash_on }, required: ["type", ...required] }, then };
}

function nodesOrDiscovery({ nodes, service_name, discovery_type }: Stored): string | undefined {
  const discovered = service_name !== undefined && discovery_type !== undefined;
  if ((nodes !== undefined) !== discovered) return undefined;
  return `must have either nodes, or service_name and discovery_type: has ${nodes === undefined ? "neither" : "both"}`;
}

function hashKey({ type, hash_on, key }: Stored): string | undefined {
  if (type !== "chash" || hash_on === "consumer") return undefined;
  if (key === undefined) return `is required, as type is chash and hash_on is ${hash_on}`;
  if (hash_on === "vars" && !HASH_VARS.test(key)) {
    return "must be a variable such as remote_addr, uri, request_uri, query_string, host or arg_NAME, as hash_on is vars";
  }
  if ((hash_on === "header" || hash_on === "cookie") && !HASH_FIELD.test(key)) {
    return `must be letters, digits, '-', '_', as hash_on is ${hash_on}`;
  }
  return undefined;
}

function complete(value: Stored): Draft<Upstream> {
  const { nodes } = value as { nodes?: StoredNodes };
  if (nodes === undefined) return value as Draft<Upstream>;
  // Valibot made this object; nobody else holds it, and copying every upstream would cost as much as validating it.
  return Object.assign(value, { nodes: toNodes(nodes, value.scheme) }) as Draft<Upstream>;
}

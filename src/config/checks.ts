import * as v from "valibot";
import { atLeast, fields, flag, host, integer, oneOf, text, unique } from "./fields.ts";
import { list, rule, ruled } from "./schema-tools.ts";

/** Probes that the gateway sends to each node by itself. */
export interface ActiveCheck {
  /** Default: `http`. */
  readonly type: "http" | "https" | "tcp";
  /** Seconds. Default: 1. */
  readonly timeout: number;
  /** Nodes probed at once. Default: 10. */
  readonly concurrency: number;
  /** Host header; default: the node's host. */
  readonly host?: string;
  /** Default: the node's port. */
  readonly port?: number;
  /** Default: `GET`. */
  readonly http_method: string;
  /** Default: `/`. */
  readonly http_path: string;
  /** Default: empty. */
  readonly http_req_body: string;
  /** Default: true. */
  readonly https_verify_certificate: boolean;
  /** Header lines, as in `User-Agent: probe`. */
  readonly req_headers?: readonly string[];
  readonly healthy: {
    /** Seconds between probes of a healthy node. Default: 1. */
    readonly interval: number;
    /** Default: 200, 302. */
    readonly http_statuses: readonly number[];
    /** Good probes in a row that make a node healthy. Default: 2. */
    readonly successes: number;
  };
  readonly unhealthy: UnhealthyLimits & {
    /** Seconds between probes of an unhealthy node. Default: 1. */
    readonly interval: number;
  };
}

/** What takes a node out; 0 (passive checks only) means never. */
export interface UnhealthyLimits {
  readonly http_statuses: readonly number[];
  readonly http_failures: number;
  readonly tcp_failures: number;
  readonly timeouts: number;
}

/** Judges nodes by the requests that pass. */
export interface PassiveCheck {
  /** Default: `http`. */
  readonly type: "http" | "https" | "tcp";
  readonly healthy: { readonly http_statuses: readonly number[]; readonly successes: number };
  readonly unhealthy: UnhealthyLimits;
}

/** Health checks of an upstream. Unlike in Apache APISIX, passive ones work without active ones. */
export interface Checks {
  readonly active?: ActiveCheck;
  readonly passive?: PassiveCheck;
}

const type = v.exactOptional(oneOf("http", "https", "tcp"), "http");
const interval = v.exactOptional(integer(1), 1);
/** Statuses that a probe or a request can count for; the list must not be empty, since nothing would ever count. */
const statuses = unique(integer(200, 599), 1);
const passiveHealthy = [200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308];

const active: v.GenericSchema<unknown, ActiveCheck> = fields({
  type,
  timeout: v.exactOptional(atLeast(0), 1),
  concurrency: v.exactOptional(integer(1), 10),
  host: v.exactOptional(host),
  port: v.exactOptional(integer(1, 65535)),
  http_method: v.exactOptional(text(1, 32), "GET"),
  http_path: v.exactOptional(text(0, 4096), "/"),
  http_req_body: v.exactOptional(text(), ""),
  https_verify_certificate: v.exactOptional(flag, true),
  req_headers: v.exactOptional(v.pipe(list(text(1, 8192)), v.minLength(1, "must have at least 1 item"))),
  healthy: v.exactOptional(
    fields({
      interval,
      http_statuses: v.exactOptional(statuses, [200, 302]),
      successes: v.exactOptional(integer(1, 254), 2),
    }),
    {},
  ),
  unhealthy: v.exactOptional(
    fields({
      interval,
      http_statuses: v.exactOptional(statuses, [429, 404, 500, 501, 502, 503, 504, 505]),
      http_failures: v.exactOptional(integer(1, 254), 5),
      tcp_failures: v.exactOptional(integer(1, 254), 2),
      timeouts: v.exactOptional(integer(1, 254), 3),
    }),
    {},
  ),
});

const passive: v.GenericSchema<unknown, PassiveCheck> = fields({
  type,
  healthy: v.exactOptional(
    fields({
      http_statuses: v.exactOptional(statuses, passiveHealthy),
      successes: v.exactOptional(integer(0, 254), 5),
    }),
    {},
  ),
  unhealthy: v.exactOptional(
    fields({
      http_statuses: v.exactOptional(statuses, [429, 500, 503]),
      http_failures: v.exactOptional(integer(0, 254), 5),
      tcp_failures: v.exactOptional(integer(0, 254), 2),
      timeouts: v.exactOptional(integer(0, 254), 7),
    }),
    {},
  ),
});

export const checks: v.GenericSchema<unknown, Checks> = ruled(
  fields({ active: v.exactOptional(active), passive: v.exactOptional(passive) }),
  rule<Checks>(
    (value) => value.active || value.passive ? undefined : "must have active or passive checks, or both",
    { anyOf: [{ required: ["active"] }, { required: ["passive"] }] },
  ),
);

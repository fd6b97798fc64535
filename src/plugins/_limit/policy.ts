import * as v from "valibot";
import { flag, integer, oneOf, text } from "../../config/fields.ts";
import type { Issue } from "../../config/issue.ts";
import { type Rule, rule } from "../../config/schema-tools.ts";
import type { Facilities } from "../../pipeline/plugin.ts";
import type { RedisTarget } from "../../pipeline/redis.ts";

/** Where a limiter counts: in this process, or in a Redis server that several processes share. */
export type Policy = "local" | "redis";

/** APISIX's `redis_*` options (`utils/redis-schema.lua`). */
export interface RedisOptions {
  readonly redis_host?: string;
  readonly redis_port: number;
  readonly redis_username?: string;
  /** A secret. */
  readonly redis_password?: string;
  readonly redis_database: number;
  /** Milliseconds. */
  readonly redis_timeout: number;
  readonly redis_ssl: boolean;
  readonly redis_ssl_verify: boolean;
}

/** Options that say where a limiter counts. */
export interface PolicyOptions extends RedisOptions {
  readonly policy: Policy;
}

type Optional<T, D = undefined> = v.ExactOptionalSchema<v.GenericSchema<unknown, T>, D>;

/** Their schema; {@link needsHost} goes with it. */
export const policyEntries: {
  readonly policy: Optional<Policy, Policy>;
  readonly redis_host: Optional<string>;
  readonly redis_port: Optional<number, number>;
  readonly redis_username: Optional<string>;
  readonly redis_password: Optional<string>;
  readonly redis_database: Optional<number, number>;
  readonly redis_timeout: Optional<number, number>;
  readonly redis_ssl: Optional<boolean, boolean>;
  readonly redis_ssl_verify: Optional<boolean, boolean>;
  readonly redis_keepalive_timeout: Optional<number>;
  readonly redis_keepalive_pool: Optional<number>;
} = {
  policy: v.exactOptional(oneOf("local", "redis"), "local"),
  redis_host: v.exactOptional(text(2, 255)),
  redis_port: v.exactOptional(integer(1, 65_535), 6379),
  redis_username: v.exactOptional(text(1)),
  redis_password: v.exactOptional(text(0)),
  redis_database: v.exactOptional(integer(0, 0x7fff_ffff), 0),
  // A request that waits for longer than a minute is lost to its client anyway.
  redis_timeout: v.exactOptional(integer(1, 60_000), 1000),
  redis_ssl: v.exactOptional(flag, false),
  redis_ssl_verify: v.exactOptional(flag, true),
  redis_keepalive_timeout: v.exactOptional(integer(1000)),
  redis_keepalive_pool: v.exactOptional(integer(1)),
};

/** The rule that `redis` needs a host. */
export function needsHost<T extends { readonly policy: Policy; readonly redis_host?: string }>(): Rule<T> {
  return rule<T>(
    ({ policy, redis_host }) =>
      policy === "redis" && redis_host === undefined ? "is required, as policy is redis" : undefined,
    {
      if: { properties: { policy: { const: "redis" } }, required: ["policy"] },
      then: { required: ["redis_host"] },
    },
    "redis_host",
  );
}

/** Policies of APISIX's that need a client of another sort. */
const FOREIGN: readonly unknown[] = ["redis-cluster", "redis-sentinel"];

/** What of a limiter's configuration this gateway cannot do. */
export function unsupportedPolicy(
  { policy }: Readonly<Record<string, unknown>>,
  { redis }: Facilities,
): readonly Issue[] {
  if (FOREIGN.includes(policy)) {
    return [{ path: "policy", message: `is ${policy}, which this gateway does not support: use redis or local` }];
  }
  if (policy === "redis" && !redis) {
    return [{ path: "policy", message: "is redis, and this gateway was not given what connects to Redis" }];
  }
  return [];
}

/** The server that a checked configuration names. */
export function toRedisTarget(options: RedisOptions): RedisTarget {
  const { redis_username: username, redis_password: password } = options;
  const named = password !== undefined && password !== "";
  return {
    host: options.redis_host ?? "",
    port: options.redis_port,
    // As in APISIX, a user name alone does not log in.
    ...(named && username !== undefined ? { username } : {}),
    ...(named ? { password } : {}),
    database: options.redis_database,
    timeout: options.redis_timeout,
    tls: options.redis_ssl,
    verify: options.redis_ssl_verify,
  };
}

/** A short text for settings, which tells counters of one Redis key space apart; the same in every process. */
export function settingsId(settings: unknown): string {
  const text = JSON.stringify(settings);
  let high = 0x811c9dc5, low = 0x9e3779b9;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x5bd1e995);
    low ^= low >>> 15;
  }
  return (high >>> 0).toString(36) + (low >>> 0).toString(36);
}

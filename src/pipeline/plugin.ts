import type { MiddlewareHandler } from "hono";
import type * as v from "valibot";
import type { Issue } from "../config/issue.ts";
import type { ConsumerDirectory } from "./consumers.ts";
import type { ExchangeLogger, PluginEnv, UpstreamHandle } from "./context.ts";
import type { Metrics } from "./metrics.ts";
import type { RedisConnection, RedisTarget } from "./redis.ts";

export { type AnswerChange, type Step, stepMiddleware, type StepResult } from "./step.ts";

/**
 * When a plugin runs: all `rewrite` plugins before all `access` plugins, and within a phase by priority, as in Apache APISIX. What a plugin
 * does to the answer it does after `await next()`.
 *
 * `answer` is for plugins that do nothing else: they are around all the others, so that they see every answer, also that of a plugin that refused
 * the request; the one with the higher priority changes it first (APISIX's `header_filter` and `body_filter`).
 */
export type PluginPhase = "rewrite" | "access" | "answer";

/** What a plugin is given when it is made, beside its own configuration. */
export interface PluginEnvironment {
  /** The resource that configures it, as in `route/1`. */
  readonly resource: string;
  /**
   * State of the plugin in this resource, by a key of the plugin's own. It is made once, survives changes of the configuration that do not change
   * the key, and is released with the resource: `dispose` is called then.
   */
  state<T>(key: string, make: () => T, dispose?: (state: T) => void): T;
  /** The same, shared by all resources that ask for that key (`group`); released with the last of them. */
  sharedState<T>(key: string, make: () => T, dispose?: (state: T) => void): T;
  /** Names an upstream for {@link UpstreamRequest.handle}: by its id, or one written inline in the plugin's configuration. */
  upstream(idOrInline: string | Readonly<Record<string, unknown>>): UpstreamHandle;
  /** The gateway's metrics, for those of the plugin's own. */
  readonly metrics: Metrics;
  /** The consumers that this plugin can authenticate. */
  readonly consumers: ConsumerDirectory;
  /** The plugin's metadata (`plugin_metadata/<name>`) as it is now; undefined where there is none. */
  metadata(): Readonly<Record<string, unknown>> | undefined;
  /** A connection to Redis, shared by all that ask for the same target and closed with the last of them. */
  redis(target: RedisTarget): RedisConnection;
}

/** What a gateway may or may not have been given, for plugins that need it. */
export interface Facilities {
  /** Whether connections to Redis can be made. */
  readonly redis: boolean;
}

/** The parts of a plugin. */
export interface PluginDefinition<Schema extends v.GenericSchema> {
  /** As written in a resource's `plugins`. */
  readonly name: string;
  /** Higher runs earlier; the built-in ones are APISIX's. */
  readonly priority: number;
  /** Default: `access`. */
  readonly phase?: PluginPhase;
  /** What a route, a service, a plugin config, a consumer group, a global rule says of it. */
  readonly schema: Schema;
  /** Makes it an authentication plugin: what a consumer or a credential says of it, as in key-auth's `{"key": "..."}`. */
  readonly consumerSchema?: v.GenericSchema;
  /** What {@link ConsumerDirectory.find} finds a consumer by, from its configuration. */
  readonly consumerKey?: (config: unknown) => string;
  /** Paths of fields that APISIX encrypts at rest (its `encrypt_fields`). */
  readonly encryptedFields?: readonly string[];
  /** Ids of upstreams that a configuration refers to, so that a missing one shows and a change reaches the route. */
  readonly upstreamIds?: (config: v.InferOutput<Schema>) => Iterable<string>;
  /**
   * What a configuration asks for that APISIX has and this gateway does not. Called before the schema, with the configuration as written, which
   * may be anything; a resource with such an issue is rejected as unsupported. Paths begin at the configuration.
   */
  readonly unsupported?: (config: Readonly<Record<string, unknown>>, facilities: Facilities) => readonly Issue[];
  /**
   * Makes the middleware for one configuration. Called when the configuration changes, not per request: whatever can be
   * prepared is prepared here. Absent where the plugin only looks on ({@link PluginDefinition.log}): then it costs no step of the chain.
   */
  create?(config: v.InferOutput<Schema>, environment: PluginEnvironment): MiddlewareHandler<PluginEnv>;
  /**
   * Makes what hears of every request once it is over, whoever answered it: also one that another plugin refused, or that failed (APISIX's phase
   * `log`). Called when the configuration changes, as `create` is.
   */
  log?(config: v.InferOutput<Schema>, environment: PluginEnvironment): ExchangeLogger;
  /** `prefer_route`: in a global rule, {@link PluginDefinition.log} leaves out requests whose route has the plugin, too. */
  readonly runPolicy?: "prefer_route";
}

/** A plugin, with the type of its configuration hidden so that plugins can stand in one list. */
export interface Plugin {
  readonly name: string;
  readonly priority: number;
  readonly phase: PluginPhase;
  readonly schema: v.GenericSchema;
  readonly consumerSchema?: v.GenericSchema;
  readonly consumerKey?: (config: unknown) => string;
  readonly encryptedFields?: readonly string[];
  upstreamIds(config: unknown): Iterable<string>;
  unsupported(config: unknown, facilities: Facilities): readonly Issue[];
  create?(config: unknown, environment: PluginEnvironment): MiddlewareHandler<PluginEnv>;
  log?(config: unknown, environment: PluginEnvironment): ExchangeLogger;
  readonly runPolicy?: "prefer_route";
}

/**
 * Declares a plugin: an ordinary Hono middleware with a valibot schema for its configuration.
 *
 * @example
 * ```ts
 * import * as v from "valibot";
 * import { definePlugin } from "gatewatch/plugin";
 *
 * export const stamp = definePlugin({
 *   name: "stamp",
 *   priority: 1500,
 *   schema: v.object({ header: v.optional(v.string(), "x-stamp") }),
 *   create: (config) => async (c, next) => {
 *     c.var.upstream.headers.set(config.header, String(Date.now()));
 *     await next();
 *   },
 * });
 * ```
 */
export function definePlugin<Schema extends v.GenericSchema>(definition: PluginDefinition<Schema>): Plugin {
  type Config = v.InferOutput<Schema>;
  const { create, log, ...parts } = definition;
  return {
    ...parts,
    phase: definition.phase ?? "access",
    upstreamIds: (config) => definition.upstreamIds?.(config as Config) ?? [],
    unsupported: (config, facilities) =>
      definition.unsupported?.(config as Readonly<Record<string, unknown>>, facilities) ?? [],
    ...(create === undefined ? {} : { create: (config, environment) => create(config as Config, environment) }),
    ...(log === undefined ? {} : { log: (config, environment) => log(config as Config, environment) }),
  };
}

import type { MiddlewareHandler } from "hono";
import type * as v from "valibot";
import type { PluginEnv, UpstreamHandle } from "./context.ts";

/**
 * When a plugin runs: all `rewrite` plugins before all `access` plugins, and within a phase by priority, as in Apache APISIX. What a plugin
 * does to the answer it does after `await next()`.
 */
export type PluginPhase = "rewrite" | "access";

/** What a plugin is given when it is made, beside its own configuration. */
export interface PluginEnvironment {
  /** The resource that configures it, as in `route/1`. */
  readonly resource: string;
  /** State by a key of the plugin's own, which lives as long as the resource does and survives its other changes. */
  state<T>(key: string, make: () => T): T;
  /** Names an upstream by its id, or one written inline. */
  upstream(idOrInline: unknown): UpstreamHandle;
}

/** The parts of a plugin. */
export interface PluginDefinition<Schema extends v.GenericSchema> {
  /** As written in a resource's `plugins`. */
  readonly name: string;
  /** Higher runs earlier; the built-in ones are APISIX's. */
  readonly priority: number;
  /** Default: `access`. */
  readonly phase?: PluginPhase;
  readonly schema: Schema;
  /** For authentication plugins: what a consumer or a credential says of it, as in key-auth's `{"key": "..."}`. */
  readonly consumerSchema?: v.GenericSchema;
  /** Paths of fields that APISIX encrypts at rest (its `encrypt_fields`). */
  readonly encryptedFields?: readonly string[];
  /**
   * Makes the middleware for one configuration. Called when the configuration changes, not per request: whatever can be
   * prepared is prepared here.
   */
  create(config: v.InferOutput<Schema>, environment: PluginEnvironment): MiddlewareHandler<PluginEnv>;
}

/** A plugin, with the type of its configuration hidden so that plugins can stand in one list. */
export interface Plugin {
  readonly name: string;
  readonly priority: number;
  readonly phase: PluginPhase;
  readonly schema: v.GenericSchema;
  readonly consumerSchema?: v.GenericSchema;
  readonly encryptedFields?: readonly string[];
  create(config: unknown, environment: PluginEnvironment): MiddlewareHandler<PluginEnv>;
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
  return {
    ...definition,
    phase: definition.phase ?? "access",
    create: (config, environment) => definition.create(config as v.InferOutput<Schema>, environment),
  };
}

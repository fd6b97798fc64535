import type { Context } from "hono";
import type { Terminal } from "../pipeline/compose.ts";
import type { PluginEnv } from "../pipeline/context.ts";
import type { LogLink } from "./log-links.ts";

/** What the global rules ask of a request after its route's rewriting plugins ran. */
export interface GlobalAccess {
  /** Their plugins that decide on access, around {@link GlobalState.afterGlobal}; undefined where there are none. */
  readonly chain: Terminal | undefined;
  /** Whether one of them authenticates. */
  readonly authenticates: boolean;
  /** Those that hear of requests that are over. */
  readonly loggers: readonly LogLink[];
}

/** What a request keeps of the global rules that it started with. */
export interface GlobalState {
  readonly global: GlobalAccess | undefined;
  /** What follows the global rules' plugins. */
  afterGlobal: Terminal | undefined;
}

/**
 * Runs the global rules' access plugins before `inner`. They come after the route's rewriting plugins, so that a global rule can ask who was
 * authenticated there (APISIX `init.lua`, http_access_phase).
 */
export function afterGlobalAccess(c: Context<PluginEnv>, state: GlobalState, inner: Terminal): Promise<Response> {
  const chain = state.global?.chain;
  if (chain === undefined) return inner(c);
  state.afterGlobal = inner;
  return chain(c);
}

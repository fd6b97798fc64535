import type { MiddlewareHandler } from "hono";
import type { PluginMeta, PluginUses } from "../config/plugins.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { PluginEnv } from "../pipeline/context.ts";
import type { PluginEnvironment, PluginPhase } from "../pipeline/plugin.ts";

/** The plugins of one resource, and which one it is (`route/1`). */
export interface PluginLayer {
  readonly from: string;
  readonly uses: PluginUses | undefined;
}

/** A plugin of a merged chain. */
export interface ChainLink {
  readonly name: string;
  /** The resource that its configuration comes from. */
  readonly from: string;
  readonly phase: PluginPhase;
  readonly priority: number;
  readonly config: unknown;
  readonly meta: PluginMeta;
}

/**
 * Merges the plugins of several resources, the first layer winning: a plugin's configuration is replaced as a whole, never merged
 * (APISIX `plugin.lua`, merge_service_route, merge_consumer_route). One that is disabled where it wins does not run.
 *
 * @returns The links in the order in which they run: phase `rewrite` before `access`, then by priority, higher first, then by name.
 */
export function mergePlugins(layers: readonly PluginLayer[], catalogue: Catalogue): ChainLink[] {
  const links = new Map<string, ChainLink | undefined>();
  for (const { from, uses } of layers) {
    if (uses === undefined) continue;
    for (const [name, use] of Object.entries(uses)) {
      if (links.has(name)) continue;
      const plugin = catalogue.get(name);
      const runs = plugin !== undefined && use.meta.disable !== true;
      links.set(
        name,
        runs
          ? {
            name,
            from,
            phase: plugin.phase,
            priority: use.meta.priority ?? plugin.priority,
            config: use.config,
            meta: use.meta,
          }
          : undefined,
      );
    }
  }
  return [...links.values()].filter((link) => link !== undefined).sort(inOrder);
}

/** Makes the middleware of a merged chain. */
export function createLinks(
  links: readonly ChainLink[],
  catalogue: Catalogue,
  environment: (link: ChainLink) => PluginEnvironment,
): MiddlewareHandler<PluginEnv>[] {
  return links.map((link) => catalogue.get(link.name)!.create(link.config, environment(link)));
}

function inOrder(a: ChainLink, b: ChainLink): number {
  if (a.phase !== b.phase) return a.phase === "rewrite" ? -1 : 1;
  return b.priority - a.priority || (a.name < b.name ? -1 : 1);
}

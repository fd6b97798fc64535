import type { PluginMeta, PluginUses } from "../config/plugins.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { PluginPhase } from "../pipeline/plugin.ts";

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
 * @returns The links in the order in which they run: phase `answer` before `rewrite` before `access`, then by priority, higher first (in `answer`
 * lower first, since these work on the way back), then by name.
 */
export function mergePlugins(layers: readonly PluginLayer[], catalogue: Catalogue): ChainLink[] {
  const links = new Map<string, ChainLink | undefined>();
  for (const { from, uses } of layers) {
    if (uses === undefined) continue;
    for (const [name, { config, meta }] of Object.entries(uses)) {
      if (links.has(name)) continue;
      const plugin = catalogue.get(name);
      if (plugin === undefined || meta.disable === true) links.set(name, undefined);
      else {
        const priority = meta.priority ?? plugin.priority;
        links.set(name, { name, from, phase: plugin.phase, priority, config, meta });
      }
    }
  }
  return [...links.values()].filter((link) => link !== undefined).sort(inOrder);
}

/** Which links run before the route knows its consumer, those of phase `answer` around the others, and which after. */
export function splitPhases(links: readonly ChainLink[]): { rewrite: ChainLink[]; access: ChainLink[] } {
  return {
    rewrite: links.filter(({ phase }) => phase !== "access"),
    access: links.filter(({ phase }) => phase === "access"),
  };
}

/** Whether one of the links says who a request is from. */
export function authenticates(links: readonly ChainLink[], catalogue: Catalogue): boolean {
  return links.some(({ name }) => catalogue.get(name)?.consumerSchema !== undefined);
}

function inOrder(a: ChainLink, b: ChainLink): number {
  if (a.phase !== b.phase) return RANKS[a.phase] - RANKS[b.phase];
  // The innermost is the first to change an answer.
  if (a.phase === "answer") return a.priority - b.priority || (a.name < b.name ? 1 : -1);
  return b.priority - a.priority || (a.name < b.name ? -1 : 1);
}

const RANKS: Readonly<Record<PluginPhase, number>> = { answer: 0, rewrite: 1, access: 2 };

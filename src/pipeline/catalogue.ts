import * as v from "valibot";
import { toIssues } from "../config/issue.ts";
import type { PluginCatalogue } from "../config/plugins.ts";
import type { Facilities, Plugin } from "./plugin.ts";

/** The plugins that a gateway has, by name. */
export interface Catalogue extends PluginCatalogue {
  get(name: string): Plugin | undefined;
  /** In the order in which they were given. */
  all(): readonly Plugin[];
}

/** What a gateway has when nobody gave it more. */
const NO_FACILITIES: Facilities = { redis: false };

/**
 * Puts plugins under their names, for resources to be checked against.
 *
 * @param facilities What plugins can rely on; a configuration that needs more is rejected as unsupported.
 * @throws {Error} where two plugins have one name: which of them a route meant could not be told.
 */
export function createCatalogue(plugins: readonly Plugin[], facilities: Facilities = NO_FACILITIES): Catalogue {
  const byName = new Map<string, Plugin>();
  for (const plugin of plugins) {
    if (byName.has(plugin.name)) {
      throw new Error(`Cannot add the plugin '${plugin.name}' as its name must be its own: another plugin has it`);
    }
    byName.set(plugin.name, plugin);
  }
  return {
    get: (name) => byName.get(name),
    all: () => plugins,
    check(name, config, where) {
      const plugin = byName.get(name);
      if (plugin === undefined) return "unknown";
      const unsupported = plugin.unsupported(config, facilities);
      if (unsupported.length > 0) return { ok: false, issues: [], unsupported };
      const secret = where === "consumer" || where === "credential" ? plugin.consumerSchema : undefined;
      const parsed = v.safeParse(secret ?? plugin.schema, config);
      if (parsed.success) return { ok: true, config: parsed.output };
      // A password that was put into the wrong field of somebody's credentials is a password.
      return { ok: false, issues: toIssues(parsed.issues, "", () => secret !== undefined) };
    },
    encryptedFields: (name) => byName.get(name)?.encryptedFields ?? [],
  };
}

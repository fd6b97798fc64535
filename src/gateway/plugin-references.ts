import type { Resource } from "../config/resource.ts";
import type { PluginUses } from "../config/plugins.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { Reference, ReferenceExtractor } from "../store/references.ts";

/** Finds the upstreams that plugins' configurations name, so that a missing one shows in the status. */
export function pluginReferences(catalogue: Catalogue): ReferenceExtractor {
  return (kind, resource) => kind === "plugin_list" ? [] : referencesOf(resource, catalogue);
}

function* referencesOf(resource: Resource, catalogue: Catalogue): Generator<Reference> {
  const { plugins } = resource as { readonly plugins?: PluginUses };
  if (plugins === undefined) return;
  for (const [name, { config, meta }] of Object.entries(plugins)) {
    if (meta.disable === true) continue;
    for (const id of catalogue.get(name)?.upstreamIds(config) ?? []) {
      yield { kind: "upstream", id, path: `plugins.${name}` };
    }
  }
}

import type { Issue } from "../config/issue.ts";
import type { Kind } from "../config/kinds.ts";
import type { Resource, ResourceOf } from "../config/resource.ts";
import type { PluginUses } from "../config/plugins.ts";
import { Matcher } from "../match/matcher.ts";
import type { RouterName } from "../match/route.ts";
import { checkMeta } from "../pipeline/meta.ts";
import { toMatchRoute } from "./entry.ts";

/**
 * Makes the check of what a schema cannot see: whether a route's paths, expressions and regular expressions compile. What fails it is rejected
 * before it takes the place of the last good value.
 */
export function createInspector(router: RouterName): (kind: Kind, resource: Resource) => readonly Issue[] {
  const matcher = new Matcher<undefined>({ router });
  return (kind, resource) => {
    const filters = inspectFilters(kind, resource);
    if (kind !== "route" || filters.length > 0) return filters;
    const route = resource as ResourceOf<"route">;
    return matcher.check(toMatchRoute(route, undefined)).map(({ path, message }) => ({
      path: path.replace(/^remoteAddrs/, route.remote_addr === undefined ? "remote_addrs" : "remote_addr"),
      message,
    }));
  };
}

/** `_meta.filter` is an expression, as a route's `vars`. */
function inspectFilters(kind: Kind, resource: Resource): readonly Issue[] {
  const { plugins } = resource as { readonly plugins?: PluginUses };
  if (plugins === undefined || kind === "plugin_list") return NONE;
  return Object.entries(plugins).flatMap(([name, { meta }]) =>
    checkMeta(meta).map(({ path, message }) => ({ path: `plugins.${name}._meta.${path}`, message }))
  );
}

const NONE: readonly Issue[] = [];

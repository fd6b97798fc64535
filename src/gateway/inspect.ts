import type { Issue } from "../config/issue.ts";
import type { Kind } from "../config/kinds.ts";
import type { Resource, ResourceOf } from "../config/resource.ts";
import type { PluginUses } from "../config/plugins.ts";
import { Matcher } from "../match/matcher.ts";
import type { RouterName } from "../match/route.ts";
import { checkMeta } from "../pipeline/meta.ts";
import { toMatchRoute } from "./entry.ts";
import type { ServerCertificates } from "./server-certificates.ts";

/**
 * Makes the check of what a schema cannot see: whether a route's paths, expressions and regular expressions compile, and whether the keys of an ssl fit its
 * certificates. What fails it is rejected
 * before it takes the place of the last good value.
 */
export function createInspector(
  router: RouterName,
  certificates?: Pick<ServerCertificates, "inspect">,
): (kind: Kind, resource: Resource) => readonly Issue[] {
  const matcher = new Matcher<undefined>({ router });
  return (kind, resource) => {
    if (kind === "ssl") return certificates?.inspect(resource as ResourceOf<"ssl">) ?? NONE;
    const filters = inspectFilters(kind, resource);
    if (kind !== "route" || filters.length > 0) return filters;
    const route = resource as ResourceOf<"route">;
    return matcher.check(toMatchRoute(route, undefined)).map(({ path, message }) => ({
      path: asWritten(path, route),
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

/** The path in the route as it is written: `uri` where there is no list of them. */
function asWritten(path: string, route: ResourceOf<"route">): string {
  const singular = { uris: "uri", hosts: "host", remote_addrs: "remote_addr" } as const;
  const list = /^(uris|hosts|remote_addrs)\[0\]/.exec(path);
  if (list === null) return path;
  const name = singular[list[1] as keyof typeof singular];
  return route[name] === undefined ? path : name + path.slice(list[0].length);
}

const NONE: readonly Issue[] = [];

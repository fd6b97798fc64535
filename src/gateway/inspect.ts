import type { Issue } from "../config/issue.ts";
import type { Kind } from "../config/kinds.ts";
import type { Resource, ResourceOf } from "../config/resource.ts";
import { Matcher } from "../match/matcher.ts";
import type { RouterName } from "../match/route.ts";
import { toMatchRoute } from "./entry.ts";

/**
 * Makes the check of what a schema cannot see: whether a route's paths, expressions and regular expressions compile. What fails it is rejected
 * before it takes the place of the last good value.
 */
export function createInspector(router: RouterName): (kind: Kind, resource: Resource) => readonly Issue[] {
  const matcher = new Matcher<undefined>({ router });
  return (kind, resource) => {
    if (kind !== "route") return NONE;
    const route = resource as ResourceOf<"route">;
    return matcher.check(toMatchRoute(route, undefined)).map(({ path, message }) => ({
      path: path.replace(/^remoteAddrs/, route.remote_addr === undefined ? "remote_addrs" : "remote_addr"),
      message,
    }));
  };
}

const NONE: readonly Issue[] = [];

import { compilePath, NO_PARAMS, type PathPattern } from "./path-pattern.ts";
import type { Predicate } from "./predicate.ts";
import { compilePredicates } from "./predicates.ts";
import type { Match, MatchIssue, MatchRoute, RouterName } from "./route.ts";

/** A route, compiled. */
export interface CompiledRoute<T> {
  readonly id: string;
  readonly source: MatchRoute;
  readonly priority: number;
  readonly predicates: readonly Predicate[];
  /** For routers that do not index hosts: its hosts in lower case, where it has some and none is a wildcard or has a port. */
  readonly exactHosts: readonly string[] | undefined;
  readonly value: T;
  /** One for each of its hosts and paths. */
  readonly candidates: readonly Candidate<T>[];
}

/** A route at one of its places in the tree. */
export interface Candidate<T> {
  readonly route: CompiledRoute<T>;
  /** The host it is found under, in lower case; undefined where it is found under any. */
  readonly host: string | undefined;
  readonly pattern: PathPattern;
  /** The answer where the path has no parameters, made beforehand. */
  readonly match: Match<T>;
}

/** Compiles a route; where it cannot be, tells everything that is wrong with it. */
export function compileRoute<T>(router: RouterName, source: MatchRoute, value: T): CompiledRoute<T> | MatchIssue[] {
  const issues: MatchIssue[] = [];
  const byHost = router === "radixtree_host_uri";
  const patterns = compilePaths(source, router === "radixtree_uri_with_parameter", issues);
  const predicates = compilePredicates(source, !byHost, issues);
  if (issues.length > 0) return issues;
  const candidates: Candidate<T>[] = [];
  const hosts = [...new Set(source.hosts.map((host) => host.toLowerCase()))];
  const exactHosts = byHost || hosts.length === 0 || hosts.some((host) => /[*:]/.test(host)) ? undefined : hosts;
  const { id, priority } = source;
  const route: CompiledRoute<T> = { id, source, priority, predicates, exactHosts, value, candidates };
  for (const host of byHost && hosts.length > 0 ? hosts : [undefined]) {
    for (const pattern of patterns) {
      const match: Match<T> = { value, id, uri: pattern.uri, host, params: NO_PARAMS };
      candidates.push({ route, host, pattern, match });
    }
  }
  return route;
}

function compilePaths(source: MatchRoute, withParameters: boolean, issues: MatchIssue[]): PathPattern[] {
  const patterns: PathPattern[] = [];
  if (source.uris.length === 0) issues.push({ path: "uris", message: "Cannot match the route as it must have a path" });
  for (const [i, uri] of source.uris.entries()) {
    if (source.uris.indexOf(uri) !== i) continue;
    const pattern = compilePath(uri, withParameters);
    if (typeof pattern === "string") issues.push({ path: `uris[${i}]`, message: pattern });
    else patterns.push(pattern);
  }
  return patterns;
}

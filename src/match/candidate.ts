import { compileMethods } from "./methods.ts";
import { compilePath, NO_PARAMS, type PathPattern } from "./path-pattern.ts";
import type { Predicate } from "./predicate.ts";
import { compilePredicates } from "./predicates.ts";
import type { Match, MatchIssue, MatchRoute, RouterName } from "./route.ts";

/** A route, compiled. */
export interface CompiledRoute<T> {
  readonly id: string;
  readonly source: MatchRoute;
  readonly priority: number;
  /** For routers that do not index hosts: its hosts in lower case, where it has some and none is a wildcard or has a port. */
  readonly exactHosts: readonly string[] | undefined;
  /** One for each of its hosts and paths. */
  readonly candidates: readonly Candidate<T>[];
}

/**
 * A route at one of its places in the tree; itself the answer where the path has no parameters. What a match reads stands here and not behind another
 * reference: among many routes none of it is in the processor's cache.
 */
export interface Candidate<T> extends Match<T> {
  /** As `methodBit` counts them; 0 = all. */
  readonly methods: number;
  /** Whether a path that was found under its place fits; undefined where being found is all. */
  readonly fits: PathPattern["fits"];
  /** All that it asks for beside methods and path. */
  readonly predicates: readonly Predicate[];
  /** The same without its hosts, where {@link CompiledRoute.exactHosts} are set. */
  readonly beyondHosts: readonly Predicate[];
  readonly pattern: PathPattern;
  readonly route: CompiledRoute<T>;
}

const NO_PREDICATES: readonly Predicate[] = [];

/** Compiles a route; where it cannot be, tells everything that is wrong with it. */
export function compileRoute<T>(router: RouterName, source: MatchRoute, value: T): CompiledRoute<T> | MatchIssue[] {
  const issues: MatchIssue[] = [];
  const byHost = router === "radixtree_host_uri";
  const patterns = compilePaths(source, router === "radixtree_uri_with_parameter", issues);
  const methods = compileMethods(source.methods, issues);
  const found = compilePredicates(source, !byHost, issues);
  if (issues.length > 0) return issues;
  const predicates = found.length === 0 ? NO_PREDICATES : found;
  const hosts = [...new Set(source.hosts.map((host) => host.toLowerCase()))];
  const exactHosts = byHost || hosts.length === 0 || hosts.some((host) => /[*:]/.test(host)) ? undefined : hosts;
  const others = exactHosts === undefined ? predicates : found.filter(({ kind }) => kind !== "hosts");
  const beyondHosts = others.length === 0 ? NO_PREDICATES : others;
  const { id, priority } = source;
  const none: readonly Candidate<T>[] = [];
  const route = { id, source, priority, exactHosts, candidates: none };
  const at = (host: string | undefined): Candidate<T>[] =>
    patterns.map((pattern) => {
      const { uri, fits } = pattern;
      // What every request reads stands first, so that it is in one line of the processor's cache.
      const hot = { methods, fits, predicates, beyondHosts, value, params: NO_PARAMS, id, uri, host };
      return { ...hot, pattern, route };
    });
  // Mapped, not pushed: a list that grows takes room for 17.
  if (!byHost || hosts.length === 0) route.candidates = at(undefined);
  else route.candidates = hosts.length === 1 ? at(hosts[0]) : hosts.flatMap(at);
  return route;
}

function compilePaths(source: MatchRoute, withParameters: boolean, issues: MatchIssue[]): PathPattern[] {
  const patterns: PathPattern[] = [];
  if (source.uris.length === 0) issues.push({ path: "uris", message: "must hold a path" });
  for (const [i, uri] of source.uris.entries()) {
    if (source.uris.indexOf(uri) !== i) continue;
    const pattern = compilePath(uri, withParameters);
    if (typeof pattern === "string") issues.push({ path: `uris[${i}]`, message: pattern });
    else patterns.push(pattern);
  }
  return patterns;
}

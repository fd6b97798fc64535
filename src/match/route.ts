import type { VariableReader } from "./variable.ts";

/** Which of Apache APISIX's three routers: what it indexes, and whether `:name` in a path is a parameter. */
export type RouterName = "radixtree_host_uri" | "radixtree_uri" | "radixtree_uri_with_parameter";

/** What the matcher needs of a route. Hosts are those of its service where it has none of its own. */
export interface MatchRoute {
  readonly id: string;
  /** As configured: `/a` is that path, `/a*` a prefix; see `path-pattern.ts` for the rest. */
  readonly uris: readonly string[];
  /** `a.com`, `*.a.com`, `*`; empty = any. */
  readonly hosts: readonly string[];
  /** Empty = any. `GET` does not imply `HEAD`. */
  readonly methods: readonly string[];
  /** Addresses and CIDR ranges of clients; empty = any. */
  readonly remoteAddrs: readonly string[];
  /** An expression of lua-resty-expr as JSON; `[]`, `{}` or undefined = always true. */
  readonly vars: unknown;
  /** Higher first, but only among routes of the same host and path. */
  readonly priority: number;
  /** Not matched, but known to {@link Explanation}, as APISIX's `status: 0`. */
  readonly disabled?: boolean;
}

/** What the matcher needs of a request. */
export interface MatchRequest {
  /** In upper case. */
  readonly method: string;
  /** As `parseHost` (`net/host.ts`) yields it. */
  readonly host: string;
  /** `matchPath` as `createPathNormalizer` (`net/path.ts`) yields it. */
  readonly path: string;
  /** The client's address, with trusted proxies taken into account. */
  readonly address: string;
  /** Where `vars` find their values; {@link RequestVariables} for a real request. */
  readonly variables: VariableReader;
}

/** Parts of the path by the names that the route gave them. No prototype. */
export type PathParams = Readonly<Record<string, string>>;

/** The route that a request goes to. */
export interface Match<T> {
  readonly value: T;
  readonly id: string;
  /** The path of the route that matched, as configured. */
  readonly uri: string;
  /** The host of the route that matched, in lower case; undefined for a route without hosts, and for routers that do not index hosts. */
  readonly host: string | undefined;
  readonly params: PathParams;
}

/** Why a route cannot be compiled. */
export interface MatchIssue {
  /** Where in {@link MatchRoute}, as in `vars[0][2]`. */
  readonly path: string;
  readonly message: string;
}

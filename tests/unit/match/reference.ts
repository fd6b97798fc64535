import type { MatchRoute, RouterName } from "../../../src/match/route.ts";

/** A request of the property tests: all that their routes can ask for. */
export interface PlainRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** IPv4, four numbers. */
  readonly address: string;
  readonly args: Readonly<Record<string, string>>;
}

export interface ReferenceAnswer {
  readonly id: string;
  readonly uri: string;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * The three routers' rules, written down as slowly and plainly as they are said: every route that fits at some place, sorted by the rules, and the
 * first one taken. Shares no code with the matcher.
 */
export function answer(
  router: RouterName,
  routes: Iterable<MatchRoute>,
  request: PlainRequest,
): ReferenceAnswer | undefined {
  const fitting: { answer: ReferenceAnswer; rank: readonly (number | string)[] }[] = [];
  for (const route of routes) {
    if (route.disabled === true) continue;
    if (route.methods.length > 0 && !route.methods.includes(request.method)) continue;
    if (route.remoteAddrs.length > 0 && !route.remoteAddrs.some((range) => inRange(range, request.address))) continue;
    if (!(route.vars as [string, string, string][]).every((one) => holds(one, request))) continue;
    const hosts = route.hosts.length === 0 ? [undefined] : route.hosts;
    for (const host of hosts) {
      if (host !== undefined && !hostFits(host, request.host)) continue;
      for (const uri of route.uris) {
        const params = pathFits(router, uri, request.path);
        if (params === undefined) continue;
        const rank = [
          ...(router === "radixtree_host_uri" ? hostRank(host) : []),
          ...pathRank(router, uri),
          ...rankOf(route, uri),
        ];
        fitting.push({ answer: { id: route.id, uri, params }, rank });
      }
    }
  }
  fitting.sort((a, b) => compare(a.rank, b.rank));
  return fitting[0]?.answer;
}

function inRange(range: string, address: string): boolean {
  const [base, bits = "32"] = range.split("/");
  const binary = (text: string): string =>
    text.split(".").map((part) => Number(part).toString(2).padStart(8, "0")).join("");
  return binary(base!).slice(0, Number(bits)) === binary(address).slice(0, Number(bits));
}

function holds([name, op, value]: [string, string, string], request: PlainRequest): boolean {
  const actual = request.args[name.replace("arg_", "")];
  if (op === "==") return actual === value;
  if (op === "~=") return actual !== value;
  throw new Error(`The reference has no operator ${op}`);
}

function hostFits(host: string, actual: string): boolean {
  return host[0] === "*" ? actual.endsWith(host.slice(1)) : actual === host;
}

/** That host, then suffixes from the longest, then none. */
function hostRank(host: string | undefined): number[] {
  if (host === undefined) return [2, 0];
  return host[0] === "*" ? [1, -host.length] : [0, 0];
}

/** Where the part of a path that is compared literally ends. */
function wildcardAt(router: RouterName, uri: string): number {
  const colon = router === "radixtree_uri_with_parameter" ? uri.indexOf(":") : -1;
  return colon >= 0 ? colon : uri.indexOf("*");
}

/** That path, then prefixes from the longest. */
function pathRank(router: RouterName, uri: string): number[] {
  const at = wildcardAt(router, uri);
  return at < 0 ? [0, 0] : [1, -at];
}

function rankOf(route: MatchRoute, uri: string): (number | string)[] {
  const numeric = /^[0-9]+$/.test(route.id);
  return [-route.priority, -uri.length, numeric ? 0 : 1, numeric ? Number(route.id) : route.id, route.id, uri];
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [i, one] of a.entries()) {
    if (one !== b[i]) return one < b[i]! ? -1 : 1;
  }
  return 0;
}

function pathFits(router: RouterName, uri: string, path: string): Record<string, string> | undefined {
  const at = wildcardAt(router, uri);
  if (at < 0) return path === uri ? {} : undefined;
  if (!path.startsWith(uri.slice(0, at))) return undefined;
  if (uri.indexOf("*") === uri.length - 1 && at === uri.length - 1) {
    const rest = router === "radixtree_uri_with_parameter" && uri.endsWith("/*");
    return rest ? { ":ext": path.slice(at) } : {};
  }
  const segments = uri.split("/");
  if (!segments.some((segment) => segment[0] === ":" || segment[0] === "*")) return {};
  const names: string[] = [];
  const pattern = segments.map((segment) => {
    if (segment[0] !== ":" && segment[0] !== "*") return segment;
    names.push(segment.slice(1) || ":ext");
    return segment[0] === ":" ? "([^/]+)" : "([\\s\\S]*)";
  }).join("/");
  const found = new RegExp(pattern).exec(path);
  if (found === null || found[0] !== path) return undefined;
  return Object.fromEntries(names.map((name, i) => [name, found[i + 1]!]));
}

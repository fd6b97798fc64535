import { compileCidrs } from "../net/cidr.ts";
import { compileVariable } from "./compile-variable.ts";
import { compileExpression, type Expression } from "./expression.ts";
import type { Predicate, Verdict } from "./predicate.ts";
import type { MatchIssue, MatchRequest, MatchRoute } from "./route.ts";

/** Compiles what a route asks beside its place in the tree and its methods, in the order of APISIX. Issues are added to the list. */
export function compilePredicates(route: MatchRoute, withHosts: boolean, issues: MatchIssue[]): Predicate[] {
  const predicates: (Predicate | undefined)[] = [
    remoteAddrs(route, issues),
    withHosts ? hosts(route) : undefined,
    vars(route, issues),
  ];
  return predicates.filter((predicate) => predicate !== undefined);
}

function remoteAddrs(route: MatchRoute, issues: MatchIssue[]): Predicate | undefined {
  if (route.remoteAddrs.length === 0) return undefined;
  const inside = compileCidrs(route.remoteAddrs);
  if (typeof inside !== "function") {
    issues.push(...inside.map(({ index, message }) => ({ path: `remote_addrs[${index}]`, message })));
    return undefined;
  }
  return {
    kind: "remote_addrs",
    configured: route.remoteAddrs.join(", "),
    test: (request) => verdict(inside(request.address)),
    actual: (request) => request.address,
  };
}

/** For the routers that do not index hosts. A host with a colon is compared with the Host field, port and all. */
function hosts(route: MatchRoute): Predicate | undefined {
  if (route.hosts.length === 0) return undefined;
  const exact = new Set<string>();
  const suffixes: string[] = [];
  const withPort: string[] = [];
  for (const host of route.hosts.map((host) => host.toLowerCase())) {
    if (host.includes(":")) withPort.push(host);
    else if (host.startsWith("*")) suffixes.push(host.slice(1));
    else exact.add(host);
  }
  const field = compileVariable("http_host");
  const hasPort = (request: MatchRequest): boolean => {
    const sent = request.variables.read(field);
    const host = typeof sent === "string" ? sent.toLowerCase() : request.host;
    return withPort.some((one) => one.startsWith("*") ? host.endsWith(one.slice(1)) : host === one);
  };
  return {
    kind: "hosts",
    configured: route.hosts.join(", "),
    test: (request) => {
      const { host } = request;
      return verdict(
        exact.has(host) || suffixes.some((suffix) => host.endsWith(suffix)) ||
          (withPort.length > 0 && hasPort(request)),
      );
    },
    actual: (request) => request.host,
  };
}

function vars(route: MatchRoute, issues: MatchIssue[]): Predicate | undefined {
  const found: MatchIssue[] = [];
  const expression: Expression | undefined = compileExpression(route.vars, "vars", found);
  issues.push(...found);
  if (expression === undefined || found.length > 0) return undefined;
  return {
    kind: "vars",
    configured: JSON.stringify(route.vars),
    test: (request, params) => expression.test(request.variables, params),
    actual: (request, params) => expression.parts(request.variables, params).map((part) => part.actual).join(", "),
    parts: (request, params) => expression.parts(request.variables, params),
  };
}

function verdict(pass: boolean): Verdict {
  return pass ? "pass" : "fail";
}

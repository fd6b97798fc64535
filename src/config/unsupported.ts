import { type Issue, quote } from "./issue.ts";
import type { Kind } from "./kinds.ts";

/** Fields of Lua code, by kind: what they would do cannot be known, so the resource is not served without them. */
const LUA: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  route: ["filter_func", "script", "script_id"],
  service: ["script"],
};

/** Schemes that this gateway can speak to nodes. */
const SCHEMES: ReadonlySet<unknown> = new Set(["http", "https", "grpc", "grpcs"]);
/** Schemes of APISIX's that it cannot. */
const OTHER_SCHEMES: ReadonlySet<unknown> = new Set(["tcp", "tls", "udp", "kafka"]);

/** Fields that ask for what this gateway cannot do; looked for before the schema, since such a resource is never served. */
export function unsupportedFields(kind: Kind, value: Readonly<Record<string, unknown>>): Issue[] {
  const issues: Issue[] = [];
  for (const field of LUA[kind] ?? []) {
    if (Object.hasOwn(value, field)) {
      issues.push({ path: field, message: "is Lua, which this gateway does not run" });
    }
  }
  if (kind === "upstream") return [...issues, ...unsupportedUpstream(value)];
  if (kind !== "route" && kind !== "service") return issues;
  const inline = unsupportedUpstream(value["upstream"]);
  return [...issues, ...inline.map(({ path, message }) => ({ path: `upstream.${path}`, message }))];
}

/** Why no request could be sent to an upstream as it is meant. */
export function unsupportedUpstream(upstream: unknown): Issue[] {
  if (typeof upstream !== "object" || upstream === null) return [];
  const { scheme, service_name } = upstream as { scheme?: unknown; service_name?: unknown };
  const issues: Issue[] = [];
  if (OTHER_SCHEMES.has(scheme)) {
    issues.push({ path: "scheme", message: `must be one of ${[...SCHEMES].join(", ")}, is ${quote(String(scheme))}` });
  }
  if (service_name !== undefined && !("nodes" in upstream)) {
    issues.push({
      path: "service_name",
      message: "needs a service registry, which this gateway does not ask: use nodes",
    });
  }
  return issues;
}

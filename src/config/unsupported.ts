import { type Issue, quote } from "./issue.ts";
import type { Kind } from "./kinds.ts";

/** Fields of Lua code, by kind: what they would do cannot be known, so the resource is not served without them. */
const LUA: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  route: ["filter_func", "script", "script_id"],
  service: ["script"],
};

/** Schemes of APISIX's that are not HTTP. */
const OTHER_PROTOCOLS: ReadonlySet<unknown> = new Set(["tcp", "tls", "udp", "kafka"]);

/** Fields that ask for what this gateway cannot do; looked for before the schema, since such a resource is never served. */
export function unsupportedFields(kind: Kind, value: Readonly<Record<string, unknown>>): Issue[] {
  const issues: Issue[] = [];
  for (const field of LUA[kind] ?? []) {
    if (Object.hasOwn(value, field)) {
      issues.push({ path: field, message: "is Lua, which this gateway does not run" });
    }
  }
  const at = kind === "upstream" ? "" : kind === "route" || kind === "service" ? "upstream" : undefined;
  const upstream = at === "" ? value : at === undefined ? undefined : value[at];
  if (typeof upstream === "object" && upstream !== null && "scheme" in upstream) {
    const { scheme } = upstream;
    if (OTHER_PROTOCOLS.has(scheme)) {
      issues.push({
        path: at === "" ? "scheme" : `${at}.scheme`,
        message: `must be http, https, grpc or grpcs, is ${quote(String(scheme))}`,
      });
    }
  }
  return issues;
}

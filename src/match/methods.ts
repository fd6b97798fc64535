import { quote } from "../config/issue.ts";
import type { Predicate } from "./predicate.ts";
import type { MatchIssue } from "./route.ts";

/** The methods that a route may name (APISIX `schema_def.lua`). */
const NAMES: readonly string[] = [
  "GET",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "HEAD",
  "OPTIONS",
  "CONNECT",
  "TRACE",
  "PURGE",
];

const BITS: ReadonlyMap<string, number> = new Map(NAMES.map((name, i) => [name, 1 << i]));

/** The bit that stands for a request's method; 0 for one that no route can name. */
export function methodBit(name: string): number {
  // Most requests, without hashing.
  return name === "GET" ? 1 : BITS.get(name) ?? 0;
}

/** The bits of a route's methods; 0 = all. Issues are added to the list. */
export function compileMethods(names: readonly string[], issues: MatchIssue[]): number {
  for (const [i, name] of names.entries()) {
    if (!BITS.has(name)) {
      issues.push({ path: `methods[${i}]`, message: `must be one of ${NAMES.join(", ")}, is ${quote(name)}` });
    }
  }
  return methodMask(names);
}

/** The bits of a list of methods; 0 for an empty one. */
export function methodMask(names: readonly string[]): number {
  return names.reduce((mask, name) => mask | (BITS.get(name) ?? 0), 0);
}

/** Methods as a predicate to tell of; the match compares bits. */
export function describeMethods(names: readonly string[]): Predicate {
  const mask = methodMask(names);
  return {
    kind: "methods",
    configured: names.join(", "),
    test: (request) => (methodBit(request.method) & mask) === 0 ? "fail" : "pass",
    actual: (request) => request.method,
  };
}

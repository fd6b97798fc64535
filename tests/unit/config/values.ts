import { deepStrictEqual, ok } from "node:assert/strict";
import type { Kind } from "../../../src/config/kinds.ts";
import { type ParseOptions, parseResource } from "../../../src/config/parse.ts";
import type { PluginCatalogue } from "../../../src/config/plugins.ts";
import type { ResourceOf } from "../../../src/config/resource.ts";

const encoder = new TextEncoder();

/** The bytes of a value as a store would hold it; texts stand for themselves. */
export function toBytes(value: unknown): Uint8Array {
  return encoder.encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** The resource that a value means; fails where it is refused. */
export function good<K extends Kind>(kind: K, id: string, value: unknown, options?: ParseOptions): ResourceOf<K> {
  const parsed = parseResource(kind, id, toBytes(value), options);
  ok(parsed.ok, parsed.ok ? "" : JSON.stringify(parsed.issues));
  return parsed.resource;
}

/** Asserts that a value is refused with exactly one issue; yields its message. */
export function bad(
  kind: Kind,
  id: string,
  value: unknown,
  path: string,
  state: "rejected" | "unsupported" = "rejected",
  options?: ParseOptions,
): string {
  const parsed = parseResource(kind, id, toBytes(value), options);
  ok(!parsed.ok, `accepted ${JSON.stringify(value)}`);
  deepStrictEqual(parsed.issues.map((issue) => issue.path), [path], JSON.stringify(parsed.issues));
  deepStrictEqual(parsed.state, state);
  return parsed.issues[0]?.message ?? "";
}

/** Paths that are warned of. */
export function warned(kind: Kind, id: string, value: unknown, options?: ParseOptions): string[] {
  const parsed = parseResource(kind, id, toBytes(value), options);
  ok(parsed.ok, parsed.ok ? "" : JSON.stringify(parsed.issues));
  return parsed.warnings.map((warning) => warning.path);
}

/** Knows `key-auth` (`key`: a string), `proxy-rewrite` (anything) and nothing else. */
export const catalogue: PluginCatalogue = {
  check(name, config) {
    if (name === "proxy-rewrite") return { ok: true, config };
    if (name !== "key-auth") return "unknown";
    const { key = "apikey" } = config as { key?: unknown };
    if (typeof key !== "string") return { ok: false, issues: [{ path: "key", message: "must be a string" }] };
    return { ok: true, config: { key } };
  },
  encryptedFields: (name) => name === "key-auth" ? ["key"] : [],
};

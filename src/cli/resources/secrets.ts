import type { Kind } from "../../config/kinds.ts";
import type { PluginCatalogue } from "../../config/plugins.ts";
import { toPath } from "../../config/issue.ts";
import { findSecrets } from "../../config/secret-places.ts";
import { isReference } from "../../config/pem.ts";

/** What stands for a secret that is not shown. Written back, it means: as it is stored. */
export const REDACTED = "<redacted>";

/** Names of fields that hold secrets in plugins that nobody here knows, and in resources of secret managers. */
const SECRET_NAME =
  /^key$|(?:^|[_-])(?:password|passwd|secret|token|apikey|api_key|private_key|secret_key|access_key|client_key)$/i;

interface Place {
  readonly path: string;
  readonly text: string;
  set(text: string): void;
}

/** Every text of a value that is a secret and no mere reference to one. */
function secretsOf(kind: Kind, value: unknown, catalogue: PluginCatalogue): Place[] {
  const places = new Map<string, Place>();
  for (const place of findSecrets(kind, value, false, catalogue)) places.set(place.path, place);
  const named = (holder: Record<string, unknown>, base: string): void => {
    for (const [name, child] of Object.entries(holder)) {
      const path = toPath(base, name);
      if (typeof child === "string" && SECRET_NAME.test(name) && isSecretPlace(kind, base, path)) {
        places.set(path, places.get(path) ?? { path, text: child, set: (text) => holder[name] = text });
      } else if (typeof child === "object" && child !== null) named(child as Record<string, unknown>, path);
    }
  };
  if (typeof value === "object" && value !== null) named(value as Record<string, unknown>, "");
  return [...places.values()].filter(({ text }) => !isReference(text));
}

/** `key` of an upstream is the variable that is hashed, and that of limit-count what is counted: neither is a secret. */
function isSecretPlace(kind: Kind, base: string, path: string): boolean {
  if (kind === "secret" || kind === "plugin_metadata") return true;
  if (!base.startsWith("plugins")) return false;
  return !path.endsWith(".key") || path.includes("auth");
}

/** Replaces every secret of a value by {@link REDACTED}. The value is copied. */
export function redact<T>(kind: Kind, value: T, catalogue: PluginCatalogue): T {
  const copy = structuredClone(value);
  for (const place of secretsOf(kind, copy, catalogue)) place.set(REDACTED);
  return copy;
}

/** Paths that hold a secret. */
export function secretPaths(kind: Kind, value: unknown, catalogue: PluginCatalogue): ReadonlySet<string> {
  return new Set(secretsOf(kind, structuredClone(value), catalogue).map(({ path }) => path));
}

/** Paths whose text is {@link REDACTED}. */
export function redactedPaths(value: unknown, base: string = ""): string[] {
  if (value === REDACTED) return [base];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((child, index) => redactedPaths(child, toPath(base, index)));
  return Object.entries(value).flatMap(([name, child]) => redactedPaths(child, toPath(base, name)));
}

/**
 * Puts the stored secrets back where a value says {@link REDACTED}. The value is copied.
 *
 * @returns The value, and the paths for which nothing is stored.
 */
export function restore(value: unknown, stored: unknown): { readonly value: unknown; readonly missing: string[] } {
  const missing: string[] = [];
  const walk = (child: unknown, held: unknown, path: string): unknown => {
    if (child === REDACTED) {
      if (typeof held === "string" && held !== REDACTED) return held;
      missing.push(path);
      return child;
    }
    if (typeof child !== "object" || child === null) return child;
    const other = (typeof held === "object" && held !== null ? held : {}) as Record<string | number, unknown>;
    if (Array.isArray(child)) return child.map((item, index) => walk(item, other[index], toPath(path, index)));
    return Object.fromEntries(
      Object.entries(child).map(([name, item]) => [name, walk(item, other[name], toPath(path, name))]),
    );
  };
  return { value: walk(value, stored, ""), missing };
}

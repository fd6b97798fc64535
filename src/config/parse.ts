import * as v from "valibot";
import { decode } from "./decode.ts";
import { describe, type Issue, MAX_ISSUES, quote, toIssues } from "./issue.ts";
import type { Kind } from "./kinds.ts";
import { checkPlugins, type PluginCatalogue, UNKNOWN_FIELD } from "./plugins.ts";
import { type Resource, type ResourceOf, schemaOf } from "./resource.ts";
import { type UnknownFields, unknownFields } from "./schema-tools.ts";
import { unsupportedFields } from "./unsupported.ts";

/** How values are read. */
export interface ParseOptions {
  /**
   * `lenient` (the default, for what is in the store) keeps fields that no schema knows and warns of them; `strict` (for what is written through
   * the Admin API) refuses them.
   */
  readonly mode?: "lenient" | "strict";
  /** Largest value, in bytes. Default: 262144 (256 KiB). */
  readonly maxBytes?: number;
  /** Default: no plugin is known, so that every resource with one is rejected. */
  readonly plugins?: PluginCatalogue;
  /**
   * What a higher floor knows of a resource that its schema cannot: whether expressions and regular expressions compile. Called for each
   * resource that is otherwise good; any issue rejects it.
   */
  readonly inspect?: (kind: Kind, resource: Resource) => readonly Issue[];
  /** Paths of the value whose content must not show in an issue, beside those whose name tells it. */
  readonly hidden?: ReadonlySet<string>;
}

/** A resource, or why there is none. */
export type ParseResult<K extends Kind = Kind> =
  | { readonly ok: true; readonly resource: ResourceOf<K>; readonly warnings: readonly Issue[] }
  | Refusal;

/** `unsupported`: it asks for what this gateway cannot do. `rejected`: it is wrong. */
export interface Refusal {
  readonly ok: false;
  readonly state: "rejected" | "unsupported";
  readonly issues: readonly Issue[];
}

const NO_ISSUES: readonly Issue[] = [];

/**
 * Reads a stored value. It never throws, whatever the bytes are.
 *
 * @param id From the key; the value's own `id` does not count.
 *
 * @example
 * ```ts
 * const bytes = new TextEncoder().encode('{"uri":"/api/*","upstream":{"nodes":{"127.0.0.1:80":1}}}');
 * const parsed = parseResource("route", "1", bytes);
 * if (parsed.ok) parsed.resource.upstream?.nodes; // [{ host: "127.0.0.1", port: 80, weight: 1, priority: 0 }]
 * ```
 */
export function parseResource<K extends Kind>(
  kind: K,
  id: string,
  bytes: Uint8Array,
  options: ParseOptions = {},
): ParseResult<K> {
  const decoded = decode(bytes, options.maxBytes);
  return decoded.ok ? parseValue(kind, id, decoded.value, options) : refuse("rejected", decoded.issues);
}

/** As {@link parseResource}, for JSON that was already decoded by {@link decode}. The value is not changed. */
export function parseValue<K extends Kind>(
  kind: K,
  id: string,
  value: unknown,
  options: ParseOptions = {},
): ParseResult<K> {
  try {
    return parseUnguarded(kind, id, value, options);
  } catch (error) {
    // Only a catalogue's or an inspector's mistake leads here; it must cost this resource alone.
    const name = error instanceof Error ? error.name : "error";
    return refuse("rejected", [{ path: "", message: `cannot be checked as the check failed (${name})` }]);
  }
}

function parseUnguarded<K extends Kind>(kind: K, id: string, value: unknown, options: ParseOptions): ParseResult<K> {
  const schema = schemaOf(kind, id);
  if (schema === undefined) {
    return refuse("unsupported", [{ path: "", message: `is a ${kind}, which this gateway does not serve` }]);
  }
  if (kind !== "plugin_list") {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return refuse("rejected", [{ path: "", message: `must be a JSON object, is ${describe(value, true)}` }]);
    }
    const unsupported = unsupportedFields(kind, value as Record<string, unknown>);
    if (unsupported.length > 0) return refuse("unsupported", unsupported);
  }
  const { hidden } = options;
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) {
    return refuse(
      "rejected",
      toIssues(parsed.issues, "", kind === "secret" ? () => true : (path) => hidden?.has(path) ?? false),
    );
  }
  const found = finish(kind, id, parsed.output as Record<string, unknown>, options);
  if (!found.ok) return found;
  const warnings = [...found.warnings, ...unknownFieldsOf(schema, value)];
  const refused = options.mode === "strict" ? warnings.filter((warning) => warning.message === UNKNOWN_FIELD) : [];
  if (refused.length > 0) {
    return refuse("rejected", refused.map(({ path }) => ({ path, message: "is not a known field" })));
  }
  const issues = options.inspect?.(kind, found.resource) ?? NO_ISSUES;
  if (issues.length > 0) return refuse("rejected", issues);
  return {
    ok: true,
    resource: found.resource as ResourceOf<K>,
    warnings: warnings.length === 0 ? NO_ISSUES : warnings.slice(0, MAX_ISSUES),
  };
}

type Finished = { readonly ok: true; readonly resource: Resource; readonly warnings: readonly Issue[] } | Refusal;

/** Adds what the key knows, and prepares plugins. `value` is the schema's own copy. */
function finish(kind: Kind, id: string, value: Record<string, unknown>, options: ParseOptions): Finished {
  switch (kind) {
    case "plugin_list":
      return done({ id, plugins: value });
    case "plugin_metadata":
      return done({ id, config: value });
    case "upstream_node": {
      const [upstream_id = "", , name = ""] = id.split("/");
      return done({ ...value, id, upstream_id, name });
    }
    case "secret":
      return done({ ...value, id, manager: id.slice(0, id.indexOf("/")) });
    case "consumer":
      if (value.username !== id) {
        const username = quote(String(value.username));
        return refuse("rejected", [{
          path: "username",
          message: `must be ${quote(id)} as in the key, is ${username}`,
        }]);
      }
      break;
    case "credential": {
      const [username = "", , credential_id = ""] = id.split("/");
      Object.assign(value, { username, credential_id });
      break;
    }
  }
  const warnings: Issue[] = [];
  if (value.id !== undefined && value.id !== id && kind !== "credential") {
    warnings.push({ path: "id", message: `is ${quote(String(value.id))}, and the key's ${quote(id)} counts` });
  }
  value.id = id;
  if (value.plugins === undefined) return done(value, warnings);
  const checked = checkPlugins(value.plugins as Record<string, unknown>, kind, options.plugins);
  if (checked.unsupported.length > 0) return refuse("unsupported", checked.unsupported);
  if (checked.issues.length > 0) {
    const { hidden } = options;
    // Plugins word their issues themselves, and may quote what was resolved.
    return refuse(
      "rejected",
      checked.issues.map((issue) =>
        hidden?.has(issue.path) ? { path: issue.path, message: "is not valid; what it is, is secret" } : issue
      ),
    );
  }
  value.plugins = checked.plugins;
  return done(value, warnings.length === 0 ? checked.warnings : [...warnings, ...checked.warnings]);
}

const done = (resource: object, warnings: readonly Issue[] = NO_ISSUES): Finished => ({
  ok: true,
  resource: resource as Resource,
  warnings,
});

const WALKS = new WeakMap<v.GenericSchema, UnknownFields | { readonly none: true }>();

function unknownFieldsOf(schema: v.GenericSchema, value: unknown): Issue[] {
  let walk = WALKS.get(schema);
  if (walk === undefined) WALKS.set(schema, walk = unknownFields(schema) ?? { none: true });
  if (typeof walk !== "function") return [];
  const found: string[] = [];
  walk(value, "", found);
  return found.map((path) => ({ path, message: UNKNOWN_FIELD }));
}

function refuse(state: Refusal["state"], issues: readonly Issue[]): Refusal {
  return { ok: false, state, issues: issues.slice(0, MAX_ISSUES) };
}

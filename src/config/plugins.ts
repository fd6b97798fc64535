import * as v from "valibot";
import { anyObject, fields, flag, integer } from "./fields.ts";
import { describe, type Issue, toIssues, toPath } from "./issue.ts";
import type { Kind } from "./kinds.ts";
import { isLoggingOnly } from "./logging-plugins.ts";
import { either, list, type UnknownFields, unknownFields } from "./schema-tools.ts";

/** What a resource says of one plugin's use, beside its configuration: `plugins.<name>._meta`. */
export interface PluginMeta {
  /** The plugin does not run. It still replaces the same plugin of a resource that is merged below. */
  readonly disable?: boolean;
  /** Replaces the body when the plugin itself answers with a status of 400 or more. */
  readonly error_response?: string | Readonly<Record<string, unknown>>;
  /** Replaces the plugin's own priority. */
  readonly priority?: number;
  /** An expression, as in a route's `vars`: the plugin runs only for requests that it is true for. */
  readonly filter?: readonly unknown[];
}

/** One plugin of one resource. */
export interface PluginUse {
  /** As the plugin's schema left it, defaults filled in; as written where `meta.disable` is set. */
  readonly config: unknown;
  readonly meta: PluginMeta;
}

/** By plugin name; has no prototype. */
export type PluginUses = Readonly<Record<string, PluginUse>>;

/** What is known of plugins, which live on a higher floor. Neither function throws. */
export interface PluginCatalogue {
  /** Validates one plugin's configuration, `_meta` taken out, as written in a resource of kind `where`. Paths of issues begin at the configuration. */
  check(
    name: string,
    config: unknown,
    where: Kind,
  ):
    | { readonly ok: true; readonly config: unknown }
    | {
      readonly ok: false;
      readonly issues: readonly Issue[];
      /** What is right and this gateway cannot do; where there is any, `issues` is empty. */
      readonly unsupported?: readonly Issue[];
    }
    | "unknown";
  /** Whether a plugin that is unknown here may be left out, since it only writes logs. Default: a list of APISIX's. */
  isLoggingOnly?(name: string): boolean;
  /** Fields of a plugin's configuration that APISIX encrypts at rest (`encrypt_fields`), as in `["key"]`, `["auth.password"]`. */
  encryptedFields?(name: string): readonly string[];
}

/** What became of a resource's `plugins`. */
export interface CheckedPlugins {
  readonly plugins: PluginUses;
  readonly issues: readonly Issue[];
  readonly unsupported: readonly Issue[];
  readonly warnings: readonly Issue[];
}

const metaSchema: v.GenericSchema<unknown, PluginMeta> = fields({
  disable: v.exactOptional(flag),
  error_response: v.exactOptional(
    either((input) => typeof input === "string", v.string() as v.GenericSchema<unknown, string>, anyObject),
  ),
  priority: v.exactOptional(integer()),
  filter: v.exactOptional(list(v.unknown())),
  pre_function: v.exactOptional(v.unknown()),
});
const unknownMeta: UnknownFields | undefined = unknownFields(metaSchema);

/**
 * Checks a resource's `plugins`. A plugin that this gateway does not have rejects the resource, since serving a route without its
 * authentication would open it to everyone; only plugins that merely write logs are left out, with a warning.
 */
export function checkPlugins(
  plugins: Readonly<Record<string, unknown>>,
  kind: Kind,
  catalogue: PluginCatalogue | undefined,
): CheckedPlugins {
  const uses: Record<string, PluginUse> = Object.create(null);
  const found = { plugins: uses, issues: [] as Issue[], unsupported: [] as Issue[], warnings: [] as Issue[] };
  for (const [name, raw] of Object.entries(plugins)) {
    const use = checkOne(name, raw, kind, catalogue, found);
    if (use !== undefined) uses[name] = use;
  }
  return found;
}

function checkOne(
  name: string,
  raw: unknown,
  kind: Kind,
  catalogue: PluginCatalogue | undefined,
  found: { issues: Issue[]; unsupported: Issue[]; warnings: Issue[] },
): PluginUse | undefined {
  const path = toPath("plugins", name);
  if (typeof raw !== "object" || raw === null || (Array.isArray(raw) && raw.length > 0)) {
    found.issues.push({ path, message: `must be an object, is ${describe(raw, true)}` });
    return undefined;
  }
  const { _meta, ...config } = raw as { _meta?: unknown };
  const meta = _meta === undefined ? {} : checkMeta(_meta, toPath(path, "_meta"), found);
  if (meta === undefined) return undefined;
  if (meta.disable === true) return { config, meta };
  const checked = catalogue?.check(name, config, kind) ?? "unknown";
  if (checked === "unknown") {
    if (catalogue?.isLoggingOnly?.(name) ?? isLoggingOnly(name)) {
      found.warnings.push({ path, message: "is left out: this gateway has no such plugin, and it only writes logs" });
    } else found.issues.push({ path, message: "is not a plugin of this gateway" });
    return undefined;
  }
  if (checked.ok) return { config: checked.config, meta };
  for (const issue of checked.issues) found.issues.push({ path: join(path, issue.path), message: issue.message });
  for (const issue of checked.unsupported ?? []) {
    found.unsupported.push({ path: join(path, issue.path), message: issue.message });
  }
  return undefined;
}

function checkMeta(
  raw: unknown,
  path: string,
  found: { issues: Issue[]; unsupported: Issue[]; warnings: Issue[] },
): PluginMeta | undefined {
  const parsed = v.safeParse(metaSchema, raw);
  if (!parsed.success) {
    found.issues.push(...toIssues(parsed.issues, path));
    return undefined;
  }
  if (Object.hasOwn(raw as object, "pre_function")) {
    found.unsupported.push({ path: toPath(path, "pre_function"), message: "is Lua, which this gateway does not run" });
    return undefined;
  }
  const unknown: string[] = [];
  unknownMeta?.(raw, path, unknown);
  for (const field of unknown) found.warnings.push({ path: field, message: UNKNOWN_FIELD });
  return parsed.output;
}

/** What the status says of a field that no schema knows. */
export const UNKNOWN_FIELD = "is not a known field; it is kept and has no effect";

function join(base: string, path: string): string {
  if (path === "") return base;
  return path.startsWith("[") ? base + path : `${base}.${path}`;
}

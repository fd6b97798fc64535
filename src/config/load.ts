import { decode } from "./decode.ts";
import type { Issue } from "./issue.ts";
import type { Kind } from "./kinds.ts";
import { type ParseOptions, type ParseResult, parseValue } from "./parse.ts";
import { findSecrets } from "./secret-places.ts";
import type { Secret } from "./secret.ts";
import { resolveSecrets, type SecretSources } from "./secrets.ts";

/** As {@link ParseOptions}, with what is needed to resolve secrets. */
export interface LoadOptions extends ParseOptions {
  /** Default: none, so that references are issues and encrypted keys are rejected. */
  readonly secrets?: SecretSources;
  /** Finds a secret resource by its id, as in `vault/1`. */
  readonly managerOf?: (id: string) => Secret | undefined;
}

/** What a stored value is, with its secrets resolved. */
export interface Loaded {
  readonly result: ParseResult;
  /** Secrets of managers that the value refers to, as in `vault/1/jack/key`: true where it was resolved. */
  readonly fetched: ReadonlyMap<string, boolean>;
  /** Why the result is one that {@link isUnresolved}: its references did not resolve. */
  readonly unresolved?: readonly Issue[];
}

const NOTHING_FETCHED: ReadonlyMap<string, boolean> = new Map();
const UNRESOLVED = new WeakSet<object>();

/**
 * Whether a route, a service or a global rule is there in outline only, since its secrets could not be resolved: it takes its requests, which nothing else
 * may answer, and must refuse them. It has neither plugins nor an upstream.
 */
export function isUnresolved(resource: object): boolean {
  return UNRESOLVED.has(resource);
}

/**
 * Reads a stored value and resolves its secrets before its schema is asked, so that what is validated is what will be used. Values without
 * secrets, which are almost all, are answered at once; the others by a promise, which never rejects.
 */
export function loadResource(
  kind: Kind,
  id: string,
  bytes: Uint8Array,
  options: LoadOptions = {},
): Loaded | Promise<Loaded> {
  const decoded = decode(bytes, options.maxBytes);
  if (!decoded.ok) return refused(decoded.issues);
  const places = findSecrets(kind, decoded.value, decoded.references, options.plugins);
  if (places.length === 0) return { result: parseValue(kind, id, decoded.value, options), fetched: NOTHING_FETCHED };
  // A secret manager that needs another to be reached could need itself.
  const managerOf = kind === "secret" ? undefined : options.managerOf;
  return resolveSecrets(places, options.secrets ?? {}, managerOf).then((resolved): Loaded => {
    const { issues, hidden, fetched } = resolved;
    if (issues.length === 0) {
      return { result: parseValue(kind, id, decoded.value, { ...options, hidden }), fetched };
    }
    const outline = resolved.unresolved ? parseOutline(kind, id, decoded.value, options) : undefined;
    return outline === undefined ? refused(issues, fetched) : { result: outline, fetched, unresolved: issues };
  });
}

/** What a route, a service or a global rule is without the fields that hold secrets; undefined where not even that can be read. */
function parseOutline(kind: Kind, id: string, value: unknown, options: ParseOptions): ParseResult | undefined {
  if (kind !== "route" && kind !== "service" && kind !== "global_rule") return undefined;
  const { upstream: _, ...rest } = value as Record<string, unknown>;
  const parsed = parseValue(kind, id, { ...rest, plugins: {} }, options);
  if (!parsed.ok) return undefined;
  UNRESOLVED.add(parsed.resource);
  return parsed;
}

function refused(issues: readonly Issue[], fetched: ReadonlyMap<string, boolean> = NOTHING_FETCHED): Loaded {
  return { result: { ok: false, state: "rejected", issues }, fetched };
}

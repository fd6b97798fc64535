import { toPath } from "./issue.ts";
import type { Kind } from "./kinds.ts";
import { isReference } from "./pem.ts";
import type { PluginCatalogue } from "./plugins.ts";

/** A text of a decoded value that is not yet what it means: encrypted, or a reference. */
export interface SecretPlace {
  readonly path: string;
  readonly text: string;
  /** Perhaps encrypted at rest. */
  readonly encrypted: boolean;
  /** Must be a private key in PEM once it is resolved. */
  readonly pem: boolean;
  set(text: string): void;
}

/**
 * Finds what must be decrypted or fetched before a decoded value can be validated. The value is walked only where
 * `references` says that a text begins with `$`.
 */
export function findSecrets(
  kind: Kind,
  value: unknown,
  references: boolean,
  catalogue: PluginCatalogue | undefined,
): SecretPlace[] {
  const places = new Map<string, SecretPlace>();
  const add = (holder: unknown, key: string | number, path: string, encrypted: boolean, pem: boolean): void => {
    const text = isHolder(holder) ? holder[key] : undefined;
    if (typeof text !== "string" || places.has(path)) return;
    places.set(path, { path, text, encrypted, pem, set: (resolved) => (holder as Holder)[key] = resolved });
  };
  addKeys(kind, value, add);
  addPluginFields(value, catalogue, add);
  if (references) {
    walk(value, "", (holder, key, path) => {
      if (isReference(holder[key])) add(holder, key, path, false, false);
    });
  }
  return [...places.values()];
}

type Holder = Record<string | number, unknown>;
type Add = (holder: unknown, key: string | number, path: string, encrypted: boolean, pem: boolean) => void;

function addKeys(kind: Kind, value: unknown, add: Add): void {
  if (!isHolder(value)) return;
  if (kind === "ssl") {
    add(value, "key", "key", true, true);
    if (Array.isArray(value.keys)) {
      value.keys.forEach((_, index) => add(value.keys, index, `keys[${index}]`, true, true));
    }
  }
  const upstream = kind === "upstream" ? value : value.upstream;
  if (!isHolder(upstream) || !isHolder(upstream.tls)) return;
  add(upstream.tls, "client_key", `${kind === "upstream" ? "" : "upstream."}tls.client_key`, true, true);
}

function addPluginFields(value: unknown, catalogue: PluginCatalogue | undefined, add: Add): void {
  if (catalogue?.encryptedFields === undefined || !isHolder(value) || !isHolder(value.plugins)) return;
  for (const [name, config] of Object.entries(value.plugins)) {
    for (const field of catalogue.encryptedFields(name)) {
      addField(config, field.split("."), toPath("plugins", name), add);
    }
  }
}

/** Follows one of a plugin's field names; the last step may be a text, a list of texts, or a map of texts, as APISIX allows. */
function addField(holder: unknown, [step, ...rest]: readonly string[], base: string, add: Add): void {
  if (step === undefined || !isHolder(holder) || !Object.hasOwn(holder, step)) return;
  const path = toPath(base, step);
  const found = holder[step];
  if (rest.length > 0) return addField(found, rest, path, add);
  if (!isHolder(found)) return add(holder, step, path, true, false);
  for (const [key, index] of Object.keys(found).map((key, index) => [key, index] as const)) {
    const at = Array.isArray(found) ? index : key;
    add(found, at, toPath(path, at), true, false);
  }
}

/** Recursion is safe: `decode` bounds the depth. */
function walk(value: unknown, path: string, visit: (holder: Holder, key: string | number, path: string) => void): void {
  if (!isHolder(value)) return;
  const steps: readonly (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  for (const key of steps) {
    const at = toPath(path, key);
    visit(value, key, at);
    walk(value[key], at, visit);
  }
}

function isHolder(value: unknown): value is Holder {
  return typeof value === "object" && value !== null;
}

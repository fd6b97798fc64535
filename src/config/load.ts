import { decode } from "./decode.ts";
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
  /** Secret resources that the value refers to, whether they are there or not. */
  readonly managers: ReadonlySet<string>;
}

const NO_MANAGERS: ReadonlySet<string> = new Set();

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
  if (places.length === 0) return { result: parseValue(kind, id, decoded.value, options), managers: NO_MANAGERS };
  // A secret manager that needs another to be reached could need itself.
  const managerOf = kind === "secret" ? undefined : options.managerOf;
  return resolveSecrets(places, options.secrets ?? {}, managerOf).then(({ issues, hidden, managers }) =>
    issues.length > 0
      ? refused(issues, managers)
      : { result: parseValue(kind, id, decoded.value, { ...options, hidden }), managers }
  );
}

function refused(
  issues: readonly { readonly path: string; readonly message: string }[],
  managers: ReadonlySet<string> = NO_MANAGERS,
): Loaded {
  return { result: { ok: false, state: "rejected", issues }, managers };
}

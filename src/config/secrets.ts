import { type Issue, quote } from "./issue.ts";
import type { Keyring } from "./keyring.ts";
import { isReference } from "./pem.ts";
import type { Secret } from "./secret.ts";
import type { SecretPlace } from "./secret-places.ts";

/** `$secret://<manager>/<id>/<key>`, taken apart. */
export interface SecretReference {
  readonly manager: string;
  readonly id: string;
  /** What to fetch, as the manager names it; may hold slashes. */
  readonly key: string;
}

/** Where secrets come from. What is absent resolves nothing, so that resources that need it are rejected. */
export interface SecretSources {
  readonly keyring?: Keyring;
  /** An environment variable. */
  readonly env?: (name: string) => string | undefined;
  /** What the names of variables begin with that no reference may have, since they are the gateway's own. Default: none are. */
  readonly ownEnv?: string;
  /**
   * Fetches from a manager. It rejects where it cannot; the error's message is shown in the status, so it must not hold a secret.
   */
  readonly secret?: (reference: SecretReference, manager: Secret, signal: AbortSignal) => Promise<string>;
  /** Milliseconds for one fetch. Default: 5000. */
  readonly timeoutMs?: number;
  /** Milliseconds after which what was fetched is asked for anew. Default: 300000 (five minutes). */
  readonly refreshMs?: number;
}

/** `vault/1/jack/key`: names a secret, and holds none. */
export function nameOf({ manager, id, key }: SecretReference): string {
  return `${manager}/${id}/${key}`;
}

/** What became of a value's secrets. */
export interface ResolvedSecrets {
  /** Empty where all were resolved. They name references and never a value. */
  readonly issues: readonly Issue[];
  /** Paths that hold a secret now. */
  readonly hidden: ReadonlySet<string>;
  /** Secrets of managers that the value refers to, by {@link nameOf}: true where it was resolved. */
  readonly fetched: ReadonlyMap<string, boolean>;
  /** Whether all that is wrong is that references do not resolve now. */
  readonly unresolved: boolean;
}

/** The manager of a name of {@link nameOf}, as in `vault/1`. */
export function managerOfName(name: string): string {
  return name.split("/", 2).join("/");
}

/**
 * Decrypts and fetches, in place, what {@link findSecrets} found. A text that no key decrypts is taken as it is, since Apache APISIX stores plain
 * texts where encryption is off; but a private key must be PEM in the end, and a reference must resolve.
 *
 * @param managerOf The secret resource of an id such as `vault/1`.
 */
export async function resolveSecrets(
  places: readonly SecretPlace[],
  sources: SecretSources,
  managerOf: (id: string) => Secret | undefined = () => undefined,
): Promise<ResolvedSecrets> {
  const issues: Issue[] = [];
  const fetched = new Map<string, boolean>();
  let unresolved = true;
  await Promise.all(places.map(async (place) => {
    let text = place.text;
    if (place.encrypted && !text.startsWith("---")) text = await sources.keyring?.decrypt(text) ?? text;
    if (isReference(text)) {
      const found = await follow(text, sources, managerOf, fetched);
      if (typeof found !== "string") return issues.push({ path: place.path, message: found.problem });
      text = found;
    }
    if (place.pem && !text.trimStart().startsWith("-----BEGIN ")) {
      unresolved = false;
      return issues.push({
        path: place.path,
        message: "must be a private key in PEM: it is none, and no key of the keyring decrypts it",
      });
    }
    place.set(text);
  }));
  return {
    issues,
    hidden: new Set(places.map((place) => place.path)),
    fetched,
    unresolved: unresolved && issues.length > 0,
  };
}

/** Why a reference cannot be resolved, as a message. */
interface Problem {
  readonly problem: string;
}

async function follow(
  reference: string,
  sources: SecretSources,
  managerOf: (id: string) => Secret | undefined,
  fetched: Map<string, boolean>,
): Promise<string | Problem> {
  const rest = reference.slice(reference.indexOf("://") + 3);
  if (/^\$env:/i.test(reference)) return fromEnvironment(rest, sources);
  const [manager = "", id = "", ...keys] = rest.split("/");
  const key = keys.join("/");
  if (id === "" || key === "") {
    return { problem: `must be $secret://manager/id/key, is ${quote(reference)}` };
  }
  const name = nameOf({ manager, id, key });
  fetched.set(name, false);
  const config = managerOf(`${manager}/${id}`);
  if (config === undefined) return { problem: `refers to secret ${quote(`${manager}/${id}`)}, which is not there` };
  const found = await fetchSecret({ manager, id, key }, config, sources);
  if (typeof found === "string") fetched.set(name, true);
  return found;
}

/** `NAME`, or `NAME/field` where the variable holds a JSON object (`apisix/core/env.lua`). */
function fromEnvironment(rest: string, sources: SecretSources): string | Problem {
  const slash = rest.indexOf("/");
  const name = slash < 0 ? rest : rest.slice(0, slash);
  const variable = `refers to the environment variable ${quote(name)}`;
  const { ownEnv } = sources;
  if (ownEnv !== undefined && name.startsWith(ownEnv)) {
    return { problem: `${variable}, which is never resolved: those that begin with ${ownEnv} are the gateway's own` };
  }
  let value: string | undefined;
  try {
    value = sources.env?.(name);
  } catch {
    return { problem: `${variable}, which this process may not read` };
  }
  if (value === undefined) return { problem: `${variable}, which is not set` };
  if (slash < 0) return value;
  const field = rest.slice(slash + 1);
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === "object" && parsed !== null && Object.hasOwn(parsed, field)) {
      const found: unknown = (parsed as Record<string, unknown>)[field];
      if (typeof found === "string" || typeof found === "number") return String(found);
    }
  } catch {
    // Told below: the parser's own message would quote the secret.
  }
  return { problem: `${variable}, which is no JSON object with a text in ${quote(field)}` };
}

async function fetchSecret(
  reference: SecretReference,
  config: Secret,
  { secret, timeoutMs = 5000 }: SecretSources,
): Promise<string | Problem> {
  const { manager, id, key } = reference;
  const shown = quote(`$secret://${manager}/${id}/${key}`, 80);
  if (secret === undefined) return { problem: `cannot resolve ${shown}, as this gateway has no client for ${manager}` };
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<Problem>((resolve) => {
    timer = setTimeout(() => {
      controller.abort();
      resolve({ problem: `cannot resolve ${shown}, as ${manager} did not answer within ${timeoutMs} ms` });
    }, timeoutMs);
  });
  try {
    return await Promise.race([secret(reference, config, controller.signal), timeout]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "the client failed";
    return { problem: `cannot resolve ${shown}: ${quote(reason, 200)}` };
  } finally {
    clearTimeout(timer);
  }
}

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
  /**
   * Fetches from a manager. It rejects where it cannot; the error's message is shown in the status, so it must not hold a secret.
   */
  readonly secret?: (reference: SecretReference, manager: Secret, signal: AbortSignal) => Promise<string>;
  /** Milliseconds for one fetch. Default: 5000. */
  readonly timeoutMs?: number;
}

/** What became of a value's secrets. */
export interface ResolvedSecrets {
  /** Empty where all were resolved. They name references and never a value. */
  readonly issues: readonly Issue[];
  /** Paths that hold a secret now. */
  readonly hidden: ReadonlySet<string>;
  /** Managers that the value refers to, as in `vault/1`: when one of them changes, the value must be read again. */
  readonly managers: ReadonlySet<string>;
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
  const managers = new Set<string>();
  await Promise.all(places.map(async (place) => {
    let text = place.text;
    if (place.encrypted && !text.startsWith("---")) text = await sources.keyring?.decrypt(text) ?? text;
    if (isReference(text)) {
      const found = await follow(text, sources, managerOf, managers);
      if (typeof found !== "string") return issues.push({ path: place.path, message: found.problem });
      text = found;
    }
    if (place.pem && !text.trimStart().startsWith("-----BEGIN ")) {
      return issues.push({
        path: place.path,
        message: "must be a private key in PEM: it is none, and no key of the keyring decrypts it",
      });
    }
    place.set(text);
  }));
  return { issues, hidden: new Set(places.map((place) => place.path)), managers };
}

/** Why a reference cannot be resolved, as a message. */
interface Problem {
  readonly problem: string;
}

function follow(
  reference: string,
  sources: SecretSources,
  managerOf: (id: string) => Secret | undefined,
  managers: Set<string>,
): string | Problem | Promise<string | Problem> {
  const rest = reference.slice(reference.indexOf("://") + 3);
  if (/^\$env:/i.test(reference)) return fromEnvironment(rest, sources);
  const [manager = "", id = "", ...keys] = rest.split("/");
  const key = keys.join("/");
  if (id === "" || key === "") {
    return { problem: `must be $secret://manager/id/key, is ${quote(reference)}` };
  }
  const name = `${manager}/${id}`;
  managers.add(name);
  const config = managerOf(name);
  if (config === undefined) return { problem: `refers to secret ${quote(name)}, which is not there` };
  return fetchSecret({ manager, id, key }, config, sources);
}

/** `NAME`, or `NAME/field` where the variable holds a JSON object (`apisix/core/env.lua`). */
function fromEnvironment(rest: string, sources: SecretSources): string | Problem {
  const slash = rest.indexOf("/");
  const name = slash < 0 ? rest : rest.slice(0, slash);
  const variable = `refers to the environment variable ${quote(name)}`;
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

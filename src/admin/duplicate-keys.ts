import { parseKey } from "../config/key.ts";
import type { Kind } from "../config/kinds.ts";
import type { PluginUses } from "../config/plugins.ts";
import type { WritableSource } from "../store/writable.ts";
import { AdminError } from "./answer.ts";
import type { Checker } from "./check.ts";
import { toFields } from "./node.ts";
import { isObject } from "./patch.ts";

/** What each plugin of APISIX's finds a consumer by, as its message names it. */
const ATTRIBUTES: Readonly<Record<string, string>> = { "basic-auth": "username", "hmac-auth": "key_id" };

/**
 * Refuses credentials by which a gateway would find another consumer. As in APISIX, what is written at the very same moment is not seen.
 *
 * @throws AdminError 400
 */
export async function refuseDuplicateKeys(
  kind: Kind,
  id: string,
  plugins: PluginUses,
  source: WritableSource,
  checker: Checker,
): Promise<void> {
  const wanted = new Map<string, readonly string[]>();
  for (const [name, { config, meta }] of Object.entries(plugins)) {
    if (meta.disable === true) continue;
    // The same key is always encrypted to the same text, so that stored ones need not be decrypted.
    const keys = [config, await checker.sealedConfig(name, config)].map((each) => keyOf(checker, name, each));
    const known = keys.filter((key) => key !== undefined);
    if (known.length > 0) wanted.set(name, known);
  }
  if (wanted.size === 0) return;
  const { entries } = await source.list("consumers/");
  for (const entry of entries) {
    const parsed = parseKey(entry.key, entry.value);
    if (parsed === "ignored" || (parsed.kind !== "consumer" && parsed.kind !== "credential")) continue;
    // A consumer may have what its own credentials have; a credential not what its consumer has.
    if (parsed.id === id || (kind === "consumer" && parsed.id.startsWith(`${id}/`))) continue;
    const stored = toFields(entry)?.["plugins"];
    for (const [name, keys] of isObject(stored) ? wanted : []) {
      const key = keyOf(checker, name, (stored as Record<string, unknown>)[name]);
      if (key === undefined || !keys.includes(key)) continue;
      const [username, , credential] = parsed.id.split("/");
      const owner = credential === undefined
        ? `consumer: ${username}`
        : `credential: ${credential} of consumer: ${username}`;
      throw new AdminError(400, `duplicate ${ATTRIBUTES[name] ?? "key"} of plugin ${name} found with ${owner}`);
    }
  }
}

function keyOf(checker: Checker, name: string, config: unknown): string | undefined {
  try {
    return isObject(config) ? checker.catalogue.get(name)?.consumerKey?.(config) : undefined;
  } catch {
    // Stored by others, and not valid.
    return undefined;
  }
}

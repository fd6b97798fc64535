import type { VaultSecret } from "../config/secret.ts";
import { type AskManager, fieldOf, isObject, readObject, SecretError, statusError, under } from "./manager.ts";

/**
 * Reads `<name>/<field>` from HashiCorp Vault's key-value store (`apisix/secret/vault.lua`). The second version of that store
 * answers with the data one level deeper; its path has `data` behind the mount, which belongs into the prefix: `secret/data`.
 *
 * @throws {SecretError}
 */
export async function readVault(
  ask: AskManager,
  { uri, prefix, token, namespace }: VaultSecret,
  key: string,
  signal: AbortSignal,
): Promise<string> {
  const slash = key.lastIndexOf("/");
  const name = key.slice(0, Math.max(slash, 0)), field = key.slice(slash + 1);
  if (name === "" || field === "") throw new SecretError("for vault, a name and a field must follow: name/field");
  const headers = ["X-Vault-Token", token, "X-Vault-Request", "true", "Accept", "application/json"];
  if (namespace !== undefined) headers.push("X-Vault-Namespace", namespace);
  const answer = await ask({ method: "GET", url: under(uri, `v1/${prefix}/${name}`), headers }, signal);
  if (answer.status !== 200) throw statusError("vault", answer.status, REASONS[answer.status]);
  const { data } = readObject("vault", answer.text);
  return fieldOf(isSecondVersion(data) ? data.data : data, field);
}

const REASONS: Readonly<Record<number, string>> = {
  400: "bad request",
  403: "the token may not read it",
  404: "there is no such secret",
  503: "it is sealed",
};

/** `{"data": {...}, "metadata": {"version": 3, ...}}`, which no secret of the first version has by chance. */
function isSecondVersion(data: unknown): data is { readonly data: unknown } {
  return isObject(data) && isObject(data.metadata) && typeof data.metadata.version === "number" &&
    Object.hasOwn(data, "data");
}

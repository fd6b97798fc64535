import { createPair, type PemPair } from "../../support/tokens.ts";
import type { PluginGateway } from "../../support/plugin-gateway.ts";

/** Everything that must never be seen outside of the configuration. */
export const SECRETS = {
  jackKey: "corpus-jack-key-5b1d",
  umlautKey: "corpus-schlüssel-93aa",
  disabledKey: "corpus-disabled-key-77e0",
  annPassword: "corpus-ann-password-c4f2",
  hsSecret: "corpus-hs-secret-0d6e",
  annSecret: "corpus-ann-secret-a81c",
  base64Secret: "Y29ycHVzLWJhc2U2NC1zZWNyZXQtMmY=",
};

export interface CorpusKeys {
  readonly rsa: PemPair;
  readonly otherRsa: PemPair;
  readonly p256: PemPair;
  readonly ed25519: PemPair;
}

export async function createKeys(): Promise<CorpusKeys> {
  const [rsa, otherRsa, p256, ed25519] = await Promise.all(["RS256", "RS256", "ES256", "EdDSA"].map(createPair));
  return { rsa: rsa!, otherRsa: otherRsa!, p256: p256!, ed25519: ed25519! };
}

/** Routes `/key`, `/basic`, `/jwt`, `/restricted` (only for admin), `/closed` (an anonymous consumer that is not there), and who may use them. */
export async function fill(gateway: PluginGateway, keys: CorpusKeys): Promise<void> {
  const route = (path: string, plugins: Record<string, unknown>) => ({
    [`routes/${path}`]: { uris: [`/${path}`, `/${path}/*`], upstream: gateway.upstream, plugins },
  });
  const consumer = (username: string, plugins: Record<string, unknown>) => ({
    [`consumers/${username}`]: { username, plugins },
  });
  await gateway.put({
    ...route("key", { "key-auth": {} }),
    ...route("basic", { "basic-auth": {} }),
    ...route("jwt", { "jwt-auth": {} }),
    ...route("strict", { "jwt-auth": { claims_to_verify: ["exp", "nbf"], query: "t" } }),
    ...route("restricted", { "key-auth": {}, "consumer-restriction": { whitelist: ["admin"] } }),
    ...route("closed", { "key-auth": { anonymous_consumer: "nobody" } }),
    ...consumer("jack", {
      "key-auth": { key: SECRETS.jackKey },
      "jwt-auth": { key: "hs-id", secret: SECRETS.hsSecret },
    }),
    ...consumer("umlaut", { "key-auth": { key: SECRETS.umlautKey } }),
    ...consumer("ann", {
      "basic-auth": { username: "ann", password: SECRETS.annPassword },
      "jwt-auth": { key: "ann-id", secret: SECRETS.annSecret, algorithm: "HS512" },
    }),
    ...consumer("disabled", { "key-auth": { key: SECRETS.disabledKey, _meta: { disable: true } } }),
    ...consumer("reference", { "key-auth": { key: "$ENV://NOT_SET" } }),
    ...consumer("rsa", { "jwt-auth": { key: "rs-id", algorithm: "RS256", public_key: keys.rsa.publicKey } }),
    ...consumer("ec", { "jwt-auth": { key: "es-id", algorithm: "ES256", public_key: keys.p256.publicKey } }),
    ...consumer("ed", { "jwt-auth": { key: "ed-id", algorithm: "EdDSA", public_key: keys.ed25519.publicKey } }),
    ...consumer("base", { "jwt-auth": { key: "b64-id", secret: SECRETS.base64Secret, base64_secret: true } }),
    "consumers/stray/credentials/c1": { plugins: { "key-auth": { key: "corpus-stray-key-19" } } },
  });
}

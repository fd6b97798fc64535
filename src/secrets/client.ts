import type { SecretSources } from "../config/secrets.ts";
import { readAws } from "./aws.ts";
import { GcpClient, type ReadFile } from "./gcp.ts";
import type { AskManager } from "./manager.ts";
import { readVault } from "./vault.ts";

/** What a client of secret managers needs. */
export interface SecretClientOptions {
  /** Sends requests. */
  readonly ask: AskManager;
  /** Reads `auth_file` of Google's accounts. Default: they are refused. */
  readonly readFile?: ReadFile;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/**
 * Makes what fetches `$secret://` references from HashiCorp Vault, AWS Secrets Manager and Google Secret Manager.
 *
 * @example
 * ```ts
 * const secret = createSecretClient({ ask: askOver(transport) });
 * const gateway = createGateway({ source, transport, secrets: { secret } });
 * ```
 */
export function createSecretClient({ ask, readFile, now }: SecretClientOptions): NonNullable<SecretSources["secret"]> {
  const gcp = new GcpClient(ask, readFile, now);
  return ({ key }, config, signal) => {
    switch (config.manager) {
      case "vault":
        return readVault(ask, config, key, signal);
      case "aws":
        return readAws(ask, config, key, signal, now);
      case "gcp":
        return gcp.read(config, key, signal);
    }
  };
}

import { open } from "node:fs/promises";
import process from "node:process";
import { APISIX_KEYRING, createKeyring } from "../config/keyring.ts";
import type { SecretSources } from "../config/secrets.ts";
import { askOver } from "../forward/ask-manager.ts";
import type { Transport } from "../forward/transport.ts";
import { compileDenied } from "../gateway/denied-targets.ts";
import { createGateway, type Gateway, type GatewayOptions } from "../gateway/gateway.ts";
import { createResolve } from "../runtimes/dns.ts";
import { createRedisConnector } from "../runtimes/redis.ts";
import { CHECKED_ONLY } from "../runtimes/tls/check-certificate.ts";
import { tcpProbe } from "../runtimes/tcp-probe.ts";
import { createSecretClient } from "../secrets/client.ts";
import { loadPlugins } from "./plugin-files.ts";
import { readPem } from "./pem-file.ts";
import type { Settings } from "./settings.ts";

/** What the settings do not say: where resources come from, what sends requests, who hears of answers. */
export interface GatewayParts extends Pick<GatewayOptions, "source" | "onAnswer" | "certificates"> {
  readonly transport: Transport;
}

/** Makes the gateway that the settings describe. @throws UsageError where a file that they name cannot be read. */
export async function openGateway(settings: Settings, parts: GatewayParts): Promise<Gateway> {
  const upstreamCa = await readPem("upstreamCa", settings.upstreamCa);
  return createGateway({
    certificates: CHECKED_ONLY,
    ...parts,
    plugins: await loadPlugins(settings.plugin),
    router: settings.router,
    trustedProxies: settings.trustedProxies,
    denyTargets: settings.denyTargets,
    totalTimeout: settings.requestTimeout,
    maxInspectedBody: settings.maxInspectedBody,
    maxResourceBytes: settings.maxResourceSize,
    secrets: await secretSources(settings, parts.transport),
    tcpProbe,
    resolve: createResolve(),
    redis: createRedisConnector(upstreamCa === undefined ? {} : { ca: upstreamCa }),
    ...(upstreamCa === undefined ? {} : { upstreamCa }),
  });
}

/** Bytes of a file with a service account of Google's. */
const MAX_ACCOUNT_BYTES = 64 * 1024;

/**
 * What the settings say of secrets. Managers are asked by `transport`, as every upstream is.
 *
 * @throws UsageError where a file that they name cannot be read.
 */
export async function secretSources(settings: Settings, transport: Transport): Promise<SecretSources> {
  const { keyring, secretRefresh, denyTargets } = settings;
  const ca = await readPem("upstreamCa", settings.upstreamCa);
  const denied = compileDenied(denyTargets);
  const ask = askOver(transport, {
    ...(ca === undefined ? {} : { ca }),
    ...(denied === undefined ? {} : { denied }),
  });
  return {
    keyring: createKeyring(keyring.length > 0 ? keyring : APISIX_KEYRING),
    // A resource can send what it refers to anywhere; the gateway's own secrets are none of its business.
    env: (name) => process.env[name],
    ownEnv: "GATEWATCH_",
    secret: createSecretClient({ ask, readFile: readAccount }),
    refreshMs: secretRefresh,
  };
}

/** A resource names the file: only what is a file of a reasonable size is read. */
async function readAccount(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > MAX_ACCOUNT_BYTES) throw new Error("no file of a reasonable size");
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

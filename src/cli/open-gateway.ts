import process from "node:process";
import { APISIX_KEYRING, createKeyring } from "../config/keyring.ts";
import type { SecretSources } from "../config/secrets.ts";
import { createGateway, type Gateway, type GatewayOptions } from "../gateway/gateway.ts";
import { createResolve } from "../runtimes/dns.ts";
import { createRedisConnector } from "../runtimes/redis.ts";
import { tcpProbe } from "../runtimes/tcp-probe.ts";
import { loadPlugins } from "./plugin-files.ts";
import { readPem } from "./pem-file.ts";
import type { Settings } from "./settings.ts";

/** What the settings do not say: where resources come from, what sends requests, who hears of answers. */
export type GatewayParts = Pick<GatewayOptions, "source" | "transport" | "onAnswer">;

/** Makes the gateway that the settings describe. @throws UsageError where a file that they name cannot be read. */
export async function openGateway(settings: Settings, parts: GatewayParts): Promise<Gateway> {
  const upstreamCa = await readPem("upstreamCa", settings.upstreamCa);
  return createGateway({
    ...parts,
    plugins: await loadPlugins(settings.plugin),
    router: settings.router,
    trustedProxies: settings.trustedProxies,
    denyTargets: settings.denyTargets,
    totalTimeout: settings.requestTimeout,
    maxInspectedBody: settings.maxInspectedBody,
    maxResourceBytes: settings.maxResourceSize,
    secrets: secretSources(settings),
    tcpProbe,
    resolve: createResolve(),
    redis: createRedisConnector(upstreamCa === undefined ? {} : { ca: upstreamCa }),
    ...(upstreamCa === undefined ? {} : { upstreamCa }),
  });
}

/** What the settings say of secrets. */
export function secretSources({ keyring }: Settings): SecretSources {
  return {
    keyring: createKeyring(keyring.length > 0 ? keyring : APISIX_KEYRING),
    // A resource can send what it refers to anywhere; the gateway's own secrets are none of its business.
    env: (name) => name.startsWith("GATEWATCH_") ? undefined : process.env[name],
  };
}

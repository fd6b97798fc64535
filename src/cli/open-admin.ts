import type { Hono } from "hono";
import type { AdminKey } from "../admin/keys.ts";
import { APISIX_KEYRING, createKeyring } from "../config/keyring.ts";
import type { Transport } from "../forward/transport.ts";
import { isLoopback } from "../net/loopback.ts";
import type { Runtime } from "../runtimes/runtime.ts";
import { CHECKED_ONLY } from "../runtimes/tls/check-certificate.ts";
import type { ConfigSource } from "../store/source.ts";
import { VERSION } from "../version.ts";
import { secretSources } from "./open-gateway.ts";
import { openWriter } from "./open-source.ts";
import { loadPlugins } from "./plugin-files.ts";
import type { Settings } from "./settings.ts";

/** An Admin API, and what lets go of its connection to the store. */
export interface OpenAdmin {
  readonly app: Hono;
  readonly close: () => void;
}

/** Makes the Admin API that the settings describe; undefined where they give no key for it. */
export async function openAdmin(
  settings: Settings,
  runtime: Runtime,
  source: ConfigSource,
  transport: Transport,
): Promise<OpenAdmin | undefined> {
  const keys: AdminKey[] = [];
  if (settings.adminKey !== undefined) keys.push({ key: settings.adminKey, role: "admin" });
  if (settings.adminViewerKey !== undefined) keys.push({ key: settings.adminViewerKey, role: "viewer" });
  if (keys.length === 0) return undefined;
  const { createAdmin } = await import("../admin/admin.ts");
  const { writer, close } = await openWriter(settings, runtime, source);
  const { keyring } = settings;
  const app = createAdmin({
    source: writer,
    keys,
    version: VERSION,
    loopback: isLoopback(settings.admin.host),
    router: settings.router,
    certificates: CHECKED_ONLY,
    plugins: await loadPlugins(settings.plugin),
    redis: true,
    secrets: await secretSources(settings, transport),
    maxResourceBytes: settings.maxResourceSize,
    // As APISIX keeps them in etcd. In a file, that people read and edit, secrets stay as they were written.
    seal: settings.resources === undefined ? createKeyring(keyring.length > 0 ? keyring : APISIX_KEYRING) : undefined,
  });
  return { app, close };
}

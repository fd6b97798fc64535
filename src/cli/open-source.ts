import { getLogger } from "@logtape/logtape";
import type { Runtime } from "../runtimes/runtime.ts";
import type { SourceLog } from "../sources/log.ts";
import type { EtcdSourceOptions } from "../sources/etcd/source.ts";
import type { ConfigSource } from "../store/source.ts";
import type { WritableSource } from "../store/writable.ts";
import { readPem } from "./pem-file.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The source that the settings name. Only what it needs is loaded: who reads a file loads no gRPC.
 *
 * @throws UsageError where the settings do not fit together, or a certificate or key cannot be read.
 */
export async function openSource(settings: Settings, runtime: Runtime): Promise<ConfigSource> {
  if (settings.resources !== undefined) {
    const { fileSource } = await import("../sources/file.ts");
    return fileSource(settings.resources, { log: sourceLog("file") });
  }
  const { etcdSource } = await import("../sources/etcd/source.ts");
  // The source reads the files anew for each connection, so that certificates can be exchanged; what is wrong with them
  // from the start is told at the start.
  for (const name of ["etcdCa", "etcdCert", "etcdKey"] as const) await readPem(name, settings[name]);
  try {
    return etcdSource(etcdOptions(settings, runtime));
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError([error.message]);
    throw error;
  }
}

/** A writer of what {@link openSource} reads, on a connection of its own, and what lets go of it. */
export async function openWriter(
  settings: Settings,
  runtime: Runtime,
  source: ConfigSource,
): Promise<{ readonly writer: WritableSource; readonly close: () => void }> {
  if ("commit" in source) return { writer: source as ConfigSource & WritableSource, close: () => undefined };
  const { etcdWriter } = await import("../sources/etcd/writer.ts");
  const writer = etcdWriter(etcdOptions(settings, runtime));
  return { writer, close: () => writer.close() };
}

/** How etcd is reached. */
export function etcdOptions(settings: Settings, runtime: Runtime): EtcdSourceOptions {
  return {
    endpoints: settings.etcd,
    prefix: settings.prefix,
    carrier: settings.etcdTransport ?? runtime.defaults.carrier,
    user: settings.etcdUser,
    password: settings.etcdPassword,
    ca: settings.etcdCa,
    cert: settings.etcdCert,
    key: settings.etcdKey,
    log: sourceLog("etcd"),
  };
}

function sourceLog(part: string): SourceLog {
  const log = getLogger(["gatewatch", part]);
  return (level, message, fields) => log[level](message, { ...fields });
}

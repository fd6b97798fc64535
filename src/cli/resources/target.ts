import { readPem } from "../pem-file.ts";
import type { WritableSource } from "../../store/writable.ts";
import type { CommandInput } from "../command.ts";
import { UsageError } from "../usage-error.ts";
import { loadTargetSettings, type TargetSettings } from "./target-settings.ts";

/** Where resources are read from and written to, for as long as one command runs. */
export interface Target extends WritableSource {
  /** For messages: an address, and the prefix where there is one. */
  readonly origin: string;
  close(): void;
}

/** Opens what the settings name. @throws UsageError */
export async function openTarget(input: CommandInput): Promise<Target> {
  const settings = await loadTargetSettings(input);
  if (settings.adminUrl === undefined) return await openEtcd(settings);
  const { adminTarget } = await import("./admin-target.ts");
  return adminTarget(settings.adminUrl, settings.adminKey);
}

async function openEtcd(settings: TargetSettings): Promise<Target> {
  for (const name of ["etcdCa", "etcdCert", "etcdKey"] as const) await readPem(name, settings[name]);
  const { etcdWriter } = await import("../../sources/etcd/writer.ts");
  try {
    const writer = etcdWriter({
      endpoints: settings.etcd,
      prefix: settings.prefix,
      carrier: settings.etcdTransport,
      user: settings.etcdUser,
      password: settings.etcdPassword,
      ca: settings.etcdCa,
      cert: settings.etcdCert,
      key: settings.etcdKey,
    });
    return {
      origin: `${settings.etcd.join(",")}${settings.prefix}`,
      prefix: writer.prefix,
      limits: writer.limits,
      get: (key, at) => writer.get(key, at),
      list: (prefix, at) => writer.list(prefix, at),
      commit: (write) => writer.commit(write),
      close: () => writer.close(),
    };
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError([error.message]);
    throw error;
  }
}

import { APISIX_KEYRING, createKeyring, type Keyring } from "../../config/keyring.ts";
import { readPem } from "../pem-file.ts";
import type { WritableSource } from "../../store/writable.ts";
import type { CommandInput } from "../command.ts";
import type { Flags } from "../flags.ts";
import { UsageError } from "../usage-error.ts";
import { createSealing, type Sealing } from "./sealing.ts";
import { loadTargetSettings, type TargetSettings } from "./target-settings.ts";

/** Where resources are read from and written to, for as long as one command runs. */
export interface Target extends WritableSource {
  /** For messages: an address, and the prefix where there is one. */
  readonly origin: string;
  /** How secrets are kept there. */
  readonly sealing: Sealing;
  close(): void;
}

/** Opens what the settings name. @throws UsageError */
export async function openTarget(input: CommandInput): Promise<Target> {
  const operations = readOperations(input.flags);
  const settings = await loadTargetSettings(input);
  if (settings.adminUrl === undefined) return await openEtcd(settings, operations);
  const { adminTarget } = await import("./admin-target.ts");
  // The API decrypts what it shows and encrypts what it stores.
  return adminTarget(settings.adminUrl, settings.adminKey, createSealing(keyringOf(settings), undefined));
}

/** `--max-txn-ops`. @throws UsageError */
function readOperations({ values }: Flags): number | undefined {
  const text = values.get("max-txn-ops")?.at(-1);
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError([
    `--max-txn-ops: Cannot use "${text}": write a number from 1 to 999999, as etcd was started with`,
  ]);
}

/** @throws UsageError */
function keyringOf({ keyring }: TargetSettings): Keyring {
  try {
    return createKeyring(keyring.length > 0 ? keyring : APISIX_KEYRING);
  } catch (error) {
    throw new UsageError([`--keyring: ${(error as Error).message}`]);
  }
}

async function openEtcd(settings: TargetSettings, operations: number | undefined): Promise<Target> {
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
    }, operations === undefined ? {} : { operations });
    return {
      origin: `${settings.etcd.join(",")}${settings.prefix}`,
      sealing: createSealing(keyringOf(settings), settings.keyring.length > 0 ? keyringOf(settings) : undefined),
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

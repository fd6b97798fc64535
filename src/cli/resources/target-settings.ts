import { readFile } from "node:fs/promises";
import type { CommandInput } from "../command.ts";
import { loadClientSettings } from "../client-settings.ts";
import type { SettingOrigin } from "../resolve-settings.ts";
import { CONFIG } from "../run-settings.ts";
import { ADMIN_URL, flagName, SETTINGS, type Settings, type SingleSetting } from "../settings.ts";
import { UsageError } from "../usage-error.ts";

type EtcdName =
  | "etcd"
  | "etcdUser"
  | "etcdPassword"
  | "etcdPasswordFile"
  | "etcdCa"
  | "etcdCert"
  | "etcdKey"
  | "etcdTransport"
  | "prefix"
  | "keyring"
  | "keyringFile";

const ETCD: Pick<typeof SETTINGS, EtcdName> = {
  etcd: SETTINGS.etcd,
  etcdUser: SETTINGS.etcdUser,
  etcdPassword: SETTINGS.etcdPassword,
  etcdPasswordFile: SETTINGS.etcdPasswordFile,
  etcdCa: SETTINGS.etcdCa,
  etcdCert: SETTINGS.etcdCert,
  etcdKey: SETTINGS.etcdKey,
  etcdTransport: SETTINGS.etcdTransport,
  prefix: SETTINGS.prefix,
  keyring: SETTINGS.keyring,
  keyringFile: SETTINGS.keyringFile,
};

const ADMIN: Pick<typeof SETTINGS, "adminKey" | "adminKeyFile"> & { readonly adminUrl: SingleSetting<string> } = {
  adminUrl: ADMIN_URL,
  adminKey: SETTINGS.adminKey,
  adminKeyFile: SETTINGS.adminKeyFile,
};

/** Settings of commands that need etcd itself. */
export const ETCD_SETTINGS: typeof CONFIG & typeof ETCD = { ...CONFIG, ...ETCD };
/** Settings of commands that read or write resources wherever they are. */
export const TARGET_SETTINGS: typeof CONFIG & typeof ETCD & typeof ADMIN = { ...CONFIG, ...ETCD, ...ADMIN };
/** Those that a help text shows; the rest is in that of `gatewatch run`. */
export const SHOWN_ETCD: readonly string[] = ["etcd", "prefix"];
export const SHOWN_TARGET: readonly string[] = [...SHOWN_ETCD, "adminUrl", "adminKeyFile"];

/** Where resources are read from and written to. */
export type TargetSettings =
  & Pick<Settings, Exclude<EtcdName, "etcdPasswordFile" | "keyringFile">>
  & { readonly adminUrl: string | undefined; readonly adminKey: string | undefined };

/**
 * Reads the settings of a target: flag before variable before file.
 *
 * @throws UsageError
 */
export async function loadTargetSettings(input: CommandInput): Promise<TargetSettings> {
  const { settings, origins, problems: found } = await loadClientSettings<TargetSettings & FilePaths>(
    { ...ETCD, ...ADMIN },
    input,
  );
  const problems = [...found];
  const given = (name: keyof (TargetSettings & FilePaths)): boolean => origins.get(name)?.place === "flag";
  if (given("etcd") && given("adminUrl")) problems.push("Cannot use both --etcd and --admin-url: give one of them");
  if (
    settings.etcdUser !== undefined && settings.etcdPassword === undefined && settings.etcdPasswordFile === undefined
  ) {
    problems.push(`${origins.get("etcdUser")!.label}: Needs --etcd-password-file or --etcd-password as well`);
  }
  // What the command line names is meant, whatever the variables of a gateway say.
  const viaAdmin = settings.adminUrl !== undefined && !given("etcd");
  if (!viaAdmin && settings.etcd.length === 0) {
    problems.push("Nothing to read or write: give --etcd URL (or GATEWATCH_ETCD), or --admin-url URL");
  }
  if (problems.length > 0) throw new UsageError(problems);
  const { etcdPasswordFile, adminKeyFile, keyringFile, ...rest } = settings;
  const keys = await secretIn(keyringFile, "keyringFile", origins);
  return {
    ...rest,
    keyring: keys === undefined ? rest.keyring : keys.split(","),
    adminUrl: viaAdmin ? rest.adminUrl : undefined,
    etcdTransport: rest.etcdTransport ?? input.runtime.defaults.carrier,
    etcdPassword: rest.etcdPassword ?? await secretIn(etcdPasswordFile, "etcdPasswordFile", origins),
    adminKey: rest.adminKey ?? await secretIn(adminKeyFile, "adminKeyFile", origins),
  };
}

interface FilePaths {
  readonly keyringFile: string | undefined;
  readonly etcdPasswordFile: string | undefined;
  readonly adminKeyFile: string | undefined;
}

async function secretIn<T>(
  path: string | undefined,
  name: keyof T & string,
  origins: ReadonlyMap<keyof T, SettingOrigin>,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const label = origins.get(name)?.label ?? `--${flagName(name)}`;
  let content: string;
  try {
    content = (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw new UsageError([`${label}: Cannot read ${path}: ${(error as Error).message}`]);
  }
  if (content !== "" && !content.includes("\n")) return content;
  throw new UsageError([`${label}: Cannot use ${path}: write the secret on one line and nothing else`]);
}

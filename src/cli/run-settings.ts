import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { isLoopback } from "../net/loopback.ts";
import type { Flags } from "./flags.ts";
import {
  type ResolvedSettings,
  resolveSettings,
  type SettingOrigin,
  unknownKeys,
  unknownVariables,
} from "./resolve-settings.ts";
import { text } from "./setting-values.ts";
import {
  FILE_SETTINGS,
  flagName,
  type SettingName,
  SETTINGS,
  type Settings,
  type SingleSetting,
  variableName,
} from "./settings.ts";
import { type FileEntry, readSettingsFile } from "./settings-file.ts";
import { UsageError } from "./usage-error.ts";

/** Which file holds the settings; a setting of its own, since no file can name it. */
export const CONFIG: { readonly config: SingleSetting<string> } = {
  config: {
    group: "Configuration",
    value: "FILE",
    help: "Read settings from this YAML or JSON file; default: gatewatch.yaml where it exists",
    schema: text,
  },
};

const DEFAULT_FILE = "gatewatch.yaml";

/** Everything that `gatewatch run` was told. */
export interface RunSettings extends Settings {
  /** The settings file that was read. */
  readonly config: string | undefined;
  /** What the operator should know before the gateway starts, a line each. */
  readonly warnings: readonly string[];
}

/**
 * The settings file that a command reads: the named one, which must exist, or `gatewatch.yaml` where there is one.
 *
 * @throws UsageError where it cannot be read.
 */
export async function loadSettingsFile(
  flags: Flags,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ path: string | undefined; entries: ReadonlyMap<string, FileEntry> }> {
  const { settings, problems } = resolveSettings<{ config: string | undefined }>(CONFIG, {
    flags: flags.values,
    environment,
  });
  if (problems.length > 0) throw new UsageError(problems);
  const entries = await readSettingsFile(settings.config ?? DEFAULT_FILE, settings.config !== undefined);
  return { path: entries === undefined ? undefined : settings.config ?? DEFAULT_FILE, entries: entries ?? new Map() };
}

/**
 * Reads the settings of `gatewatch run`: flag before variable before file before default. Passwords and keys that stand in files of their own are
 * read here, so that the rest of the program sees values alone.
 *
 * @throws UsageError that names every problem.
 */
export async function loadRunSettings(
  flags: Flags,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<RunSettings> {
  const file = await loadSettingsFile(flags, environment);
  const resolved = resolveSettings<Settings>(SETTINGS, { flags: flags.values, environment, file: file.entries });
  const names = Object.keys(FILE_SETTINGS);
  const problems = [
    ...resolved.problems,
    ...unknownKeys(file.entries, names),
    ...(resolved.problems.length === 0 ? contradictions(resolved) : []),
  ];
  const { settings, origins } = resolved;
  const secrets = problems.length === 0
    ? {
      etcdPassword: settings.etcdPassword ?? await secretFile(settings, origins, "etcdPasswordFile", problems),
      adminKey: settings.adminKey ?? await secretFile(settings, origins, "adminKeyFile", problems),
      adminViewerKey: settings.adminViewerKey ?? await secretFile(settings, origins, "adminViewerKeyFile", problems),
      keyring: await loadKeyring(settings, origins, problems),
    }
    : {};
  if (problems.length > 0) throw new UsageError(problems);
  return {
    ...settings,
    ...secrets,
    ...(flags.switches.has("no-register") ? { register: "off" as const } : {}),
    config: file.path,
    warnings: [...unknownVariables(environment, [...names, "config"]), ...doubtful(resolved)],
  };
}

/** Settings that cannot stand together, or not alone. */
function contradictions({ settings, origins }: ResolvedSettings<Settings>): string[] {
  const problems: string[] = [];
  const given = (name: SettingName) => origins.get(name)?.place !== "default";
  const label = (name: SettingName) => origins.get(name)!.label;
  const notBoth = (a: SettingName, b: SettingName) => {
    if (given(a) && given(b)) problems.push(`Cannot use both ${label(a)} and ${label(b)}: give one of them`);
  };
  const needs = (a: SettingName, ...others: readonly SettingName[]) => {
    if (!given(a) || others.some(given)) return;
    problems.push(`${label(a)}: Needs ${others.map((name) => `--${flagName(name)}`).join(" or ")} as well`);
  };
  notBoth("etcd", "resources");
  notBoth("etcdPassword", "etcdPasswordFile");
  notBoth("adminKey", "adminKeyFile");
  notBoth("adminViewerKey", "adminViewerKeyFile");
  notBoth("keyring", "keyringFile");
  needs("etcdUser", "etcdPassword", "etcdPasswordFile");
  needs("etcdPassword", "etcdUser");
  needs("etcdPasswordFile", "etcdUser");
  needs("etcdCert", "etcdKey");
  needs("etcdKey", "etcdCert");
  needs("tlsCert", "tlsKey");
  needs("tlsKey", "tlsCert");
  if (settings.listenTls.length === 0) needs("tlsCert", "listenTls");
  else if (settings.listener !== "http1") {
    problems.push(`${label("listener")}: Needs to be http1 where there is --listen-tls, is ${settings.listener}`);
  }
  if (settings.etcd.length === 0 && settings.resources === undefined) {
    problems.push(
      `Nothing to read resources from: give --etcd URL (or ${variableName("etcd")}), or --resources FILE (or ${
        variableName("resources")
      })`,
    );
  }
  if (settings.listen.length === 0 && settings.listenTls.length === 0) {
    problems.push(`${label("listen")}: Cannot be empty`);
  }
  return problems;
}

/** What is allowed and should be known. */
function doubtful({ settings, origins }: ResolvedSettings<Settings>): string[] {
  const warnings: string[] = [];
  for (const name of ["etcdPassword", "adminKey", "adminViewerKey", "keyring"] as const) {
    if (origins.get(name)?.place !== "flag") continue;
    warnings.push(
      `Every user of this machine can read --${flagName(name)} in the list of processes: use --${
        flagName(name)
      }-file or ${variableName(name)}`,
    );
  }
  if (hasAdmin(settings) && !isLoopback(settings.admin.host)) {
    const { host, port } = settings.admin;
    warnings.push(`The Admin API takes its key unencrypted, and ${host}:${port} can be reached from other machines`);
  }
  const plain = settings.etcd.filter((url) => url.startsWith("http://") && !isLoopback(new URL(url).hostname));
  if (settings.etcdUser !== undefined && plain.length > 0) {
    warnings.push(`The etcd password goes unencrypted over the network to ${plain.join(", ")}: use https://`);
  }
  if (!isLoopback(settings.control.host)) {
    const { host, port } = settings.control;
    warnings.push(`The control API asks for no key, and ${host}:${port} can be reached from other machines`);
  }
  return warnings;
}

/** Whether there is a key for the Admin API, without which it is not served. */
export function hasAdmin(
  { adminKey, adminKeyFile, adminViewerKey, adminViewerKeyFile }: Pick<
    Settings,
    "adminKey" | "adminKeyFile" | "adminViewerKey" | "adminViewerKeyFile"
  >,
): boolean {
  return [adminKey, adminKeyFile, adminViewerKey, adminViewerKeyFile].some((each) => each !== undefined);
}

async function loadKeyring(
  settings: Settings,
  origins: ReadonlyMap<SettingName, SettingOrigin>,
  problems: string[],
): Promise<readonly string[]> {
  if (settings.keyringFile === undefined) return settings.keyring;
  const content = await secretFile(settings, origins, "keyringFile", problems);
  if (content === undefined) return [];
  const keys = content.split(",").map((key) => v.safeParse(SETTINGS.keyring.schema, key));
  for (const { issues } of keys) {
    if (issues) problems.push(`${origins.get("keyringFile")!.label}: ${issues[0].message}`);
  }
  return keys.flatMap(({ success, output }) => success ? [output] : []);
}

async function secretFile(
  settings: Settings,
  origins: ReadonlyMap<SettingName, SettingOrigin>,
  name: "etcdPasswordFile" | "adminKeyFile" | "adminViewerKeyFile" | "keyringFile",
  problems: string[],
): Promise<string | undefined> {
  const path = settings[name];
  if (path === undefined) return undefined;
  try {
    // An editor ends the file with a line break that is no part of the secret.
    const content = (await readFile(path, "utf8")).replace(/\r?\n$/, "");
    if (content !== "" && !content.includes("\n")) return content;
    problems.push(`${origins.get(name)!.label}: Cannot use ${path}: write the secret on one line and nothing else`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === "ENOENT" ? "there is no such file" : code ?? (error as Error).message;
    problems.push(`${origins.get(name)!.label}: Cannot read ${path}: ${reason}`);
  }
  return undefined;
}

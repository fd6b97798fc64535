import * as v from "valibot";
import { flagName, type Setting, variableName } from "./settings.ts";
import type { FileEntry } from "./settings-file.ts";
import { suggest } from "./suggest.ts";

/** The three places that settings are read from. */
export interface SettingPlaces {
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file?: ReadonlyMap<string, FileEntry>;
}

/** Where a value came from. */
export interface SettingOrigin {
  readonly place: "flag" | "variable" | "file" | "default";
  /** For messages: `--etcd-user`, `GATEWATCH_ETCD_USER`, `gatewatch.yaml:3: etcd-user`. */
  readonly label: string;
}

/** The values of a table of settings, where each came from, and what is wrong. */
export interface ResolvedSettings<T> {
  /** To be used only where there are no problems. */
  readonly settings: T;
  readonly origins: ReadonlyMap<keyof T, SettingOrigin>;
  readonly problems: readonly string[];
}

interface Given {
  readonly texts: readonly string[];
  readonly origin: SettingOrigin;
  readonly problem?: string;
}

/**
 * Reads every setting of a table: its flag, else its variable, else its key in the file, else its default. A variable that is set
 * to nothing counts as not set, since compose files and charts write such variables for what a user left out.
 */
export function resolveSettings<T>(
  table: { readonly [K in keyof T]: Setting },
  places: SettingPlaces,
): ResolvedSettings<T> {
  const settings: Partial<Record<keyof T, unknown>> = {};
  const origins = new Map<keyof T, SettingOrigin>();
  const problems: string[] = [];
  for (const name in table) {
    const setting = table[name];
    const given = find(name, setting, places);
    origins.set(name, given.origin);
    settings[name] = setting.list ? [] : undefined;
    if (given.problem !== undefined) {
      problems.push(`${given.origin.label}: ${given.problem}`);
      continue;
    }
    if (given.texts.length === 0 && !setting.list && given.origin.place !== "default") {
      problems.push(`${given.origin.label}: Cannot be empty`);
      continue;
    }
    const values: unknown[] = [];
    for (const text of setting.list ? given.texts.flatMap((each) => each.split(",")) : given.texts) {
      const result = v.safeParse(setting.schema, text);
      if (result.success) values.push(result.output);
      else problems.push(`${given.origin.label}: ${result.issues[0].message}`);
    }
    if (!setting.list && values.length > 1) problems.push(`${given.origin.label}: Cannot be given more than once`);
    settings[name] = setting.list ? values : values[0];
  }
  return { settings: settings as T, origins, problems };
}

/** Names in a settings file that no setting has. */
export function unknownKeys(file: ReadonlyMap<string, FileEntry>, names: readonly string[]): string[] {
  const known = new Set(names.map(flagName));
  const problems: string[] = [];
  for (const [key, { where }] of file) {
    if (known.has(key)) continue;
    const meant = suggest(key, known);
    problems.push(`${where}: Unknown setting "${key}"${meant === undefined ? "" : `: did you mean "${meant}"?`}`);
  }
  return problems;
}

/**
 * Variables that are close to one of ours and are not. They are warned of, never refused: Kubernetes sets `GATEWATCH_PORT` and
 * `GATEWATCH_SERVICE_HOST` by itself where a Service has that name.
 */
export function unknownVariables(environment: SettingPlaces["environment"], names: readonly string[]): string[] {
  const known = new Set(names.map(variableName));
  const warnings: string[] = [];
  for (const variable of variableNames(environment)) {
    if (!variable.startsWith("GATEWATCH_") || known.has(variable) || /_(PORT|SERVICE)(_|$)/.test(variable)) continue;
    const meant = suggest(variable, known);
    warnings.push(`Unknown variable ${variable}${meant === undefined ? "" : `: did you mean ${meant}?`}`);
  }
  return warnings;
}

/** Deno lists variables only where all of them may be read; each of ours may be read where `--allow-env=GATEWATCH_*` is given. */
function variableNames(environment: SettingPlaces["environment"]): string[] {
  try {
    return Object.keys(environment);
  } catch {
    return [];
  }
}

function find(name: string, setting: Setting, places: SettingPlaces): Given {
  const flag = flagName(name), variable = variableName(name);
  const fromFlags = places.flags.get(flag);
  if (fromFlags !== undefined) return { texts: fromFlags, origin: { place: "flag", label: `--${flag}` } };
  const fromVariable = places.environment[variable];
  if (fromVariable !== undefined && fromVariable !== "") {
    return { texts: [fromVariable], origin: { place: "variable", label: variable } };
  }
  const entry = places.file?.get(flag);
  if (entry !== undefined) {
    return {
      texts: entry.texts,
      origin: { place: "file", label: `${entry.where}: ${flag}` },
      ...(entry.problem === undefined ? {} : { problem: entry.problem }),
    };
  }
  return {
    texts: setting.default === undefined ? [] : [setting.default],
    origin: { place: "default", label: `default of --${flag}` },
  };
}

import type { CommandInput } from "./command.ts";
import { type ResolvedSettings, resolveSettings, unknownKeys, unknownVariables } from "./resolve-settings.ts";
import { loadSettingsFile } from "./run-settings.ts";
import { FILE_SETTINGS, type Setting } from "./settings.ts";

/**
 * Reads the settings of a command that needs a few of them: flag before variable before file. The rest of the file is checked as well: what is
 * written wrong there may be what was meant to say where to write.
 *
 * @throws UsageError where the settings file cannot be read.
 */
export async function loadClientSettings<T>(
  table: { readonly [K in keyof T]: Setting },
  { flags, environment }: Pick<CommandInput, "flags" | "environment">,
): Promise<ResolvedSettings<T>> {
  const { entries: file } = await loadSettingsFile(flags, environment);
  const resolved = resolveSettings<T>(table, { flags: flags.values, environment, file });
  const others = Object.fromEntries(Object.entries(FILE_SETTINGS).filter(([name]) => !(name in table)));
  const rest = resolveSettings<Record<string, unknown>>(others, { flags: new Map(), environment: {}, file });
  const problems = [...resolved.problems, ...rest.problems, ...unknownKeys(file, Object.keys(FILE_SETTINGS))];
  if (problems.length === 0) warnOfVariables(environment);
  return { ...resolved, problems };
}

/** Says on standard error which variables are almost one of ours. */
export function warnOfVariables(environment: CommandInput["environment"]): void {
  for (const warning of unknownVariables(environment, [...Object.keys(FILE_SETTINGS), "config"])) {
    console.error(`gatewatch: ${warning}`);
  }
}

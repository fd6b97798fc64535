import type { CommandInput } from "./command.ts";
import { resolveSettings } from "./resolve-settings.ts";
import { loadSettingsFile } from "./run-settings.ts";
import { CONTROL_URL } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Where the control API is, after the same flag, variable and settings file as `gatewatch run` reads, so that a health check needs
 * no settings of its own.
 *
 * @throws UsageError
 */
export async function loadControlUrl({ flags, environment }: CommandInput): Promise<string> {
  const { entries: file } = await loadSettingsFile(flags, environment);
  const table = { control: CONTROL_URL };
  const { settings, problems } = resolveSettings<{ control: string }>(table, {
    flags: flags.values,
    environment,
    file,
  });
  if (problems.length > 0) throw new UsageError(problems);
  return settings.control;
}

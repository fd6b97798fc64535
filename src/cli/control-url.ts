import { loadClientSettings } from "./client-settings.ts";
import type { CommandInput } from "./command.ts";
import { CONTROL_URL } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Where the control API is, after the same flag, variable and settings file as `gatewatch run` reads, so that a health check needs
 * no settings of its own.
 *
 * @throws UsageError
 */
export async function loadControlUrl(input: CommandInput): Promise<string> {
  const { settings, problems } = await loadClientSettings<{ control: string }>({ control: CONTROL_URL }, input);
  if (problems.length > 0) throw new UsageError(problems);
  return settings.control;
}

import { GatewayError } from "../errors.ts";
import type { ExplainRequest, GatewayExplanation } from "../gateway/explain.ts";
import { warnOfVariables } from "./client-settings.ts";
import type { CommandInput } from "./command.ts";
import { openGateway } from "./open-gateway.ts";
import { openSource } from "./open-source.ts";
import { loadRunSettings } from "./run-settings.ts";

/** How long the first list may take: a file is there or not, etcd may be slow to answer. */
const FILE_MS = 1000;
const ETCD_MS = 10_000;

/**
 * Explains a request by a gateway that reads what the settings name and serves nothing.
 *
 * @returns The explanation, or what went wrong.
 * @throws UsageError
 */
export async function explainOffline(
  { flags, environment, runtime }: CommandInput,
  request: ExplainRequest,
): Promise<GatewayExplanation | string> {
  // What was asked for on the command line is what is asked, whatever the variables of a running gateway name.
  const here = { ...environment, GATEWATCH_RESOURCES: undefined, GATEWATCH_ETCD: undefined };
  const settings = await loadRunSettings(flags, here);
  warnOfVariables(here);
  const transport = await runtime.transports[runtime.defaults.transport]();
  const gateway = await openGateway(settings, { source: await openSource(settings, runtime), transport });
  const limit = settings.resources === undefined ? ETCD_MS : FILE_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await Promise.race([gateway.ready, new Promise((resolve) => timer = setTimeout(resolve, limit))]);
    const { ready, reason } = gateway.status();
    if (!ready) return `Cannot read the resources within ${limit / 1000} s: ${reason ?? "nothing came"}`;
    const bad = gateway.keys().filter(({ state }) => state !== "active");
    for (const { key, state, issues } of bad.slice(0, 10)) {
      console.error(
        `Note: ${key} is ${state}: ${issues.map(({ path, message }) => `${path} ${message}`.trim()).join("; ")}`,
      );
    }
    if (bad.length > 10) console.error(`Note: and ${bad.length - 10} more`);
    return await gateway.explain(request);
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  } finally {
    clearTimeout(timer);
    await gateway.close();
    await transport.close();
  }
}

import type { PluginGateway } from "./plugin-gateway.ts";

/** Writes a route, new, with one plugin; yields what became of it, with the issues' paths as they are in the plugin's configuration. */
export async function refusal(
  gateway: PluginGateway,
  plugin: string,
  config: unknown,
): Promise<{ state: string; issues: string[] }> {
  const { upstream } = gateway;
  await gateway.put({ "routes/refused": undefined });
  await gateway.put({ "routes/refused": { uri: "/refused", upstream, plugins: { [plugin]: config } } });
  const { state } = gateway.keyStatus("routes/refused");
  const issues = gateway.issues("routes/refused").map((issue) => issue.replace(`plugins.${plugin}.`, ""));
  return { state, issues };
}

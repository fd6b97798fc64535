import assert from "node:assert/strict";
import { it } from "node:test";
import type { PluginGateway } from "./plugin-gateway.ts";

/** A wrong configuration of a plugin, and its issues as `path: message`; paths begin at the plugin's configuration. */
export interface Fault {
  readonly config: unknown;
  readonly issues: readonly string[];
}

/** Registers one test for each wrong configuration: it is rejected, with these issues, in a route (or as a consumer's). */
export function itRejects(
  gateway: () => PluginGateway,
  plugin: string,
  where: "route" | "consumer",
  faults: readonly Fault[],
): void {
  for (const { config, issues } of faults) {
    it(`rejects ${JSON.stringify(config).slice(0, 120)} of a ${where}`, async () => {
      const key = where === "route" ? "routes/faulty" : "consumers/faulty";
      const resource = where === "route"
        ? { uri: "/faulty", upstream: gateway().upstream }
        : { username: "faulty", desc: "x" };
      await gateway().put({ [key]: { ...resource, plugins: { [plugin]: config } } });
      const base = `plugins.${plugin}`;
      assert.deepEqual(
        gateway().issues(key),
        issues.map((issue) => issue.startsWith(":") ? `${base}${issue}` : `${base}.${issue}`),
      );
      assert.equal(gateway().keyStatus(key).state, "rejected");
      await gateway().put({ [key]: undefined });
    });
  }
}

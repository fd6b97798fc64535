import { strictEqual } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { ROOT } from "../../../scripts/root.ts";
import { explanationText } from "../../../src/cli/explanation-text.ts";
import type { ExplainRequest } from "../../../src/gateway/explain.ts";
import type { MemoryValue } from "../../../src/sources/memory.ts";
import { createTestGateway } from "../gateway/support.ts";

/** Whole explanations, from the route to the node. Those of single predicates are beside them, made by the matcher's own tests. */
const SITUATIONS: Readonly<Record<string, { resources: Record<string, MemoryValue>; request: ExplainRequest }>> = {
  "missing-upstream": {
    resources: { "routes/1": { uri: "/api/*", upstream_id: "gone" } },
    request: { method: "GET", url: "http://a.test/api/x" },
  },
  "merged-plugins": {
    resources: {
      "global_rules/1": { plugins: { "request-id": {} } },
      "services/1": { plugins: { cors: {}, "ip-restriction": { whitelist: ["10.0.0.0/8"] } }, upstream_id: "1" },
      "plugin_configs/1": { plugins: { "key-auth": {} } },
      "upstreams/1": { nodes: { "10.0.0.1:80": 1 } },
      "routes/1": {
        uri: "/api/*",
        service_id: "1",
        plugin_config_id: "1",
        plugins: { cors: { max_age: 60 }, "proxy-rewrite": { uri: "/x", _meta: { filter: [["arg_a", "==", "1"]] } } },
      },
    },
    request: { method: "GET", url: "http://a.test/api/x" },
  },
  "unresolved-secret": {
    resources: {
      "upstreams/1": { nodes: { "10.0.0.1:80": 1 } },
      "routes/members": {
        uri: "/members/*",
        upstream_id: "1",
        plugins: { "proxy-rewrite": { headers: { set: { "x-api-key": "$secret://vault/1/members/key" } } } },
      },
      "routes/all": { uri: "/*", upstream_id: "1" },
    },
    request: { method: "GET", url: "http://a.test/members/7" },
  },
  nodes: {
    resources: {
      "upstreams/1": {
        nodes: [
          { host: "10.0.0.1", port: 80, weight: 2 },
          { host: "10.0.0.2", port: 80, weight: 0 },
          { host: "10.0.0.3", port: 80, weight: 1, priority: -1 },
        ],
      },
      "routes/1": { uri: "/*", upstream_id: "1" },
    },
    request: { method: "POST", url: "http://a.test/" },
  },
};

describe("an explanation as text", () => {
  for (const [name, { resources, request }] of Object.entries(SITUATIONS)) {
    it(`reads well: ${name}`, async () => {
      const { gateway } = await createTestGateway(resources);
      const text = explanationText(await gateway.explain(request), { color: false });
      await gateway.close();
      const file = join(ROOT, `tests/golden/explain/${name}.txt`);
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
      strictEqual(text, readFileSync(file, "utf8"));
    });
  }
});

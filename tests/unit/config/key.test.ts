import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { parseKey, toKey } from "../../../src/config/key.ts";
import type { Kind } from "../../../src/config/kinds.ts";
import { toBytes } from "./values.ts";

const known: readonly [string, Kind, string][] = [
  ["routes/1", "route", "1"],
  ["routes/00000000000000000012", "route", "00000000000000000012"],
  ["routes/a.b-c_d", "route", "a.b-c_d"],
  [`routes/${"a".repeat(64)}`, "route", "a".repeat(64)],
  ["services/s", "service", "s"],
  ["upstreams/u", "upstream", "u"],
  ["upstreams/u/nodes/10.0.0.7:80", "upstream_node", "u/nodes/10.0.0.7:80"],
  ["plugin_configs/p", "plugin_config", "p"],
  ["consumers/jack_1-x", "consumer", "jack_1-x"],
  ["consumers/jack/credentials/c.1", "credential", "jack/credentials/c.1"],
  ["consumer_groups/g", "consumer_group", "g"],
  ["global_rules/1", "global_rule", "1"],
  ["ssls/1", "ssl", "1"],
  ["plugin_metadata/http-logger", "plugin_metadata", "http-logger"],
  ["secrets/vault/1", "secret", "vault/1"],
  ["protos/1", "proto", "1"],
  ["stream_routes/1", "stream_route", "1"],
  ["plugins", "plugin_list", "plugins"],
  ["node", "node", "node"],
];

describe("parseKey", () => {
  for (const [key, kind, id] of known) {
    it(`reads ${key.slice(0, 40)} as ${kind}, and toKey() writes it again`, () => {
      deepStrictEqual(parseKey(key), { kind, id });
      strictEqual(toKey(kind, id), key);
    });
  }

  for (
    const key of [
      "routes/",
      "routes",
      "upstreams/",
      "consumers/jack/credentials/",
      "_canary",
      "_instances/a",
      "_instances/a/b",
      "gen_id",
      "data_plane/server_info/1",
      "services/1/graphql_cost_decorations/2",
    ]
  ) it(`ignores ${key}`, () => strictEqual(parseKey(key), "ignored"));

  for (
    const key of [
      "",
      "/",
      "foo",
      "foo/1",
      "constructor/1",
      "__proto__/1",
      "toString",
      "nodes",
      "node/1",
      "plugins/1",
      "routes//",
      "routes/..",
      "routes/.",
      "routes/a/b",
      "routes/a b",
      "routes/a\u0000",
      "routes/a\n",
      "routes/ä",
      "routes/\\xff",
      `routes/${"a".repeat(65)}`,
      `routes/${"a".repeat(8192)}`,
      "consumers/a.b",
      `consumers/${"a".repeat(257)}`,
      "consumers/jack/other/1",
      "consumers/jack/credentials/a/b",
      "consumers/jack/credentials/..",
      "secrets/other/1",
      "secrets/vault",
      "secrets/vault/",
      "secrets/vault/1/2",
      "services/1/other/2",
      "upstreams/u/other/n",
      "upstreams/u/nodes/a b",
      "upstreams/u/nodes/a/b",
      "upstreams/../nodes/a",
    ]
  ) {
    it(`tells that ${JSON.stringify(key.slice(0, 40))} names nothing, in one short line`, () => {
      const parsed = parseKey(key);
      strictEqual(typeof parsed === "object" ? parsed.kind : parsed, "unknown");
      const reason = typeof parsed === "object" && "reason" in parsed ? parsed.reason : "";
      strictEqual(reason.length > 10 && reason.length < 150, true, reason);
      // deno-lint-ignore no-control-regex
      strictEqual(/[\u0000-\u001f]/.test(reason), false);
    });
  }

  it("ignores a directory's own key only where it holds a placeholder, when it is told the value", () => {
    strictEqual(parseKey("routes/", toBytes("init_dir")), "ignored");
    strictEqual(parseKey("routes", toBytes("init_dir")), "ignored");
    deepStrictEqual(parseKey("routes/", toBytes("{}")), { kind: "unknown", reason: "the id is empty" });
  });
});

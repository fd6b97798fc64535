import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { type Kind, KINDS } from "../../../src/config/kinds.ts";
import { parseResource } from "../../../src/config/parse.ts";
import { jsonSchema } from "../../../src/config/schemas.ts";
import { accepts } from "./json-schema.ts";
import { catalogue, toBytes } from "./values.ts";

const pem = "-----BEGIN CERTIFICATE-----\n" + "x".repeat(128);
const chash = (fields: object): object => ({ nodes: { "a:1": 1 }, type: "chash", ...fields });

/** Values that both the schema and its JSON Schema judge the same way, in strict mode. */
const documents: readonly [Kind, string, readonly unknown[]][] = [
  ["route", "1", [
    { uri: "/", upstream_id: 1 },
    { uri: "/", upstream_id: "u", status: 0, methods: ["GET"], labels: { a: "b" }, priority: -1 },
    { uri: "/" },
    { upstream_id: 1 },
    { uri: "/", uris: ["/"], upstream_id: 1 },
    { uris: [], upstream_id: 1 },
    { uris: ["/a", "/a"], upstream_id: 1 },
    { uri: "/", upstream_id: 1, host: "a", hosts: ["b"] },
    { uri: "/", upstream_id: 1, remote_addr: "::1", remote_addrs: ["::1"] },
    { uri: "/", upstream_id: 1, unknown: 1 },
    { uri: "/", upstream: { nodes: [{ host: "a", port: 1, weight: 1 }] } },
    { uri: "/", upstream: { nodes: [{ host: "a", port: 0, weight: 1 }] } },
    { uri: "/", upstream: { nodes: [{ host: "a", port: 1, weight: 1, x: 1 }] } },
    { uri: "/", upstream: {} },
    { uri: "/", plugins: {}, timeout: { connect: 1, send: 1, read: 1 } },
    { uri: "/", plugins: {}, timeout: { connect: 1, send: 1 } },
    [],
  ]],
  ["upstream", "1", [
    { nodes: {} },
    { nodes: { "a:1": -1 } },
    {},
    { nodes: {}, service_name: "s", discovery_type: "dns" },
    chash({}),
    chash({ key: "remote_addr" }),
    chash({ key: "cookie_x" }),
    chash({ key: "X-User", hash_on: "header" }),
    chash({ key: "a b", hash_on: "cookie" }),
    chash({ hash_on: "consumer" }),
    chash({ hash_on: "vars_combinations", key: "$host$uri" }),
    chash({ hash_on: "vars_combinations" }),
    { nodes: {}, key: "anything" },
    { nodes: {}, pass_host: "rewrite" },
    { nodes: {}, pass_host: "rewrite", upstream_host: "a" },
    { nodes: {}, checks: {} },
    { nodes: {}, checks: { passive: {} } },
    { nodes: {}, checks: { active: { healthy: { http_statuses: [200, 200] } } } },
    { nodes: {}, tls: { client_cert: pem } },
    { nodes: {}, tls: { client_cert: pem, client_key: pem } },
    { nodes: {}, tls: { client_cert: pem, client_key: pem, client_cert_id: 1 } },
    { nodes: {}, keepalive_pool: { size: 0 } },
  ]],
  ["service", "1", [{}, { hosts: [] }, { hosts: ["a"] }, { upstream: {} }]],
  ["consumer", "jack", [{ username: "jack" }, {}, { username: "jack", group_id: 0 }]],
  ["credential", "jack/credentials/1", [{}, { plugins: { "key-auth": {} } }, { plugins: { a: {}, b: {} } }]],
  ["plugin_config", "1", [{ plugins: {} }, {}]],
  ["consumer_group", "1", [{ plugins: {} }, { plugins: [1] }]],
  ["global_rule", "1", [{ plugins: {} }, { plugins: {}, name: "x" }]],
  ["ssl", "1", [
    { cert: pem, key: pem, sni: "a" },
    { cert: pem, key: pem },
    { cert: pem, key: pem, type: "client" },
    { cert: pem, key: pem, sni: "a", snis: ["b"] },
    { cert: "$env://CERT", key: "$secret://vault/1/key", sni: "a" },
    { cert: "short", key: pem, sni: "a" },
    { cert: pem, key: pem, sni: "a", certs: [pem] },
  ]],
  ["secret", "vault/1", [{ uri: "http://a", prefix: "p", token: "t" }, { uri: "http://a" }]],
  ["plugin_metadata", "x", [{ a: 1 }, "text"]],
  ["plugin_list", "plugins", [[{ name: "a" }], [{}], "text"]],
  ["node", "node", [{ host: "a", port: 1 }, { host: "a" }, { host: "a", port: 65536 }]],
  ["upstream_node", "u/nodes/a", [{ host: "a", port: 1 }, { host: "a", port: 1, weight: -1 }]],
  ["proto", "1", [{}]],
  ["stream_route", "1", [{}]],
];

describe("jsonSchema", () => {
  for (const [kind, id, values] of documents) {
    it(`of ${kind} judges as its schema does`, () => {
      const schema = jsonSchema(kind, { strict: true });
      for (const value of values) {
        const parsed = parseResource(kind, id, toBytes(value), { mode: "strict", plugins: catalogue });
        strictEqual(accepts(schema, value), parsed.ok, JSON.stringify([value, parsed]));
      }
    });
  }

  it("is there for every kind", () => {
    deepStrictEqual(documents.map(([kind]) => kind).sort(), [...KINDS].sort());
    for (const kind of KINDS) strictEqual(jsonSchema(kind).title, kind);
  });

  it("takes fields that no schema knows, unless it is strict", () => {
    const value = { uri: "/", upstream_id: 1, unknown: 1 };
    ok(accepts(jsonSchema("route"), value));
    ok(!accepts(jsonSchema("route", { strict: true }), value));
  });

  it("tells defaults, and is JSON", () => {
    const { properties } = jsonSchema("route") as { properties: Record<string, { default?: unknown }> };
    deepStrictEqual([properties.priority?.default, properties.status?.default], [0, 1]);
    deepStrictEqual(JSON.parse(JSON.stringify(jsonSchema("upstream"))), jsonSchema("upstream"));
  });
});

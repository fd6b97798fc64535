import type { Kind } from "../../../src/config/kinds.ts";

const pem = "-----BEGIN CERTIFICATE-----\n" + "x".repeat(128);
const upstream = {
  type: "chash",
  key: "remote_addr",
  nodes: [{ host: "10.0.0.7", port: 80, weight: 1, priority: 0, metadata: { a: 1 } }, { host: "::1", weight: 2 }],
  timeout: { connect: 1, send: 2, read: 3 },
  retries: 1,
  keepalive_pool: { size: 10, idle_timeout: 1, requests: 5 },
  tls: { client_cert: pem, client_key: pem, verify: true },
  checks: {
    active: { type: "http", http_path: "/", healthy: { interval: 1, successes: 1 }, unhealthy: { http_failures: 2 } },
    passive: { healthy: { http_statuses: [200] } },
  },
};

/** A full, good value of each kind, under the id that it goes with. */
export const samples: readonly { readonly kind: Kind; readonly id: string; readonly value: unknown }[] = [
  {
    kind: "route",
    id: "1",
    value: {
      uris: ["/a", "/b/*"],
      hosts: ["a.com", "*.b.com"],
      remote_addrs: ["10.0.0.0/8", "::1"],
      methods: ["GET", "POST"],
      priority: 1,
      vars: [["arg_a", "==", "1"], ["OR", ["http_b", "~~", "x"], ["cookie_c", "in", ["1", "2"]]]],
      plugins: { "key-auth": { key: "k", _meta: { disable: false, priority: 1 } }, "proxy-rewrite": { uri: "/" } },
      upstream,
      timeout: { connect: 1, send: 2, read: 3 },
      labels: { a: "b" },
      status: 1,
    },
  },
  { kind: "route", id: "2", value: { uri: "/", upstream: { nodes: { "10.0.0.7:80": 1, "[::1]:81": 2 } } } },
  {
    kind: "service",
    id: "1",
    value: { hosts: ["a.com"], upstream, plugins: { "key-auth": {} }, enable_websocket: true },
  },
  { kind: "upstream", id: "1", value: { ...upstream, id: 1, name: "u", desc: "d", labels: { a: "b" } } },
  { kind: "upstream_node", id: "1/nodes/a", value: { host: "10.0.0.7", port: 80, weight: 1 } },
  { kind: "plugin_config", id: "1", value: { plugins: { "key-auth": { key: "k" } }, desc: "d" } },
  { kind: "consumer", id: "jack", value: { username: "jack", group_id: 1, plugins: { "key-auth": { key: "k" } } } },
  { kind: "credential", id: "jack/credentials/1", value: { plugins: { "key-auth": { key: "k" } } } },
  { kind: "consumer_group", id: "1", value: { plugins: { "key-auth": {} } } },
  { kind: "global_rule", id: "1", value: { plugins: { "proxy-rewrite": {} }, create_time: 1 } },
  {
    kind: "ssl",
    id: "1",
    value: { cert: pem, key: pem, certs: [pem], keys: [pem], snis: ["a.com"], client: { ca: pem, depth: 2 } },
  },
  { kind: "plugin_metadata", id: "http-logger", value: { log_format: { host: "$host" } } },
  { kind: "secret", id: "vault/1", value: { uri: "http://127.0.0.1:8200", prefix: "kv", token: "t" } },
  { kind: "plugin_list", id: "plugins", value: [{ name: "a" }, { name: "b", stream: true }] },
  { kind: "node", id: "node", value: { host: "127.0.0.1", port: 6699 } },
  { kind: "stream_route", id: "1", value: { server_port: 1 } },
];

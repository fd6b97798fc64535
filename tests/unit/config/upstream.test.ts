import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { bad, good } from "./values.ts";

const base = { nodes: { "a:80": 1 } };
const upstream = (fields: object): unknown => ({ ...base, ...fields });
const pem = "-----BEGIN CERTIFICATE-----\n" + "x".repeat(128);

const rules: readonly [string, readonly unknown[], readonly (readonly [unknown, string])[]][] = [
  ["type", ["roundrobin", "ewma", "least_conn"], [["random", "type"], [1, "type"]]],
  ["hash_on", ["vars", "header", "cookie", "consumer", "vars_combinations"], [["body", "hash_on"]]],
  ["retries", [0, 3], [[-1, "retries"], [1.5, "retries"], ["1", "retries"]]],
  ["retry_timeout", [0, 0.5, 60], [[-1, "retry_timeout"], ["1", "retry_timeout"]]],
  ["timeout", [{ connect: 0.1, send: 1, read: 1 }], [[{ connect: 1, read: 1 }, "timeout.send"], [[1], "timeout"], [
    { connect: 1, send: 1, read: 0 },
    "timeout.read",
  ]]],
  ["scheme", ["http", "https"], [["ftp", "scheme"]]],
  ["pass_host", ["pass", "node"], [["keep", "pass_host"]]],
  ["upstream_host", ["a.com"], [["a b", "upstream_host"]]],
  ["keepalive_pool", [{}, { size: 1, idle_timeout: 0, requests: 1 }], [
    [[{}], "keepalive_pool"],
    [{ size: 0 }, "keepalive_pool.size"],
    [{ idle_timeout: -1 }, "keepalive_pool.idle_timeout"],
    [{ requests: 0 }, "keepalive_pool.requests"],
  ]],
  ["tls", [{}, { verify: false }, { client_cert_id: 1 }, { client_cert: pem, client_key: pem }], [
    [{ client_cert: "short", client_key: pem }, "tls.client_cert"],
    [{ client_cert: pem, client_key: "short" }, "tls.client_key"],
    [{ client_cert: pem }, "tls"],
    [{ client_key: pem }, "tls"],
    [{ client_cert: pem, client_key: pem, client_cert_id: "1" }, "tls"],
    [{ verify: "no" }, "tls.verify"],
  ]],
  ["checks", [{ active: {} }, { passive: {} }, { active: {}, passive: {} }], [[{}, "checks"], [[], "checks"]]],
  ["name", ["n"], [["", "name"]]],
  ["discovery_args", [{ namespace_id: "a" }], [["x", "discovery_args"]]],
];

const active: readonly [string, readonly unknown[], readonly unknown[]][] = [
  ["type", ["http", "https", "tcp"], ["udp"]],
  ["timeout", [1, 0.5], [-1, "1"]],
  ["concurrency", [1, 10], [0, 1.5]],
  ["host", ["a.com"], ["a b"]],
  ["port", [1, 65535], [0, 65536]],
  ["http_method", ["GET", "POST"], ["", 1]],
  ["http_path", ["/", "/health?x"], [1]],
  ["http_req_body", ["", "{}"], [1]],
  ["https_verify_certificate", [true, false], ["no"]],
  ["req_headers", [["A: b"]], [[], [1]]],
];

describe("upstream", () => {
  for (const [field, taken, refused] of rules) {
    it(`has rules for ${field}`, () => {
      for (const value of taken) good("upstream", "1", upstream({ [field]: value }));
      for (const [value, path] of refused) bad("upstream", "1", upstream({ [field]: value }), path);
    });
  }

  it("has defaults", () => {
    deepStrictEqual(good("upstream", "u", { ...base, keepalive_pool: {}, tls: {} }), {
      id: "u",
      nodes: [{ host: "a", port: 80, weight: 1, priority: 0 }],
      type: "roundrobin",
      hash_on: "vars",
      retry_timeout: 0,
      scheme: "http",
      pass_host: "pass",
      keepalive_pool: { size: 320, idle_timeout: 60, requests: 1000 },
      tls: { verify: true },
    });
  });

  it("has nodes, and is unsupported where a registry is to be asked for them", () => {
    bad("upstream", "1", { service_name: "s", discovery_type: "dns" }, "service_name", "unsupported");
    bad(
      "route",
      "1",
      { uri: "/", upstream: { service_name: "s", discovery_type: "dns" } },
      "upstream.service_name",
      "unsupported",
    );
    match(bad("upstream", "1", {}, ""), /either nodes, or service_name and discovery_type: has neither$/);
    match(bad("upstream", "1", upstream({ service_name: "s", discovery_type: "dns" }), ""), /has both$/);
  });

  it("needs a key to hash on, which fits where it comes from", () => {
    const chash = (hash_on: string | undefined, key?: string): unknown =>
      upstream({ type: "chash", ...(hash_on && { hash_on }), ...(key !== undefined && { key }) });
    for (const key of ["remote_addr", "uri", "arg_session-id", "mqtt_client_id"]) {
      good("upstream", "1", chash(undefined, key));
    }
    for (const key of ["", "cookie_x", "arg_", "uri_x"]) bad("upstream", "1", chash("vars", key), "key");
    good("upstream", "1", chash("header", "X-User_1"));
    bad("upstream", "1", chash("header", "a b"), "key");
    good("upstream", "1", chash("cookie", "sid"));
    bad("upstream", "1", chash("cookie", "a;b"), "key");
    good("upstream", "1", chash("vars_combinations", "$host$uri"));
    good("upstream", "1", chash("consumer"));
    strictEqual(
      bad("upstream", "1", chash("header"), "key"),
      "is required, as type is chash and hash_on is header",
    );
    good("upstream", "1", upstream({ type: "roundrobin", key: "anything" }));
  });

  it("needs a host to rewrite to", () => {
    good("upstream", "1", upstream({ pass_host: "rewrite", upstream_host: "a.com" }));
    bad("upstream", "1", upstream({ pass_host: "rewrite" }), "upstream_host");
  });

  it("is unsupported where its scheme is not HTTP, also inside a route", () => {
    for (const scheme of ["tcp", "tls", "udp", "kafka"]) {
      bad("upstream", "1", upstream({ scheme }), "scheme", "unsupported");
      bad("route", "1", { uri: "/", upstream: upstream({ scheme }) }, "upstream.scheme", "unsupported");
      bad("service", "1", { upstream: upstream({ scheme }) }, "upstream.scheme", "unsupported");
    }
  });
});

describe("nodes", () => {
  const nodes = (value: unknown, fields: object = {}): unknown =>
    good("upstream", "1", { nodes: value, ...fields }).nodes;

  it("come from weights by address", () => {
    deepStrictEqual(nodes({ "127.0.0.1:6699": 1, "b.local": 0, "[::1]:81": 2, "[fe80::1]": 3, "::2": 4 }), [
      { host: "127.0.0.1", port: 6699, weight: 1, priority: 0 },
      { host: "b.local", port: 80, weight: 0, priority: 0 },
      { host: "::1", port: 81, weight: 2, priority: 0 },
      { host: "fe80::1", port: 80, weight: 3, priority: 0 },
      { host: "::2", port: 80, weight: 4, priority: 0 },
    ]);
  });

  it("come from a list", () => {
    const list = [
      { host: "a", port: 1, weight: 1, priority: -1, metadata: { zone: "x" } },
      { host: "[::1]", weight: 0 },
    ];
    deepStrictEqual(nodes(list, { scheme: "https" }), [
      { host: "a", port: 1, weight: 1, priority: -1, metadata: { zone: "x" } },
      { host: "::1", port: 443, weight: 0, priority: 0 },
    ]);
  });

  it("have the scheme's port where they name none", () => {
    const port = (scheme: string): unknown => (nodes({ a: 1 }, { scheme }) as { port: number }[])[0]?.port;
    deepStrictEqual(["http", "https"].map(port), [80, 443]);
  });

  it("may be none", () => {
    deepStrictEqual([nodes({}), nodes([])], [[], []]);
  });

  it("are refused where they name no server, or no weight", () => {
    for (const address of ["", ":80", "a:0", "a:65536", "a:b", "a b", "[::1", "http://a", "a:1:2", "[a]:80", "a/b"]) {
      const parsed = bad("upstream", "1", { nodes: { [address]: 1 } }, address === "" ? 'nodes[""]' : pathTo(address));
      match(parsed, /^must be 'host', 'host:port' or/);
    }
    bad("upstream", "1", { nodes: { "a:80": -1 } }, 'nodes["a:80"]');
    bad("upstream", "1", { nodes: { "a:80": 1.5 } }, 'nodes["a:80"]');
    bad("upstream", "1", { nodes: [{ host: "a", port: 1 }] }, "nodes[0].weight");
    bad("upstream", "1", { nodes: [{ host: "a", weight: 1 }, { port: 1, weight: 1 }] }, "nodes[1].host");
    bad("upstream", "1", { nodes: [{ host: "a", port: 0, weight: 1 }] }, "nodes[0].port");
    bad("upstream", "1", { nodes: [{ host: "*", weight: 1 }] }, "nodes[0].host");
    bad("upstream", "1", { nodes: [{ host: "a", weight: 1, priority: 0.5 }] }, "nodes[0].priority");
    bad("upstream", "1", { nodes: [{ host: "a", weight: 1, metadata: 1 }] }, "nodes[0].metadata");
    bad("upstream", "1", { nodes: "a:80" }, "nodes");
  });
});

describe("checks", () => {
  for (const [field, taken, refused] of active) {
    it(`have rules for active.${field}`, () => {
      for (const value of taken) good("upstream", "1", upstream({ checks: { active: { [field]: value } } }));
      for (const value of refused) {
        const path = `checks.active.${field}${Array.isArray(value) && value.length > 0 ? "[0]" : ""}`;
        bad("upstream", "1", upstream({ checks: { active: { [field]: value } } }), path);
      }
    });
  }

  it("have limits for each count, 0 only in passive ones", () => {
    const of = (mode: string, part: string, fields: object): unknown =>
      upstream({ checks: { [mode]: { [part]: fields } } });
    for (const [part, field] of [["healthy", "interval"], ["unhealthy", "interval"]] as const) {
      good("upstream", "1", of("active", part, { [field]: 1 }));
      bad("upstream", "1", of("active", part, { [field]: 0 }), `checks.active.${part}.${field}`);
    }
    const counts = [["healthy", "successes"], ["unhealthy", "http_failures"], ["unhealthy", "tcp_failures"], [
      "unhealthy",
      "timeouts",
    ]] as const;
    for (const [part, field] of counts) {
      good("upstream", "1", of("active", part, { [field]: 254 }));
      bad("upstream", "1", of("active", part, { [field]: 0 }), `checks.active.${part}.${field}`);
      good("upstream", "1", of("passive", part, { [field]: 0 }));
      bad("upstream", "1", of("passive", part, { [field]: 255 }), `checks.passive.${part}.${field}`);
    }
    for (const mode of ["active", "passive"]) {
      for (const part of ["healthy", "unhealthy"]) {
        const path = `checks.${mode}.${part}.http_statuses`;
        good("upstream", "1", of(mode, part, { http_statuses: [200, 599] }));
        bad("upstream", "1", of(mode, part, { http_statuses: [] }), path);
        bad("upstream", "1", of(mode, part, { http_statuses: [199] }), `${path}[0]`);
        bad("upstream", "1", of(mode, part, { http_statuses: [600] }), `${path}[0]`);
        bad("upstream", "1", of(mode, part, { http_statuses: [200, 200] }), path);
      }
    }
  });

  it("have defaults", () => {
    deepStrictEqual(good("upstream", "1", upstream({ checks: { active: {}, passive: {} } })).checks, {
      active: {
        type: "http",
        timeout: 1,
        concurrency: 10,
        http_method: "GET",
        http_path: "/",
        http_req_body: "",
        https_verify_certificate: true,
        healthy: { interval: 1, http_statuses: [200, 302], successes: 2 },
        unhealthy: {
          interval: 1,
          http_statuses: [429, 404, 500, 501, 502, 503, 504, 505],
          http_failures: 5,
          tcp_failures: 2,
          timeouts: 3,
        },
      },
      passive: {
        type: "http",
        healthy: {
          http_statuses: [
            ...[200, 201, 202, 203, 204, 205, 206, 207, 208, 226],
            ...[300, 301, 302, 303, 304, 305, 306, 307, 308],
          ],
          successes: 5,
        },
        unhealthy: { http_statuses: [429, 500, 503], http_failures: 5, tcp_failures: 2, timeouts: 7 },
      },
    });
  });
});

/** Path of an address among the nodes, as issues write it. */
function pathTo(address: string): string {
  return /^[\w-]+$/.test(address) ? `nodes.${address}` : `nodes[${JSON.stringify(address)}]`;
}

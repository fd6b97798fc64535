import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { bad, good, warned } from "./values.ts";

/** The least that a route must have. */
const base = { uri: "/a", upstream_id: "1" };
const route = (fields: object): unknown => ({ ...base, ...fields });

/** A field, values it takes, and values it refuses with the path of the issue. */
const rules: readonly [string, readonly unknown[], readonly (readonly [unknown, string])[]][] = [
  ["uri", ["/", "/a*", "a".repeat(4096)], [["", "uri"], ["a".repeat(4097), "uri"], [1, "uri"], [null, "uri"]]],
  ["id", ["x", 7], [["a b", "id"], [0, "id"], [1.5, "id"], ["a".repeat(65), "id"]]],
  ["name", ["n", "n".repeat(256)], [["", "name"], ["n".repeat(257), "name"]]],
  ["desc", ["", "d".repeat(256)], [["d".repeat(257), "desc"], [{}, "desc"]]],
  ["labels", [{}, { a: "b", "x.y": "z" }], [
    [{ a: "" }, "labels.a"],
    [{ a: "b c" }, "labels.a"],
    [
      { "x.y": 1 },
      'labels["x.y"]',
    ],
    [{ a: "l".repeat(257) }, "labels.a"],
    ["x", "labels"],
  ]],
  ["create_time", [0, 1700000000], [[-1, "create_time"], [1.5, "create_time"], ["1", "create_time"]]],
  ["update_time", [1], [[true, "update_time"]]],
  ["host", ["a.com", "*.a.com", "*", "[::1]", "10.0.0.1"], [["", "host"], ["a b", "host"], ["a.*", "host"], [
    "h".repeat(256),
    "host",
  ]]],
  ["hosts", [["a.com"], ["a.com", "*.a.com"]], [[[], "hosts"], [{}, "hosts"], [["a", "a"], "hosts"], [
    ["ok", "no no"],
    "hosts[1]",
  ], ["a.com", "hosts"]]],
  ["remote_addr", ["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10", "0.0.0.0/0"], [
    ["10.0.0", "remote_addr"],
    ["10.0.0.0/33", "remote_addr"],
    ["010.0.0.1", "remote_addr"],
    ["::1/129", "remote_addr"],
    ["fe80::1%eth0", "remote_addr"],
    ["host", "remote_addr"],
  ]],
  ["remote_addrs", [["10.0.0.1", "::/0"]], [[[], "remote_addrs"], [["x"], "remote_addrs[0]"], [
    ["::1", "::1"],
    "remote_addrs",
  ]]],
  ["methods", [[], {}, ["GET", "PURGE"], ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"]], [
    [["get"], "methods[0]"],
    [["GET", "GET"], "methods"],
    ["GET", "methods"],
  ]],
  ["priority", [0, -5, 1000], [[1.5, "priority"], ["1", "priority"], [1e300, "priority"]]],
  ["vars", [[], {}, [["arg_x", "==", "1"]]], [["x", "vars"], [{ a: 1 }, "vars"]]],
  ["plugins", [{}], [[[1], "plugins"], ["x", "plugins"]]],
  ["plugin_config_id", ["1", 1], [["", "plugin_config_id"], [true, "plugin_config_id"]]],
  ["service_id", ["a.b", 12], [["a/b", "service_id"]]],
  ["upstream_id", ["u", 1], [[-1, "upstream_id"]]],
  ["upstream", [{ nodes: {} }], [[{}, "upstream"], [{ nodes: { a: -1 } }, "upstream.nodes.a"], ["x", "upstream"]]],
  ["timeout", [{ connect: 1, send: 0.5, read: 60 }], [
    [{ connect: 1, send: 1 }, "timeout.read"],
    [{ connect: 0, send: 1, read: 1 }, "timeout.connect"],
    [{ connect: 1, send: -1, read: 1 }, "timeout.send"],
    [{ connect: 1, send: 1, read: 1e10 }, "timeout.read"],
    [1, "timeout"],
  ]],
  ["enable_websocket", [true, false], [[1, "enable_websocket"], ["true", "enable_websocket"]]],
  ["status", [0, 1], [[2, "status"], ["1", "status"], [true, "status"]]],
];

describe("route", () => {
  for (const [field, taken, refused] of rules) {
    it(`has rules for ${field}`, () => {
      for (const value of taken) good("route", "1", route({ [field]: value }));
      for (const [value, path] of refused) bad("route", "1", route({ [field]: value }), path);
    });
  }

  it("has the key's id, and defaults for priority and status only", () => {
    deepStrictEqual(good("route", "7", base), { id: "7", uri: "/a", upstream_id: "1", priority: 0, status: 1 });
  });

  it('compares ids as texts: 12 and "12" are one', () => {
    const { upstream_id, service_id, plugin_config_id } = good(
      "route",
      "1",
      route({ upstream_id: 12, service_id: 13, plugin_config_id: 14 }),
    );
    deepStrictEqual([upstream_id, service_id, plugin_config_id], ["12", "13", "14"]);
  });

  it("must have exactly one of uri and uris", () => {
    deepStrictEqual(good("route", "1", { uris: ["/a", "/b"], upstream_id: "1" }).uris, ["/a", "/b"]);
    strictEqual(bad("route", "1", { upstream_id: "1" }, ""), "must have exactly one of uri and uris: has neither");
    strictEqual(bad("route", "1", route({ uris: ["/b"] }), ""), "must have exactly one of uri and uris: has both");
    bad("route", "1", { uris: [], upstream_id: "1" }, "uris");
    bad("route", "1", { uris: ["/a", "/a"], upstream_id: "1" }, "uris");
  });

  it("must not have both the single and the list of host and remote_addr", () => {
    strictEqual(bad("route", "1", route({ host: "a", hosts: ["b"] }), ""), "must not have both host and hosts");
    strictEqual(
      bad("route", "1", route({ remote_addr: "::1", remote_addrs: ["::1"] }), ""),
      "must not have both remote_addr and remote_addrs",
    );
  });

  it("must say where requests go", () => {
    for (const target of [{ plugins: {} }, { upstream: { nodes: {} } }, { upstream_id: 1 }, { service_id: 1 }]) {
      good("route", "1", { uri: "/", ...target });
    }
    strictEqual(
      bad("route", "1", { uri: "/" }, ""),
      "must have at least one of plugins, upstream, upstream_id and service_id",
    );
    bad("route", "1", { uri: "/", plugin_config_id: "1" }, "");
  });

  it("is unsupported with Lua in it, and names the field", () => {
    for (
      const fields of [{ filter_func: "function(vars) return true end" }, { script: "return {}; --" }, {
        script_id: "1",
      }]
    ) {
      const [field = ""] = Object.keys(fields);
      strictEqual(
        bad("route", "1", route(fields), field, "unsupported"),
        "is Lua, which this gateway does not run",
      );
    }
  });

  it("reads {} as an empty list, as Lua writes it", () => {
    const { vars, methods } = good("route", "1", route({ vars: {}, methods: {}, plugins: {} }));
    deepStrictEqual([vars, methods], [[], []]);
  });

  it("keeps fields that no schema knows and warns of them, wherever they stand", () => {
    const value = route({ x: 1, upstream: { nodes: [{ host: "a", weight: 1, y: 2 }], warm_up_conf: {} } });
    deepStrictEqual(warned("route", "1", value), ["x", "upstream.nodes[0].y", "upstream.warm_up_conf"]);
    strictEqual((good("route", "1", value) as unknown as { x: number }).x, 1);
  });

  it("refuses such fields in strict mode", () => {
    strictEqual(bad("route", "1", route({ x: 1 }), "x", "rejected", { mode: "strict" }), "is not a known field");
    good("route", "1", base, { mode: "strict" });
  });

  it("warns of another id than the key's", () => {
    deepStrictEqual(warned("route", "1", route({ id: "2" })), ["id"]);
    deepStrictEqual(warned("route", "1", route({ id: 1 })), []);
  });

  it("is rejected where an inspector finds an issue, or fails", () => {
    const issues = [{ path: "vars[0]", message: "must have an operator" }];
    strictEqual(bad("route", "1", base, "vars[0]", "rejected", { inspect: () => issues }), "must have an operator");
    const failing = (): never => {
      throw new TypeError("secret");
    };
    strictEqual(
      bad("route", "1", base, "", "rejected", { inspect: failing }),
      "cannot be checked as the check failed (TypeError)",
    );
  });
});

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Kind } from "../../../src/config/kinds.ts";
import { bad, good, toBytes, warned } from "./values.ts";
import { parseResource } from "../../../src/config/parse.ts";

const pem = "-----BEGIN CERTIFICATE-----\n" + "x".repeat(128);

describe("service", () => {
  it("may be empty", () => deepStrictEqual(good("service", "1", {}), { id: "1" }));

  it("holds what routes share", () => {
    const service = good("service", "1", {
      name: "s",
      hosts: ["a.com"],
      upstream_id: 2,
      upstream: { nodes: { "a:1": 1 } },
      enable_websocket: true,
      plugins: {},
    });
    deepStrictEqual([service.hosts, service.upstream_id, service.upstream?.nodes?.length], [["a.com"], "2", 1]);
  });

  it("refuses hosts and upstreams that are none", () => {
    bad("service", "1", { hosts: [] }, "hosts");
    bad("service", "1", { hosts: ["a b"] }, "hosts[0]");
    bad("service", "1", { upstream: { nodes: { "a:1": "1" } } }, 'upstream.nodes["a:1"]');
    bad("service", "1", { enable_websocket: "yes" }, "enable_websocket");
    bad("service", "1", { script: "return 1 --" }, "script", "unsupported");
  });
});

describe("consumer", () => {
  it("is named as its key", () => {
    deepStrictEqual(good("consumer", "jack", { username: "jack", group_id: 7 }), {
      id: "jack",
      username: "jack",
      group_id: "7",
    });
    strictEqual(
      bad("consumer", "jack", { username: "joe" }, "username"),
      'must be "jack" as in the key, is "joe"',
    );
    bad("consumer", "jack", {}, "username");
    bad("consumer", "jack", { username: "a.b" }, "username");
    bad("consumer", "jack", { username: "jack", group_id: "" }, "group_id");
  });
});

describe("credential", () => {
  it("belongs to the consumer of its key", () => {
    deepStrictEqual(good("credential", "jack/credentials/c1", { desc: "d" }), {
      id: "jack/credentials/c1",
      username: "jack",
      credential_id: "c1",
      desc: "d",
    });
  });

  it("has one plugin at most", () => {
    strictEqual(
      bad("credential", "jack/credentials/c1", { plugins: { a: {}, b: {} } }, "plugins"),
      "must have at most one plugin",
    );
  });
});

for (const kind of ["plugin_config", "consumer_group", "global_rule"] as const) {
  describe(kind, () => {
    it("must have plugins", () => {
      strictEqual(good(kind, "1", { plugins: {}, create_time: 1 }).id, "1");
      strictEqual(bad(kind, "1", {}, "plugins"), "is required");
      bad(kind, "1", { plugins: "x" }, "plugins");
    });

    it("warns of a name only where it has none", () => {
      deepStrictEqual(warned(kind, "1", { plugins: {}, desc: "x" }), kind === "global_rule" ? ["desc"] : []);
    });
  });
}

describe("ssl", () => {
  const ssl = (fields: object): unknown => ({ cert: pem, key: pem, sni: "a.com", ...fields });

  it("has defaults", () => {
    deepStrictEqual(good("ssl", "1", ssl({})), {
      id: "1",
      cert: pem,
      key: pem,
      sni: "a.com",
      type: "server",
      status: 1,
    });
    strictEqual(good("ssl", "1", ssl({ client: { ca: pem } })).client?.depth, 1);
  });

  it("has exactly one of sni and snis, unless it is for upstreams", () => {
    good("ssl", "1", { cert: pem, key: pem, snis: ["a.com", "*.b.com"] });
    good("ssl", "1", { cert: pem, key: pem, type: "client" });
    bad("ssl", "1", { cert: pem, key: pem }, "");
    bad("ssl", "1", ssl({ snis: ["b.com"] }), "");
  });

  for (
    const [fields, path] of [
      [{ cert: "short" }, "cert"],
      [{ cert: "x".repeat(65537) }, "cert"],
      [{ key: "short" }, "key"],
      [{ key: undefined }, "key"],
      [{ sni: "a b" }, "sni"],
      [{ type: "other" }, "type"],
      [{ status: 2 }, "status"],
      [{ certs: [pem] }, ""],
      [{ certs: [pem], keys: [pem, pem] }, ""],
      [{ certs: ["x"], keys: [pem] }, "certs[0]"],
      [{ client: {} }, "client.ca"],
      [{ client: { ca: pem, depth: -1 } }, "client.depth"],
      [{ client: { ca: pem, skip_mtls_uri_regex: [] } }, "client.skip_mtls_uri_regex"],
      [{ ssl_protocols: ["SSLv3"] }, "ssl_protocols[0]"],
    ] as const
  ) it(`refuses ${JSON.stringify(fields).slice(0, 50)}`, () => void bad("ssl", "1", ssl(fields), path));

  it("takes the rest", () => {
    good("ssl", "1", ssl({ certs: [pem], keys: [pem], ssl_protocols: ["TLSv1.2", "TLSv1.3"], labels: { a: "b" } }));
    good("ssl", "1", ssl({ client: { ca: pem, depth: 0, skip_mtls_uri_regex: ["/a.*"] } }));
    good("ssl", "1", ssl({ cert: "$secret://vault/1/cert", key: "$ENV://KEY" }));
  });

  it("never shows a key, whatever is wrong with it", () => {
    const parsed = parseResource("ssl", "1", toBytes({ cert: "hunter2", key: "hunter2", keys: ["hunter2"], sni: "a" }));
    ok(!parsed.ok && !JSON.stringify(parsed).includes("hunter2"));
  });
});

describe("secret", () => {
  it("has a schema for each manager", () => {
    deepStrictEqual(good("secret", "vault/1", { uri: "http://127.0.0.1:8200", prefix: "kv", token: "t" }), {
      id: "vault/1",
      manager: "vault",
      uri: "http://127.0.0.1:8200",
      prefix: "kv",
      token: "t",
    });
    deepStrictEqual(good("secret", "aws/a", { access_key_id: "i", secret_access_key: "s" }), {
      id: "aws/a",
      manager: "aws",
      access_key_id: "i",
      secret_access_key: "s",
      region: "us-east-1",
    });
    deepStrictEqual(good("secret", "gcp/a", { auth_file: "/f" }), {
      id: "gcp/a",
      manager: "gcp",
      auth_file: "/f",
      ssl_verify: true,
    });
    bad("secret", "vault/1", { uri: "http://a", prefix: "kv" }, "token");
    bad("secret", "vault/1", { uri: "a", prefix: "kv", token: "t" }, "uri");
    bad("secret", "aws/1", { access_key_id: "i" }, "secret_access_key");
    bad("secret", "gcp/1", {}, "");
    const account = { client_email: "a@b", private_key: "k", project_id: "p" };
    bad("secret", "gcp/1", { auth_file: "/f", auth_config: account }, "");
    bad("secret", "gcp/1", { auth_config: { client_email: "a@b", private_key: "k" } }, "auth_config.project_id");
    bad("secret", "other/1", {}, "", "unsupported");
  });

  it("shows no value of its own in an issue", () => {
    const message = bad("secret", "vault/1", { uri: "hunter2", prefix: "kv", token: "t" }, "uri");
    strictEqual(message, "must be a URI, is a string");
  });
});

describe("plugin_metadata", () => {
  it("is any object", () => {
    deepStrictEqual(good("plugin_metadata", "http-logger", { log_format: { a: "$host" } }), {
      id: "http-logger",
      config: { log_format: { a: "$host" } },
    });
    bad("plugin_metadata", "x", "[1]", "");
  });
});

describe("plugin_list", () => {
  it("is a list of names", () => {
    deepStrictEqual(good("plugin_list", "plugins", [{ name: "a" }, { name: "b", stream: true }]), {
      id: "plugins",
      plugins: [{ name: "a" }, { name: "b", stream: true }],
    });
    deepStrictEqual(good("plugin_list", "plugins", {}).plugins, []);
    bad("plugin_list", "plugins", [{ stream: true }], "[0].name");
    bad("plugin_list", "plugins", { a: 1 }, "");
  });
});

describe("node", () => {
  it("is a host with a port", () => {
    deepStrictEqual(good("node", "node", { host: "127.0.0.1", port: 6699 }), {
      id: "node",
      host: "127.0.0.1",
      port: 6699,
    });
    bad("node", "node", { host: "127.0.0.1" }, "port");
    bad("node", "node", { host: "127.0.0.1", port: "6699" }, "port");
    bad("node", "node", { host: "a b", port: 1 }, "host");
    for (const host of ["*", "a:80", "[::1"]) bad("node", "node", { host, port: 1 }, "host");
    strictEqual(good("node", "node", { host: "[::1]", port: 1 }).host, "::1");
  });
});

describe("upstream_node", () => {
  it("belongs to the upstream of its key", () => {
    deepStrictEqual(good("upstream_node", "u1/nodes/a:80", { host: "10.0.0.7", port: 80 }), {
      id: "u1/nodes/a:80",
      upstream_id: "u1",
      name: "a:80",
      host: "10.0.0.7",
      port: 80,
      weight: 1,
      priority: 0,
    });
    bad("upstream_node", "u1/nodes/a", { host: "10.0.0.7", port: 80, weight: -1 }, "weight");
    bad("upstream_node", "u1/nodes/a", { port: 80 }, "host");
  });
});

describe("kinds that are known and not served", () => {
  for (const kind of ["proto", "stream_route"] as const satisfies readonly Kind[]) {
    it(`${kind} is unsupported, whatever it holds`, () => {
      strictEqual(bad(kind, "1", {}, "", "unsupported"), `is a ${kind}, which this gateway does not serve`);
    });
  }
});

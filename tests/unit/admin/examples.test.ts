import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAuthority } from "../../support/authority.ts";
import { NOW, testAdmin, UPSTREAM } from "./support.ts";

/**
 * The calls that Apache APISIX's documentation of the Admin API shows (docs/en/latest/admin-api.md), one test each: the same paths and
 * bodies as there, the same statuses, the same effect.
 */
describe("APISIX's documented example:", () => {
  const stamps = { create_time: NOW, update_time: NOW };
  const ROUTE = {
    uri: "/index.html",
    hosts: ["foo.com", "*.bar.com"],
    remote_addrs: ["127.0.0.0/8"],
    methods: ["PUT", "GET"],
    enable_websocket: true,
    upstream: UPSTREAM,
  };

  /** An admin that has a resource already. */
  async function withStored(path: string, body: unknown) {
    const admin = testAdmin();
    const { status, text } = await admin.call("PUT", path, body);
    assert.equal(status, 201, text);
    return admin;
  }

  describe("routes", () => {
    it("create a route", async () => {
      const { status, body } = await testAdmin().call("PUT", "/routes/1", ROUTE);
      assert.equal(status, 201);
      const value = { ...ROUTE, id: "1", ...stamps };
      assert.deepEqual(body, { key: "routes/1", value, createdIndex: 1, modifiedIndex: 1 });
    });

    it("create a route that expires", async () => {
      const { call } = testAdmin();
      const { status } = await call("PUT", "/routes/2?ttl=60", { uri: "/aa/index.html", upstream: UPSTREAM });
      assert.equal(status, 201);
      assert.equal((await call("GET", "/routes/2")).status, 200);
    });

    it("fetch one and all", async () => {
      const { call } = await withStored("/routes/1", ROUTE);
      const one = await call("GET", "/routes/1");
      assert.equal(one.status, 200);
      assert.equal(one.body.key, "routes/1");
      assert.equal(one.headers.get("etag"), '"1"');
      const all = await call("GET", "/routes");
      assert.deepEqual(all.body, { total: 1, list: [one.body] });
    });

    const patches: readonly [string, string, unknown, (value: Record<string, unknown>) => unknown, unknown][] = [
      [
        "add an upstream node",
        "",
        { upstream: { nodes: { "127.0.0.1:1981": 1 } } },
        nodesOf,
        { "127.0.0.1:1980": 1, "127.0.0.1:1981": 1 },
      ],
      [
        "update the weight of a node",
        "",
        { upstream: { nodes: { "127.0.0.1:1980": 10 } } },
        nodesOf,
        { "127.0.0.1:1980": 10 },
      ],
      [
        "delete a node",
        "",
        { upstream: { nodes: { "127.0.0.1:1980": null, "127.0.0.1:1981": 10 } } },
        nodesOf,
        { "127.0.0.1:1981": 10 },
      ],
      ["replace methods", "", { methods: ["GET", "POST"] }, ({ methods }) => methods, ["GET", "POST"]],
      ["replace nodes by sub path", "/upstream/nodes", { "127.0.0.1:1982": 1 }, nodesOf, { "127.0.0.1:1982": 1 }],
      [
        "replace methods by sub path",
        "/methods",
        ["POST", "DELETE", "PATCH"],
        ({ methods }) => methods,
        ["POST", "DELETE", "PATCH"],
      ],
      ["disable a route", "", { status: 0 }, ({ status }) => status, 0],
      ["enable a route", "", { status: 1 }, ({ status }) => status, 1],
    ];
    for (const [name, path, patch, part, wanted] of patches) {
      it(name, async () => {
        const { call } = await withStored("/routes/1", ROUTE);
        const { status, body } = await call("PATCH", `/routes/1${path}`, patch);
        assert.equal(status, 200);
        assert.deepEqual(part(body.value), wanted);
        assert.deepEqual(body.value, (await call("GET", "/routes/1")).body.value);
        assert.equal(body.value.uri, ROUTE.uri);
      });
    }

    it("create a route with a generated id", async () => {
      const { call } = testAdmin();
      const { status, body } = await call("POST", "/routes", ROUTE);
      assert.equal(status, 201);
      assert.equal(body.key, "routes/00000000000000000001");
      assert.equal(body.value.id, "00000000000000000001");
      assert.equal((await call("POST", "/routes", ROUTE)).body.value.id, "00000000000000000002");
    });

    it("delete a route", async () => {
      const { call } = await withStored("/routes/1", ROUTE);
      const { status, body } = await call("DELETE", "/routes/1");
      assert.equal(status, 200);
      assert.deepEqual(body, { deleted: "1", key: "routes/1" });
      assert.deepEqual((await call("GET", "/routes/1")).body, { message: "Key not found" });
      assert.equal((await call("DELETE", "/routes/1")).status, 404);
    });

    it("page, and filter by name, uri, label and reference", async () => {
      const { call } = testAdmin();
      await call("PUT", "/services/1", { upstream: UPSTREAM });
      for (let index = 1; index <= 12; index++) {
        const labels = index === 3 ? { env: "test" } : undefined;
        const service = index === 4 ? { service_id: "1" } : { upstream: UPSTREAM };
        await call("PUT", `/routes/${index}`, { name: `test-${index}`, uri: `/foo/${index}`, labels, ...service });
      }
      const ids = async (query: string) =>
        (await call("GET", `/routes?${query}`)).body.list.map((node: { value: { id: string } }) => node.value.id);
      assert.equal((await ids("page=1&page_size=10")).length, 10);
      assert.deepEqual(await ids("page=2&page_size=10"), ["11", "12"]);
      assert.equal((await call("GET", "/routes?page=2&page_size=10")).body.total, 12);
      assert.deepEqual(await ids("page=3&page_size=10"), []);
      assert.deepEqual(await ids("name=test-1$&uri=foo&label="), ["1"]);
      assert.deepEqual(await ids("uri=/1.$"), ["10", "11", "12"]);
      assert.deepEqual(await ids("label=env"), ["3"]);
      assert.deepEqual(await ids("filter=service_id%3D1"), ["4"]);
      assert.deepEqual(await ids("filter=service_id%3D2"), []);
    });
  });

  describe("services", () => {
    const SERVICE = {
      plugins: { "limit-count": { count: 2, time_window: 60, rejected_code: 503, key: "remote_addr" } },
      enable_websocket: true,
      upstream: UPSTREAM,
    };

    it("create a service", async () => {
      const { status, body } = await testAdmin().call("PUT", "/services/201", SERVICE);
      assert.equal(status, 201);
      assert.deepEqual(body.value, { ...SERVICE, id: "201", ...stamps });
    });

    for (const nodes of [{ "127.0.0.1:1981": 1 }, { "127.0.0.1:1980": 10 }, { "127.0.0.1:1980": null }]) {
      it(`patch nodes with ${JSON.stringify(nodes)}`, async () => {
        const { call } = await withStored("/services/201", SERVICE);
        const { status, body } = await call("PATCH", "/services/201", { upstream: { nodes } });
        assert.equal(status, 200);
        const wanted = Object.entries({ "127.0.0.1:1980": 1, ...nodes }).filter(([, weight]) => weight !== null);
        assert.deepEqual(body.value.upstream.nodes, Object.fromEntries(wanted));
      });
    }

    it("replace nodes by sub path", async () => {
      const { call } = await withStored("/services/201", SERVICE);
      const { body } = await call("PATCH", "/services/201/upstream/nodes", { "127.0.0.1:1982": 1 });
      assert.deepEqual(body.value.upstream.nodes, { "127.0.0.1:1982": 1 });
    });

    it("delete one only when no route uses it", async () => {
      const { call } = await withStored("/services/201", SERVICE);
      await call("PUT", "/routes/1", { uri: "/", service_id: 201 });
      const { status, body } = await call("DELETE", "/services/201");
      assert.equal(status, 400);
      assert.deepEqual(body, {
        error_msg: "can not delete this service directly, route [1] is still using it now",
      });
      await call("DELETE", "/routes/1");
      assert.equal((await call("DELETE", "/services/201")).status, 200);
    });
  });

  describe("upstreams", () => {
    it("create an upstream", async () => {
      const { status, body } = await testAdmin().call("PUT", "/upstreams/100", UPSTREAM);
      assert.equal(status, 201);
      assert.deepEqual(body.value, { ...UPSTREAM, id: "100", ...stamps });
    });

    const patches: readonly [string, unknown, unknown][] = [
      ["", { nodes: { "127.0.0.1:1981": 1 } }, { "127.0.0.1:1980": 1, "127.0.0.1:1981": 1 }],
      ["", { nodes: { "127.0.0.1:1980": 10 } }, { "127.0.0.1:1980": 10 }],
      ["", { nodes: { "127.0.0.1:1980": null, "127.0.0.1:1981": 10 } }, { "127.0.0.1:1981": 10 }],
      ["/nodes", { "127.0.0.1:1982": 1 }, { "127.0.0.1:1982": 1 }],
    ];
    for (const [path, patch, wanted] of patches) {
      it(`patch ${path || "it"} with ${JSON.stringify(patch)}`, async () => {
        const { call } = await withStored("/upstreams/100", UPSTREAM);
        const { status, body } = await call("PATCH", `/upstreams/100${path}`, patch);
        assert.equal(status, 200);
        assert.deepEqual(body.value.nodes, wanted);
      });
    }

    it("use https to a node", async () => {
      const upstream = { type: "roundrobin", scheme: "https", nodes: { "httpbin.org:443": 1 } };
      assert.equal((await testAdmin().call("PUT", "/routes/1", { uri: "/get", upstream })).status, 201);
    });

    it("give nodes a priority and active checks", async () => {
      const upstream = {
        type: "roundrobin",
        nodes: [
          { host: "127.0.0.1", port: 1980, weight: 2000 },
          { host: "127.0.0.1", port: 1981, weight: 1, priority: -1 },
        ],
        checks: {
          active: {
            http_path: "/status",
            healthy: { interval: 1, successes: 1 },
            unhealthy: { interval: 1, http_failures: 1 },
          },
        },
      };
      assert.equal((await testAdmin().call("PUT", "/routes/1", { uri: "/hello", upstream })).status, 201);
    });

    it("delete one by force", async () => {
      const { call } = await withStored("/upstreams/1", UPSTREAM);
      const route = await call("PUT", "/routes/1", { uri: "/*", upstream_id: 1 });
      assert.equal(route.status, 201);
      const refusal = { error_msg: "can not delete this upstream, route [1] is still using it now" };
      assert.deepEqual((await call("DELETE", "/upstreams/1")).body, refusal);
      assert.deepEqual((await call("DELETE", "/upstreams/1?force=anyvalue")).body, refusal);
      const forced = await call("DELETE", "/upstreams/1?force=true");
      assert.deepEqual([forced.status, forced.body], [200, { deleted: "1", key: "upstreams/1" }]);
    });

    it("refuse to delete one that a plugin uses", async () => {
      const { call } = await withStored("/upstreams/1", UPSTREAM);
      const rules = [{ weighted_upstreams: [{ upstream_id: "1", weight: 1 }] }];
      const { status, text } = await call("PUT", "/plugin_configs/1", { plugins: { "traffic-split": { rules } } });
      assert.equal(status, 201, text);
      assert.deepEqual((await call("DELETE", "/upstreams/1")).body, {
        error_msg: "can not delete this upstream, plugin in plugin_config [1] is still using it now",
      });
    });
  });

  describe("consumers and credentials", () => {
    const JACK = {
      username: "jack",
      plugins: {
        "key-auth": { key: "auth-one" },
        "limit-count": { count: 2, time_window: 60, rejected_code: 503, key: "remote_addr" },
      },
    };

    it("create a consumer", async () => {
      const { call } = testAdmin();
      const { status, body } = await call("PUT", "/consumers", JACK);
      assert.equal(status, 201);
      assert.deepEqual([body.key, body.value], ["consumers/jack", { ...JACK, ...stamps }]);
      assert.equal((await call("PUT", "/consumers/jack", JACK)).status, 200);
      assert.equal((await call("GET", "/consumers/jack")).body.value.username, "jack");
    });

    it("create a credential, list, fetch and delete it", async () => {
      const { call } = await withStored("/consumers", JACK);
      const credential = { plugins: { "key-auth": { key: "auth-two" } } };
      const made = await call("PUT", "/consumers/jack/credentials/auth-one", credential);
      assert.equal(made.status, 201);
      assert.equal(made.body.key, "consumers/jack/credentials/auth-one");
      assert.deepEqual(made.body.value, { ...credential, id: "auth-one", ...stamps });
      assert.equal((await call("GET", "/consumers/jack/credentials")).body.total, 1);
      assert.deepEqual((await call("GET", "/consumers/jack/credentials/auth-one")).body, made.body);
      // Of consumers it is no part.
      assert.equal((await call("GET", "/consumers")).body.total, 1);
      assert.equal((await call("DELETE", "/consumers/jack/credentials/auth-one")).status, 200);
      assert.equal((await call("GET", "/consumers/jack/credentials")).body.total, 0);
    });

    it("delete a consumer with its credentials", async () => {
      const { call, source } = await withStored("/consumers", JACK);
      await call("PUT", "/consumers/jack/credentials/c1", { plugins: { "key-auth": { key: "auth-two" } } });
      assert.deepEqual((await call("DELETE", "/consumers/jack")).body, { deleted: "1", key: "consumers/jack" });
      assert.deepEqual((await source.list("")).entries, []);
    });

    it("want the consumer of a credential, and a plugin that authenticates", async () => {
      const { call } = testAdmin();
      const credential = { plugins: { "key-auth": { key: "k" } } };
      const absent = await call("PUT", "/consumers/jack/credentials/c1", credential);
      assert.deepEqual([absent.status, absent.body], [404, { error_msg: "consumer not found" }]);
      await call("PUT", "/consumers", JACK);
      const wrong = await call("PUT", "/consumers/jack/credentials/c1", { plugins: { cors: {} } });
      assert.deepEqual([wrong.status, wrong.body], [400, {
        error_msg: "only supports auth type plugins in consumer credential",
      }]);
    });
  });

  it("ssls: create one, and its key is not shown", async () => {
    const { cert, key } = createAuthority().issue("DNS:t.com");
    const { call } = testAdmin();
    const made = await call("PUT", "/ssls/1", { id: "1", cert, key, snis: ["t.com"] });
    assert.equal(made.status, 201, made.text);
    const shown = await call("GET", "/ssls/1");
    assert.deepEqual(shown.body.value, { id: "1", cert, snis: ["t.com"], ...stamps });
    assert.ok(!(await call("GET", "/ssls")).text.includes("PRIVATE KEY"));
    const patched = await call("PATCH", "/ssls/1", { snis: ["t.com", "*.t.com"] });
    assert.equal(patched.status, 200);
    assert.ok(!patched.text.includes("PRIVATE KEY"));
  });

  it("global rules: create, patch, and no plugin in two of them", async () => {
    const { call } = await withStored("/global_rules/1", { plugins: { "request-id": {} } });
    const patched = await call("PATCH", "/global_rules/1", { plugins: { cors: {} } });
    assert.deepEqual(patched.body.value.plugins, { "request-id": {}, cors: {} });
    const second = await call("PUT", "/global_rules/2", { plugins: { cors: {} } });
    assert.deepEqual([second.status, second.body], [400, {
      error_msg: "plugin 'cors' already exists in global rule with id '1'",
    }]);
    assert.equal((await call("POST", "/global_rules", { plugins: {} })).status, 405);
  });

  it("plugin configs: create, use, patch, delete once unused", async () => {
    const { call } = await withStored("/plugin_configs/1", { desc: "limits", plugins: { cors: {} } });
    assert.equal((await call("PUT", "/routes/1", { uri: "/", plugin_config_id: 1, upstream: UPSTREAM })).status, 201);
    const patched = await call("PATCH", "/plugin_configs/1/plugins", { "request-id": {} });
    assert.deepEqual(patched.body.value.plugins, { "request-id": {} });
    assert.deepEqual((await call("DELETE", "/plugin_configs/1")).body, {
      error_msg: "can not delete this plugin config, route [1] is still using it now",
    });
  });

  it("consumer groups: create, use, delete once unused", async () => {
    const { call } = await withStored("/consumer_groups/g", { plugins: { cors: {} } });
    const member = { username: "jack", group_id: "g", plugins: { "key-auth": { key: "k" } } };
    assert.equal((await call("PUT", "/consumers", member)).status, 201);
    assert.deepEqual((await call("DELETE", "/consumer_groups/g")).body, {
      error_msg: "can not delete this consumer group, consumer [jack] is still using it now",
    });
    const other = await call("PUT", "/consumers", { ...member, group_id: "h" });
    assert.equal(other.status, 400);
    assert.equal(
      other.body.error_msg,
      "failed to fetch consumer group info by consumer group id [h], response code: 404",
    );
  });

  it("plugin metadata: create, fetch, delete", async () => {
    const { call } = testAdmin();
    const made = await call("PUT", "/plugin_metadata/limit-count", { skey: "val", ikey: 1 });
    assert.equal(made.status, 201);
    assert.deepEqual(made.body.value, { skey: "val", ikey: 1, id: "limit-count" });
    assert.equal((await call("GET", "/plugin_metadata/limit-count")).status, 200);
    assert.equal((await call("PATCH", "/plugin_metadata/limit-count", {})).status, 405);
    const unknown = await call("PUT", "/plugin_metadata/example-plugin", { skey: "val" });
    assert.deepEqual([unknown.status, unknown.body], [400, { error_msg: "invalid plugin name" }]);
    assert.equal((await call("DELETE", "/plugin_metadata/limit-count")).status, 200);
  });

  describe("secrets", () => {
    const examples: readonly [string, Record<string, unknown>][] = [
      ["vault/test2", { uri: "http://xxx/get", prefix: "apisix", token: "apisix" }],
      ["aws/test3", {
        endpoint_url: "http://127.0.0.1:4566",
        region: "us-east-1",
        access_key_id: "access",
        secret_access_key: "secret",
        session_token: "token",
      }],
      ["gcp/test4", {
        auth_config: {
          client_email: "email@apisix.iam.gserviceaccount.com",
          private_key: "private_key",
          project_id: "apisix-project",
          token_uri: "https://oauth2.googleapis.com/token",
          entries_uri: "https://secretmanager.googleapis.com/v1",
          scope: ["https://www.googleapis.com/auth/cloud-platform"],
        },
      }],
    ];
    for (const [id, value] of examples) {
      it(`create ${id}, list it, patch it by sub path`, async () => {
        const { call } = await withStored(`/secrets/${id}`, value);
        const { body } = await call("GET", `/secrets/${id}`);
        assert.deepEqual([body.key, body.value], [`secrets/${id}`, { ...value, id, ...stamps }]);
        assert.equal((await call("GET", "/secrets")).body.total, 1);
        assert.equal((await call("GET", `/secrets/${id.split("/")[0]}`)).body.total, 1);
        const field = Object.keys(value)[0]!;
        assert.equal((await call("PATCH", `/secrets/${id}/${field}`, JSON.stringify(value[field]))).status, 200);
        assert.equal((await call("POST", `/secrets/${id}`, value)).status, 405);
        assert.equal((await call("DELETE", `/secrets/${id}`)).status, 200);
      });
    }
  });

  describe("plugins", () => {
    it("list their names, the highest priority first", async () => {
      const { status, body } = await testAdmin().call("GET", "/plugins/list");
      assert.equal(status, 200);
      assert.ok(body.indexOf("request-id") < body.indexOf("key-auth"));
      assert.ok(body.indexOf("key-auth") < body.indexOf("limit-count"));
    });

    it("show the schema of one", async () => {
      const { call } = testAdmin();
      const { status, body } = await call("GET", "/plugins/key-auth?subsystem=http");
      assert.equal(status, 200);
      assert.equal(body.properties.header.default, "apikey");
      const consumer = await call("GET", "/plugins/key-auth?schema_type=consumer");
      assert.deepEqual(consumer.body.required, ["key"]);
      assert.deepEqual((await call("GET", "/schema/plugins/key-auth")).body, body);
      const stream = await call("GET", "/plugins/key-auth?subsystem=stream");
      assert.deepEqual([stream.status, stream.body], [404, { error_msg: "plugin not found in subsystem stream" }]);
    });

    it("show all of them", async () => {
      const { body } = await testAdmin().call("GET", "/plugins?all=true");
      assert.equal(body["key-auth"].priority, 2500);
      assert.equal(body["key-auth"].type, "auth");
      assert.equal(body["key-auth"].schema.type, "object");
      assert.deepEqual((await testAdmin().call("GET", "/plugins?all=true&subsystem=stream")).body, {});
    });

    it("reload", async () => {
      const { status, body } = await testAdmin().call("PUT", "/plugins/reload");
      assert.deepEqual([status, body], [200, "done"]);
    });
  });

  describe("schema", () => {
    it("validate a route", async () => {
      const { call } = testAdmin();
      const upstream = { scheme: "https", type: "roundrobin", nodes: { "nghttp2.org": 1 } };
      const wrong = await call("POST", "/schema/validate/routes", { uri: 1980, upstream });
      assert.equal(wrong.status, 400);
      assert.match(wrong.body.error_msg, /uri must be a string, is 1980/);
      assert.equal(wrong.body.issues[0].path, "uri");
      assert.equal((await call("POST", "/schema/validate/routes", { uri: "/", upstream })).status, 200);
    });

    it("show the schema of a kind", async () => {
      const { call } = testAdmin();
      assert.equal((await call("GET", "/schema/route")).body.properties.uri.type, "string");
      const unknown = await call("GET", "/schema/nothing");
      assert.deepEqual([unknown.status, unknown.body], [400, { error_msg: "not found schema: nothing" }]);
    });

    it("validate a configuration, in JSON and YAML", async () => {
      const { call } = testAdmin();
      const route = { id: "r1", uri: "/", upstream: UPSTREAM };
      assert.deepEqual((await call("POST", "/configs/validate", { routes: [route] })).body, {});
      const yaml = "routes:\n  - id: r1\n    uri: /\n  - id: r1\n    uri: 5\n";
      const wrong = await call("POST", "/configs/validate", yaml, { headers: { "content-type": "application/yaml" } });
      assert.equal(wrong.status, 400);
      assert.equal(wrong.body.error_msg, "Configuration validation failed");
      assert.deepEqual(
        wrong.body.errors.map(({ resource_type, resource_id, index }: Record<string, unknown>) => [
          resource_type,
          resource_id,
          index,
        ]),
        [["routes", "r1", 0], ["routes", "r1", 1]],
      );
      assert.match(wrong.body.errors[1].error, /duplicate id r1 in routes/);
    });
  });
});

function nodesOf(value: Record<string, unknown>): unknown {
  return (value["upstream"] as Record<string, unknown>)["nodes"];
}

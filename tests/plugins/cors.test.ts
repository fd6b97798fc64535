import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { itRejects } from "../support/faults.ts";
import { type GatewayAnswer, type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

/** The fields that the plugin sets, by their name without `Access-Control-`. */
function marks(answer: GatewayAnswer): Record<string, string> {
  const found: Record<string, string> = {};
  for (let i = 0; i < answer.headers.length; i += 2) {
    const name = answer.headers[i]!.toLowerCase();
    if (/^(access-control-|vary$|timing-allow-origin$)/.test(name)) {
      found[name.replace("access-control-", "")] = answer.headers[i + 1]!;
    }
  }
  return found;
}

const A = "https://a.test", B = "https://b.test";
const ALL = { "allow-methods": "*", "allow-headers": "*", "max-age": "5" };

describe("cors", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  const table: { name: string; config: Record<string, unknown>; origin?: string; marks: Record<string, string> }[] = [
    { name: "everybody by default", config: {}, origin: A, marks: { "allow-origin": "*", ...ALL } },
    { name: "everybody without an origin", config: {}, marks: { "allow-origin": "*", ...ALL } },
    {
      name: "everybody, by force",
      config: { allow_origins: "**" },
      origin: A,
      marks: { "allow-origin": A, vary: "Origin", ...ALL },
    },
    {
      name: "by force without an origin",
      config: { allow_origins: "**" },
      marks: { "allow-origin": "*", vary: "Origin", ...ALL },
    },
    {
      name: "one origin",
      config: { allow_origins: A },
      origin: A,
      marks: { "allow-origin": A, vary: "Origin", ...ALL },
    },
    { name: "another than the one", config: { allow_origins: A }, origin: B, marks: { vary: "Origin" } },
    {
      name: "one of two",
      config: { allow_origins: `${A},${B}` },
      origin: B,
      marks: { "allow-origin": B, vary: "Origin", ...ALL },
    },
    {
      name: "none of two",
      config: { allow_origins: `${A},${B}` },
      origin: "https://c.test",
      marks: { vary: "Origin" },
    },
    {
      name: "a part of one of two",
      config: { allow_origins: `${A},${B}` },
      origin: "https://a",
      marks: { vary: "Origin" },
    },
    { name: "two without an origin", config: { allow_origins: `${A},${B}` }, marks: { vary: "Origin" } },
    {
      name: "the null origin",
      config: { allow_origins: "null" },
      origin: "null",
      marks: { "allow-origin": "null", vary: "Origin", ...ALL },
    },
    {
      name: "by regular expression",
      config: { allow_origins_by_regex: ["^https://[a-z]\\.test$"] },
      origin: B,
      marks: { "allow-origin": B, vary: "Origin", ...ALL },
    },
    {
      name: "not by regular expression",
      config: { allow_origins_by_regex: ["^https://[a-z]\\.test$"] },
      origin: "https://b.test.evil",
      marks: { vary: "Origin" },
    },
    { name: "no origin by regular expression", config: { allow_origins_by_regex: [".*"] }, marks: { vary: "Origin" } },
    {
      name: "every option",
      config: {
        allow_origins: A,
        allow_methods: "GET,PUT",
        allow_headers: "X-A",
        expose_headers: "X-B",
        max_age: 60,
        allow_credential: true,
      },
      origin: A,
      marks: {
        "allow-origin": A,
        "allow-methods": "GET,PUT",
        "allow-headers": "X-A",
        "expose-headers": "X-B",
        "max-age": "60",
        "allow-credentials": "true",
        vary: "Origin",
      },
    },
    {
      name: "all methods, by force",
      config: { allow_methods: "**" },
      origin: A,
      marks: { ...ALL, "allow-origin": "*", "allow-methods": "GET,POST,PUT,DELETE,PATCH,HEAD,OPTIONS,CONNECT,TRACE" },
    },
    {
      name: "no fields to expose",
      config: { expose_headers: "", max_age: -1 },
      marks: { "allow-origin": "*", ...ALL, "max-age": "-1" },
    },
    {
      name: "timing for everybody",
      config: { timing_allow_origins: "*" },
      origin: A,
      marks: { "allow-origin": "*", ...ALL, "timing-allow-origin": "*" },
    },
    {
      name: "timing for one",
      config: { timing_allow_origins: `${A},${B}` },
      origin: A,
      marks: { "allow-origin": "*", ...ALL, "timing-allow-origin": A },
    },
    {
      name: "timing not for another",
      config: { timing_allow_origins: A },
      origin: B,
      marks: { "allow-origin": "*", ...ALL },
    },
    {
      name: "timing by regular expression",
      config: { timing_allow_origins: B, timing_allow_origins_by_regex: ["a\\.test$"] },
      origin: A,
      marks: { "allow-origin": "*", ...ALL, "timing-allow-origin": A },
    },
  ];
  for (const { name, config, origin, marks: expected } of table) {
    it(`allows ${name}`, async () => {
      await gateway.route({ "cors": config });
      const headers: Record<string, string> = origin === undefined ? {} : { Origin: origin };
      const answer = await gateway.send("/", { headers });
      assert.deepEqual(marks(answer), expected);
      assert.equal(answer.echoed().method, "GET");
      const preflight = await gateway.send("/", { method: "OPTIONS", headers });
      assert.equal(preflight.status, 200);
      assert.equal(preflight.text, "");
      assert.deepEqual(marks(preflight), expected);
    });
  }

  it("answers preflights itself", async () => {
    await gateway.route({ "cors": {}, "key-auth": {} });
    const before = gateway.origin.seen.length;
    const preflight = await gateway.send("/", {
      method: "OPTIONS",
      headers: { Origin: A, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "X-A" },
    });
    assert.equal(preflight.status, 200);
    assert.equal(gateway.origin.seen.length, before);
  });

  it("allows the fields that are asked for, by force", async () => {
    await gateway.route({ "cors": { allow_headers: "**" } });
    const asked = { Origin: A, "Access-Control-Request-Headers": "X-A,X-B" };
    assert.equal(marks(await gateway.send("/", { method: "OPTIONS", headers: asked }))["allow-headers"], "X-A,X-B");
    assert.equal(
      marks(await gateway.send("/", { method: "OPTIONS", headers: { Origin: A } }))["allow-headers"],
      undefined,
    );
  });

  it("lets origins that the metadata names pass, as it changes", async () => {
    const config = { allow_origins_by_metadata: ["partners", "missing"] };
    await gateway.route({ "cors": config }, { "plugin_metadata/cors": { allow_origins: { partners: `${A},${B}` } } });
    const allowed = async (origin: string) =>
      marks(await gateway.send("/", { headers: { Origin: origin } }))["allow-origin"];
    assert.deepEqual([await allowed(A), await allowed("https://c.test")], [A, undefined]);
    await gateway.put({ "plugin_metadata/cors": { allow_origins: { partners: "https://c.test" } } });
    assert.deepEqual([await allowed(A), await allowed("https://c.test")], [undefined, "https://c.test"]);
    await gateway.put({ "plugin_metadata/cors": undefined });
    assert.equal(await allowed("https://c.test"), undefined);

    await gateway.route({ "cors": { ...config, allow_origins: B } }, {
      "plugin_metadata/cors": { allow_origins: { partners: A } },
    });
    assert.deepEqual([await allowed(A), await allowed(B), await allowed("https://c.test")], [A, B, undefined]);
  });

  it("replaces what the upstream says, and lets readable refusals through", async () => {
    await gateway.route({ "cors": { allow_origins: A }, "key-auth": {} }, {
      "consumers/jack": { username: "jack", plugins: { "key-auth": { key: "k" } } },
    });
    gateway.origin.respond = () => ({
      headers: ["Access-Control-Allow-Origin", "https://upstream.test", "Vary", "Accept", "X-Kept", "1"],
      body: "hi",
    });
    const answer = await gateway.send("/", { headers: { Origin: A, apikey: "k" } });
    gateway.origin.respond = () => undefined;
    assert.deepEqual(answer.headersOf("access-control-allow-origin"), [A]);
    assert.deepEqual(answer.headersOf("vary").join(", "), "Accept, Origin");
    assert.equal(answer.header("x-kept"), "1");
    const refused = await gateway.send("/", { headers: { Origin: A } });
    assert.equal(refused.status, 401);
    assert.equal(refused.header("access-control-allow-origin"), A);
  });

  it("rejects a regular expression that cannot be used", async () => {
    for (const name of ["allow_origins_by_regex", "timing_allow_origins_by_regex"]) {
      await gateway.put({
        "routes/f": { uri: "/f", upstream: gateway.upstream, plugins: { "cors": { [name]: ["a", "("] } } },
      });
      const [issue, ...more] = gateway.issues("routes/f");
      assert.match(issue ?? "", new RegExp(`^plugins\\.cors\\.${name}: .*missing closing`));
      assert.deepEqual(more, []);
      await gateway.put({ "routes/f": undefined });
    }
  });

  itRejects(() => gateway, "cors", "route", [
    {
      config: { allow_origins: "a.test" },
      issues: [`allow_origins: must be '*', '**', 'null' or origins as in https://a.com,https://b.com, is "a.test"`],
    },
    {
      config: { allow_credential: true, allow_methods: "GET", allow_headers: "X-A" },
      issues: ["allow_origins: must not be '*' (which is also the default) where allow_credential is true"],
    },
    {
      config: { allow_credential: true, allow_origins: A, expose_headers: "*", timing_allow_origins: "*" },
      issues: ["allow_methods", "allow_headers", "expose_headers", "timing_allow_origins"].map((name) =>
        `${name}: must not be '*' (which is also the default) where allow_credential is true`
      ),
    },
    {
      config: { allow_origins_by_regex: [] },
      issues: ["allow_origins_by_regex: must have at least 1 item, is an empty array"],
    },
    { config: { max_age: "5" }, issues: ['max_age: must be an integer, is "5"'] },
    {
      config: { timing_allow_origins_by_regex: [""] },
      issues: ['timing_allow_origins_by_regex[0]: must be a string of 1 to 4096 characters, is ""'],
    },
  ]);
});

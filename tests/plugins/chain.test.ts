import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as v from "valibot";
import { definePlugin, type Plugin, type PluginPhase } from "../../src/pipeline/plugin.ts";
import { stepMiddleware, type StepResult } from "../../src/pipeline/step.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

/** Writes `name:tag` behind what ran before it; `extra`, so that it shows whether two configurations were mixed. */
function trail(name: string, phase: PluginPhase, priority: number): Plugin {
  return definePlugin({
    name,
    phase,
    priority,
    schema: v.object({ tag: v.string(), extra: v.optional(v.string(), "") }),
    create: ({ tag, extra }) => async (c, next) => {
      const { headers } = c.get("upstream");
      headers.set("X-Trail", `${headers.get("X-Trail") ?? ""} ${name}:${tag}${extra}`.trim());
      await next();
      c.res.headers.set("x-back", `${c.res.headers.get("x-back") ?? ""} ${name}:${tag}`.trim());
    },
  });
}

/**
 * The same as a step, which may refuse or throw, at once or later; `plain`: as an ordinary middleware, which needs Hono's context.
 */
function step(name: string, phase: PluginPhase, priority: number, plain: boolean): Plugin {
  return definePlugin({
    name,
    phase,
    priority,
    schema: v.object({ does: v.optional(v.string(), "pass"), later: v.optional(v.boolean(), false) }),
    create({ does, later }) {
      const middleware = stepMiddleware((_, { headers }) => {
        const decide = (): StepResult => {
          headers.set("X-Trail", `${headers.get("X-Trail") ?? ""} ${name}`.trim());
          if (does === "refuse") return new Response("refused", { status: 418, headers: { "x-back": name } });
          if (does === "throw") throw new Error("thrown by a test");
          if (does === "look") return undefined;
          return (fields) => {
            if (does === "spoil") throw new Error("thrown by a test");
            fields.set("x-back", `${fields.get("x-back") ?? ""} ${name}`.trim());
          };
        };
        return later ? Promise.resolve().then(decide) : decide();
      });
      return plain ? (c, next) => middleware(c, next) : middleware;
    },
  });
}

/** Lets so many requests pass, counted by its resource. */
const quota = definePlugin({
  name: "quota",
  priority: 1002,
  schema: v.object({ count: v.number() }),
  create({ count }, { state }) {
    const counter = state(`count ${count}`, () => ({ used: 0 }));
    return async (c, next) => {
      if (++counter.used > count) return c.json({ used: counter.used }, 503);
      await next();
    };
  },
});

const plugins = [
  trail("rw-early", "rewrite", 3000),
  trail("rw-late", "rewrite", 1000),
  trail("ac-early", "access", 3001),
  trail("ac-late", "access", 1001),
  quota,
  ...[false, true].flatMap((plain) => [
    step(plain ? "plain-a" : "step-a", "rewrite", 2000, plain),
    step(plain ? "plain-b" : "step-b", "rewrite", 1999, plain),
    step(plain ? "plain-c" : "step-c", "access", 2000, plain),
  ]),
];

/** Nobody listens there. */
const DOWN = { nodes: { "127.0.0.1:1": 1 }, retries: 0 };

const JACK = { apikey: "jack-key" };
const jack = { username: "jack", plugins: { "key-auth": { key: "jack-key" } } };

describe("the chain of plugins", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway({ plugins });
  });
  after(() => gateway.close());

  const trailOf = async (headers: Record<string, string> = {}, target = "/"): Promise<string | undefined> =>
    (await gateway.send(target, { headers })).echoed().header("x-trail");

  it("is the forwarder itself without plugins", async () => {
    await gateway.route({});
    const seen = (await gateway.send("/a?b", { method: "POST", headers: ["X-A", "1", "x-a", "2"], body: "hello" }))
      .echoed();
    assert.equal(seen.target, "/a?b");
    assert.equal(seen.body, "hello");
    assert.deepEqual(seen.headers.filter((_, i) => seen.headers[i - i % 2]!.toLowerCase() === "x-a"), [
      "X-A",
      "1",
      "x-a",
      "2",
    ]);
  });

  it("runs by phase, then by priority, and back in the opposite order", async () => {
    await gateway.route({
      "ac-late": { tag: "1" },
      "ac-early": { tag: "2" },
      "rw-late": { tag: "3" },
      "rw-early": { tag: "4" },
    });
    const answer = await gateway.send("/");
    assert.equal(answer.echoed().header("x-trail"), "rw-early:4 rw-late:3 ac-early:2 ac-late:1");
    assert.equal(answer.header("x-back"), "ac-late:1 ac-early:2 rw-late:3 rw-early:4");
  });

  it("runs global rules, the route and the consumer in the order of the phases", async () => {
    await gateway.route({ "key-auth": {}, "rw-late": { tag: "route" }, "ac-late": { tag: "route" } }, {
      "global_rules/1": { plugins: { "rw-early": { tag: "global" }, "ac-early": { tag: "global" } } },
      "consumers/jack": { ...jack, plugins: { ...jack.plugins, "quota": { count: 100 } }, group_id: "g" },
      "consumer_groups/g": { plugins: { "rw-early": { tag: "group" }, "ac-early": { tag: "group" } } },
    });
    assert.equal(
      await trailOf(JACK),
      "rw-early:global rw-late:route rw-early:group ac-early:global ac-early:group ac-late:route",
    );
  });

  describe("runs steps without Hono's context as it runs them with it", () => {
    const pass = {};
    const chains: Readonly<Record<string, Readonly<Record<string, object>>>> = {
      "all that pass": { a: pass, b: pass, c: pass },
      "all that pass later": { a: { later: true }, b: { later: true }, c: { later: true } },
      "some that only look": { a: { does: "look" }, b: pass, c: { does: "look" } },
      "one that refuses": { a: pass, b: { does: "refuse" }, c: pass },
      "one that refuses later": { a: pass, b: pass, c: { does: "refuse", later: true } },
      "one that throws": { a: pass, b: pass, c: { does: "throw" } },
      "one that throws later": { a: pass, b: { does: "throw", later: true }, c: pass },
      "one that spoils the answer": { a: pass, b: { does: "spoil" }, c: pass },
    };
    for (const [name, chain] of Object.entries(chains)) {
      it(name, async () => {
        const seen: unknown[] = [];
        for (const form of ["step", "plain"]) {
          await gateway.route(
            Object.fromEntries(Object.entries(chain).map(([letter, config]) => [`${form}-${letter}`, config])),
          );
          const answer = await gateway.send("/");
          const plain = (text: string | undefined): string | undefined => text?.replaceAll(`${form}-`, "");
          const trail = answer.status === 200 ? answer.echoed().header("x-trail") : undefined;
          seen.push({ status: answer.status, trail: plain(trail), back: plain(answer.header("x-back")) });
        }
        assert.deepEqual(seen[0], seen[1]);
      });
    }

    it("and changes the answer of a node that failed", async () => {
      await gateway.route({
        "step-a": pass,
        "traffic-split": { rules: [{ weighted_upstreams: [{ upstream: DOWN }] }] },
      });
      const answer = await gateway.send("/");
      assert.equal(answer.status, 502);
      assert.equal(answer.header("x-back"), "step-a");
    });

    it("and goes on with it where a consumer's own plugin needs it", async () => {
      await gateway.route({ "key-auth": {}, "step-a": pass, "step-c": pass }, {
        "consumers/jack": { ...jack, plugins: { ...jack.plugins, "ac-late": { tag: "jack" }, "plain-b": pass } },
      });
      const answer = await gateway.send("/", { headers: JACK });
      assert.equal(answer.echoed().header("x-trail"), "step-a plain-b step-c ac-late:jack");
      assert.equal(answer.header("x-back"), "ac-late:jack step-c plain-b step-a");
    });
  });

  it("moves a plugin by _meta.priority", async () => {
    await gateway.route({ "rw-early": { tag: "a", _meta: { priority: 1 } }, "rw-late": { tag: "b" } });
    assert.equal(await trailOf(), "rw-late:b rw-early:a");
  });

  describe("replaces a plugin's configuration as a whole", () => {
    const both = { "rw-early": { tag: "x", extra: "+extra" }, "ac-early": { tag: "x", extra: "+extra" } };
    const table = [
      {
        name: "route over service",
        route: { "ac-early": { tag: "route" } },
        service: both,
        runs: "rw-early:x+extra ac-early:route",
      },
      {
        name: "route over plugin config",
        route: { "ac-early": { tag: "route" } },
        config: both,
        runs: "rw-early:x+extra ac-early:route",
      },
      {
        name: "plugin config over service",
        config: { "ac-early": { tag: "config" } },
        service: both,
        runs: "rw-early:x+extra ac-early:config",
      },
      {
        name: "consumer over group over route",
        route: both,
        group: { "ac-early": { tag: "group" }, "ac-late": { tag: "group" } },
        consumer: { "ac-early": { tag: "consumer" } },
        runs: "rw-early:x+extra ac-early:consumer ac-late:group",
      },
      {
        name: "consumer over service, where the route has nothing",
        service: both,
        consumer: { "ac-early": { tag: "consumer" } },
        runs: "rw-early:x+extra ac-early:consumer",
      },
      {
        name: "what the route has rewritten is not rewritten again for the consumer",
        route: both,
        consumer: { "rw-early": { tag: "consumer" }, "rw-late": { tag: "consumer" } },
        runs: "rw-early:x+extra rw-late:consumer ac-early:x+extra",
      },
      {
        name: "what the route disables of its service does not run",
        route: { "ac-early": { tag: "route", _meta: { disable: true } } },
        service: both,
        runs: "rw-early:x+extra",
      },
      {
        name: "what the consumer disables of the route does not run",
        route: both,
        consumer: { "ac-early": { _meta: { disable: true } } },
        runs: "rw-early:x+extra",
      },
    ];
    for (const { name, route = {}, service, config, group, consumer, runs } of table) {
      it(name, async () => {
        await gateway.route({}, {
          "routes/1": {
            uri: "/*",
            upstream: gateway.upstream,
            plugins: { "key-auth": {}, ...route },
            ...(service === undefined ? {} : { service_id: "s" }),
            ...(config === undefined ? {} : { plugin_config_id: "c" }),
          },
          ...(service === undefined ? {} : { "services/s": { plugins: service } }),
          ...(config === undefined ? {} : { "plugin_configs/c": { plugins: config } }),
          ...(group === undefined ? {} : { "consumer_groups/g": { plugins: group } }),
          "consumers/jack": {
            username: "jack",
            plugins: { ...jack.plugins, ...consumer },
            ...(group === undefined ? {} : { group_id: "g" }),
          },
        });
        assert.equal(await trailOf(JACK), runs);
      });
    }
  });

  it("runs a plugin only where _meta.filter holds, and replaces the body by _meta.error_response", async () => {
    await gateway.route({
      "rw-early": { tag: "a", _meta: { filter: [["arg_on", "==", "1"]] } },
      "quota": { count: 0, _meta: { filter: [["arg_stop", "==", "1"]], error_response: { error: "come back" } } },
    });
    assert.equal(await trailOf({}, "/?on=1"), "rw-early:a");
    assert.equal(await trailOf({}, "/?on=2"), undefined);
    const refused = await gateway.send("/?stop=1");
    assert.equal(refused.status, 503);
    assert.deepEqual(refused.json(), { error: "come back" });
  });

  it("answers 503 where the consumer's group is not there, and heals", async () => {
    await gateway.route({ "key-auth": {} }, { "consumers/jack": { ...jack, group_id: "g" } });
    assert.equal((await gateway.send("/", { headers: JACK })).status, 503);
    assert.deepEqual(gateway.issues("consumers/jack").length, 1);
    await gateway.put({ "consumer_groups/g": { plugins: { "ac-early": { tag: "group" } } } });
    assert.equal(await trailOf(JACK), "ac-early:group");
    await gateway.put({ "consumer_groups/g": { plugins: { "ac-early": { tag: "changed" } } } });
    assert.equal(await trailOf(JACK), "ac-early:changed");
  });

  it("does not let a consumer's or a group's authentication plugins run on the route", async () => {
    await gateway.route({ "key-auth": {} }, {
      "consumers/jack": { ...jack, group_id: "g" },
      "consumer_groups/g": { plugins: { "basic-auth": {}, "ac-early": { tag: "group" } } },
    });
    assert.equal(await trailOf(JACK), "ac-early:group");
  });

  describe("counts for consumers", () => {
    const quotaOf = async (target = "/", key = "jack-key"): Promise<number> =>
      (await gateway.send(target, { headers: { apikey: key } })).status;

    it("over all routes, apart from one another", async () => {
      const ann = { username: "ann", plugins: { "key-auth": { key: "ann-key" }, "quota": { count: 2 } } };
      await gateway.route({ "key-auth": {} }, {
        "routes/2": { uri: "/two", upstream: gateway.upstream, plugins: { "key-auth": {} } },
        "consumers/jack": { ...jack, plugins: { ...jack.plugins, "quota": { count: 2 } } },
        "consumers/ann": ann,
      });
      assert.deepEqual([await quotaOf("/"), await quotaOf("/two"), await quotaOf("/two")], [200, 200, 503]);
      assert.equal(await quotaOf("/", "ann-key"), 200);
    });

    it("across changes that do not concern the plugin, and anew after one that does", async () => {
      const limited = { ...jack, plugins: { ...jack.plugins, "quota": { count: 1 } } };
      await gateway.route({ "key-auth": {} }, { "consumers/jack": limited });
      assert.deepEqual([await quotaOf(), await quotaOf()], [200, 503]);
      await gateway.put({ "consumers/jack": { ...limited, desc: "another" } });
      assert.equal(await quotaOf(), 503);
      await gateway.put({
        "routes/1": { uri: "/*", upstream: gateway.upstream, desc: "another", plugins: { "key-auth": {} } },
      });
      assert.equal(await quotaOf(), 503);
      await gateway.put({ "consumers/jack": { ...jack, plugins: { ...jack.plugins, "quota": { count: 2 } } } });
      assert.deepEqual([await quotaOf(), await quotaOf(), await quotaOf()], [200, 200, 503]);
    });

    it("by the route's own counter where the consumer has none", async () => {
      await gateway.route({ "key-auth": {}, "quota": { count: 1 } }, {
        "consumers/jack": { ...jack, plugins: { ...jack.plugins, "ac-late": { tag: "x" } } },
        "consumers/ann": { username: "ann", plugins: { "key-auth": { key: "ann-key" } } },
      });
      assert.deepEqual([await quotaOf(), await quotaOf("/", "ann-key")], [200, 503]);
    });
  });

  describe("global rules", () => {
    it("run for requests that no route takes, in both phases", async () => {
      await gateway.route({}, {
        "routes/1": undefined,
        "global_rules/1": { plugins: { "rw-early": { tag: "g" }, "ac-early": { tag: "g" } } },
      });
      const answer = await gateway.send("/none");
      assert.equal(answer.status, 404);
      assert.deepEqual(answer.json(), { error_msg: "404 Route Not Found" });
      assert.equal(answer.header("x-back"), "ac-early:g rw-early:g");
      await gateway.put({ "global_rules/1": { plugins: { "quota": { count: 0 } } } });
      assert.equal((await gateway.send("/none")).status, 503);
    });

    it("run beside the same plugin of the route", async () => {
      await gateway.route({ "rw-early": { tag: "route" } }, {
        "global_rules/1": { plugins: { "rw-early": { tag: "g" } } },
      });
      assert.equal(await trailOf(), "rw-early:g rw-early:route");
    });

    it("leave a plugin out that two of them have, and warn of it", async () => {
      await gateway.route({}, {
        "global_rules/1": { plugins: { "rw-early": { tag: "1" }, "rw-late": { tag: "1" } } },
        "global_rules/2": { plugins: { "rw-early": { tag: "2" } } },
      });
      assert.equal(await trailOf(), "rw-late:1");
      assert.match(gateway.warnings("global_rules/1").join(), /plugins\.rw-early: does not run/);
      assert.match(gateway.warnings("global_rules/2").join(), /plugins\.rw-early: does not run/);
      await gateway.put({ "global_rules/2": undefined });
      assert.equal(await trailOf(), "rw-early:1 rw-late:1");
      assert.deepEqual(gateway.warnings("global_rules/1"), []);
    });

    it("decide on access once the route has authenticated", async () => {
      await gateway.route({ "key-auth": {} }, {
        "global_rules/1": { plugins: { "consumer-restriction": { whitelist: ["jack"] } } },
        "consumers/jack": jack,
        "consumers/ann": { username: "ann", plugins: { "key-auth": { key: "ann-key" } } },
        "routes/2": { uri: "/open", upstream: gateway.upstream },
      });
      assert.equal((await gateway.send("/", { headers: JACK })).status, 200);
      assert.equal((await gateway.send("/", { headers: { apikey: "ann-key" } })).status, 403);
      assert.equal((await gateway.send("/open", { headers: JACK })).status, 401);
      assert.equal((await gateway.send("/", { headers: { apikey: "bad" } })).status, 401);
    });

    it("authenticate for routes without plugins, whose consumers bring their own", async () => {
      await gateway.route({}, {
        "global_rules/1": { plugins: { "key-auth": {} } },
        "consumers/jack": { ...jack, plugins: { ...jack.plugins, "ac-late": { tag: "jack" } } },
      });
      assert.equal((await gateway.send("/")).status, 401);
      assert.equal(await trailOf(JACK), "ac-late:jack");
    });

    it("that are disabled or gone leave the bare forwarder", async () => {
      await gateway.route({}, {
        "global_rules/1": { plugins: { "quota": { count: 0, _meta: { disable: true } } } },
      });
      assert.equal((await gateway.send("/")).status, 200);
      await gateway.put({ "global_rules/1": { plugins: { "quota": { count: 0 } } } });
      assert.equal((await gateway.send("/")).status, 503);
      await gateway.put({ "global_rules/1": undefined });
      assert.equal((await gateway.send("/")).status, 200);
    });
  });

  describe("what the upstream is told of the consumer", () => {
    const FORGED = [
      "X-Consumer-Username",
      "admin",
      "x-credential-identifier",
      "forged",
      "X-Consumer-Custom-ID",
      "1",
      "X_Consumer_Username",
      "admin",
    ];
    const told = (seen: { readonly headers: readonly string[] }): string[] =>
      seen.headers.filter((_, i) => /^x.(consumer|credential)/i.test(seen.headers[i - i % 2]!));

    it("is who was authenticated, whatever the client sent", async () => {
      await gateway.route({ "key-auth": {} }, { "consumers/jack": { ...jack, labels: { custom_id: "ün-42" } } });
      const sent = ["Connection", "X-Consumer-Username, X-Credential-Identifier", ...FORGED, "apikey", "jack-key"];
      assert.deepEqual(told((await gateway.send("/", { headers: sent })).echoed()), [
        "X-Consumer-Username",
        "jack",
        "X-Consumer-Custom-ID",
        "\u00c3\u00bcn-42",
      ]);
    });

    it("names the credential", async () => {
      await gateway.route({ "key-auth": {} }, {
        "consumers/jack": { username: "jack" },
        "consumers/jack/credentials/c1": { plugins: { "key-auth": { key: "jack-key" } } },
      });
      assert.deepEqual(told((await gateway.send("/", { headers: [...FORGED, "apikey", "jack-key"] })).echoed()), [
        "X-Consumer-Username",
        "jack",
        "X-Credential-Identifier",
        "c1",
      ]);
    });

    it("is nothing where a filter left authentication out", async () => {
      const filtered = { "key-auth": { _meta: { filter: [["request_method", "==", "POST"]] } } };
      await gateway.route(filtered, { "consumers/jack": jack });
      assert.deepEqual(told((await gateway.send("/", { headers: FORGED })).echoed()), []);
      await gateway.route({}, { "global_rules/1": { plugins: filtered }, "consumers/jack": jack });
      assert.deepEqual(told((await gateway.send("/", { headers: FORGED })).echoed()), []);
    });

    it("is what variables tell, too", async () => {
      const filter = [["http_x_consumer_username", "==", "admin"]];
      await gateway.route({ "key-auth": {}, "ac-late": { tag: "admin", _meta: { filter } } }, {
        "consumers/jack": jack,
        "consumers/admin": { username: "admin", plugins: { "key-auth": { key: "admin-key" } } },
      });
      const trailOfKey = async (apikey: string) =>
        (await gateway.send("/", { headers: [...FORGED, "apikey", apikey] })).echoed().header("x-trail");
      assert.equal(await trailOfKey("jack-key"), undefined);
      assert.equal(await trailOfKey("admin-key"), "ac-late:admin");
    });
  });
});

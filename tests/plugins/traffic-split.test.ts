import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type EchoOrigin, startEchoOrigin } from "../support/echo-origin.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { refusal } from "../support/refusal.ts";

describe("traffic-split", () => {
  let gateway: PluginGateway;
  let b: EchoOrigin, c: EchoOrigin;
  before(async () => {
    gateway = await startPluginGateway();
    [b, c] = await Promise.all([startEchoOrigin(), startEchoOrigin()]);
    for (const [name, origin] of Object.entries({ a: gateway.origin, b, c })) {
      origin.respond = ({ headers }) => {
        const host = headers[headers.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === "host") + 1];
        return { body: `${name} ${host}` };
      };
    }
  });
  after(() => Promise.all([gateway.close(), b.close(), c.close()]));

  const to = (origin: EchoOrigin, more: Record<string, unknown> = {}) => ({
    nodes: { [`127.0.0.1:${origin.port}`]: 1 },
    ...more,
  });
  const split = (rules: unknown, others = {}) => gateway.route({ "traffic-split": { rules } }, others);
  /** Where so many requests went, one letter each. */
  const went = async (count: number, target = "/", headers: Record<string, string> = {}) => {
    let letters = "";
    for (let i = 0; i < count; i++) letters += (await gateway.send(target, { headers })).text[0];
    return letters;
  };

  it("does nothing without rules", async () => {
    await gateway.route({ "traffic-split": {} });
    assert.equal(await went(2), "aa");
    await split([]);
    assert.equal(await went(2), "aa");
  });

  it("weights: inline, by id, and the route's own, spread evenly, in the same order each time", async () => {
    const entries = [{ upstream: to(b), weight: 3 }, { upstream_id: "2", weight: 1 }, { weight: 1 }];
    await split([{ weighted_upstreams: entries }], { "upstreams/2": to(c) });
    const first = await went(5);
    assert.equal(first, "bcbab");
    assert.equal(await went(10), first + first);
  });

  it("weight is 1 where there is none, and an entry of weight 0 gets nothing", async () => {
    await split([{ weighted_upstreams: [{ upstream: to(b) }, {}, { upstream: to(c), weight: 0 }] }]);
    assert.equal(await went(6), "bababa");
    await split([{ weighted_upstreams: [{ upstream: to(b), weight: 0 }] }]);
    assert.equal(await went(2), "aa");
    await split([{}]);
    assert.equal(await went(2), "aa", "weighted_upstreams is the route's own where there is none");
  });

  it("the rotation goes on when something else changes, and begins anew when the shares do", async () => {
    const rules = [{ weighted_upstreams: [{ upstream: to(b), weight: 2 }, { weight: 1 }] }];
    await split(rules);
    assert.equal(await went(2), "ba");
    const { upstream } = gateway;
    await gateway.put({ "routes/1": { uri: "/*", name: "named", upstream, plugins: { "traffic-split": { rules } } } });
    await gateway.put({ "routes/2": { uri: "/two", upstream, plugins: { "traffic-split": { rules } } } });
    assert.equal(await went(1, "/two"), "b");
    assert.equal(await went(4), "bbab");
    await split([{ weighted_upstreams: [{ upstream: to(c), weight: 2 }, { weight: 1 }] }]);
    assert.equal(await went(3), "cac");
  });

  it("match: vars, of which one expression must hold; the first rule that matches counts", async () => {
    await split([
      {
        match: [{ vars: [["arg_name", "==", "jack"], ["arg_age", ">", "20"]] }, { vars: [["http_x-a", "==", "1"]] }],
        weighted_upstreams: [{ upstream: to(b) }],
      },
      { match: [{ vars: [["arg_name", "==", "jack"]] }], weighted_upstreams: [{ upstream: to(c) }] },
    ]);
    assert.equal(await went(1, "/?name=jack&age=30"), "b");
    assert.equal(await went(1, "/", { "X-A": "1" }), "b");
    assert.equal(await went(1, "/?name=jack&age=3"), "c");
    assert.equal(await went(1), "a");
  });

  it("match: negation, and empty lists, which always hold", async () => {
    await split([
      { match: [{ vars: [["arg_id", "!", "~~", "^a"]] }], weighted_upstreams: [{ upstream: to(b) }] },
      { match: [{ vars: [] }], weighted_upstreams: [{ upstream: to(c) }] },
    ]);
    assert.equal(await went(1, "/?id=b"), "b");
    assert.equal(await went(1, "/?id=a"), "c");
    await split([{ match: [], weighted_upstreams: [{ upstream: to(c) }] }]);
    assert.equal(await went(1), "c");
  });

  it("a rule without match is for everything that those before it leave", async () => {
    await split([
      { match: [{ vars: [["arg_a", "==", "1"]] }], weighted_upstreams: [{ upstream: to(b) }] },
      { weighted_upstreams: [{ upstream: to(c) }] },
    ]);
    assert.equal(await went(1, "/?a=1") + await went(1), "bc");
  });

  it("an inline upstream is an upstream: nodes, pass_host, upstream_host", async () => {
    await split([{
      weighted_upstreams: [{ upstream: to(b, { pass_host: "rewrite", upstream_host: "rewritten.test" }) }],
    }]);
    assert.equal((await gateway.send()).text, "b rewritten.test");
    await split([{
      weighted_upstreams: [{
        upstream: {
          type: "roundrobin",
          nodes: [b, c].map(({ port }) => ({ host: "127.0.0.1", port, weight: 1 })),
        },
      }],
    }]);
    assert.match(await went(4), /^(bc){2}$|^(cb){2}$/);
  });

  it("a route needs no upstream of its own where the plugin chooses one", async () => {
    const plugins = { "traffic-split": { rules: [{ weighted_upstreams: [{ upstream: to(b) }] }] } };
    await gateway.route({}, { "routes/1": { uri: "/*", plugins } });
    assert.equal(await went(1), "b");
  });

  it("an upstream by id follows its changes; a missing one is 502 for what would go there, and is told", async () => {
    await split([{ weighted_upstreams: [{ upstream_id: 7 }, { weight: 1 }] }], { "upstreams/7": to(b) });
    assert.equal(await went(2), "ba");
    await gateway.put({ "upstreams/7": to(c) });
    assert.equal(await went(2), "ca");
    await gateway.put({ "upstreams/7": undefined });
    const statuses = [(await gateway.send()).status, (await gateway.send()).status];
    assert.deepEqual(statuses, [502, 200]);
    assert.equal(gateway.keyStatus("routes/1").state, "pending");
    assert.match(gateway.issues("routes/1").join(), /^plugins\.traffic-split.*upstream.*7/);
    await gateway.put({ "upstreams/7": to(b) });
    assert.equal(await went(2), "ba");
  });

  it("lets go of inline upstreams with their route", async () => {
    await split([{ weighted_upstreams: [{ upstream: to(b) }, { upstream: to(c) }] }]);
    const inline = () => gateway.gateway.upstreams().filter(({ id }) => id.startsWith("traffic-split")).length;
    assert.equal(inline(), 2);
    await split([{ weighted_upstreams: [{ upstream: to(b) }] }]);
    assert.equal(inline(), 1);
    await gateway.put({ "routes/1": undefined });
    assert.equal(inline(), 0);
  });

  it("a route's split goes before a global rule's", async () => {
    const rule = (origin: EchoOrigin) => ({
      plugins: { "traffic-split": { rules: [{ weighted_upstreams: [{ upstream: to(origin) }] }] } },
    });
    await gateway.route(rule(b).plugins, { "global_rules/1": rule(c) });
    assert.equal(await went(1), "b");
    await gateway.put({ "routes/2": { uri: "/two", upstream: gateway.upstream } });
    assert.equal(await went(1, "/two"), "c");
    await gateway.put({
      "routes/1": { uri: "/*", upstream: gateway.upstream, plugins: { "traffic-split": { rules: [{}] } } },
    });
    assert.equal(await went(1), "a", "the route's own");
    await gateway.put({ "global_rules/1": undefined });
  });

  const wrong: readonly [string, unknown, RegExp][] = [
    ["rules", "all", /^rules: must be an array/],
    ["match", [{ match: "all" }], /^rules\[0\]\.match: must be an array/],
    ["vars", [{ match: [{}] }], /^rules\[0\]\.match\[0\]\.vars: is required$/],
    ["operator", [{ match: [{ vars: [["arg_a", "123", "1"]] }] }], /^rules\[0\]\.match\[0\]\.vars\[0\].*123/],
    ["no upstream", [{ weighted_upstreams: [] }], /^rules\[0\]\.weighted_upstreams: must have 1 to 20 upstreams/],
    [
      "too many",
      [{ weighted_upstreams: Array.from({ length: 21 }, () => ({})) }],
      /^rules\[0\]\.weighted_upstreams: must have 1 to 20 upstreams/,
    ],
    [
      "weight",
      [{ weighted_upstreams: [{ weight: -1 }] }],
      /^rules\[0\]\.weighted_upstreams\[0\]\.weight: must be an integer of at least 0, is -1$/,
    ],
    [
      "upstream",
      [{ weighted_upstreams: [{ upstream: { type: "random", nodes: {} } }] }],
      /^rules\[0\]\.weighted_upstreams\[0\]\.upstream\.type: must be one of/,
    ],
    [
      "nodes",
      [{ weighted_upstreams: [{ upstream: {} }] }],
      /^rules\[0\]\.weighted_upstreams\[0\]\.upstream: must have either nodes/,
    ],
    [
      "scheme",
      [{ weighted_upstreams: [{ upstream: { nodes: {}, scheme: "udp" } }] }],
      /^rules\[0\]\.weighted_upstreams\[0\]\.upstream: has scheme, which must be one of http, https, grpc, grpcs, is "?udp"?$/,
    ],
    [
      "both",
      [{ weighted_upstreams: [{ upstream_id: "1", upstream: { nodes: {} } }] }],
      /^rules\[0\]\.weighted_upstreams\[0\]\.upstream_id: must not be there beside upstream$/,
    ],
  ];
  for (const [what, rules, issue] of wrong) {
    it(`refuses a wrong configuration: ${what}`, async () => {
      const { state, issues } = await refusal(gateway, "traffic-split", { rules });
      assert.equal(state, "rejected");
      assert.match(issues[0] ?? "", issue);
    });
  }
});

// Global rules whose secrets do not resolve: nothing is served without what they ask for.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type GatewayAnswer, type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { until } from "../support/until.ts";

const VAULT = { uri: "http://127.0.0.1:1", prefix: "kv", token: "t" };
const allow = (range: string): object => ({ plugins: { "ip-restriction": { whitelist: [range] } } });
const RULE = allow("$secret://vault/1/net/allowed");

function isRefusal(answer: GatewayAnswer): boolean {
  return answer.status === 503 && answer.header("x-gatewatch-error") === "missing_reference";
}

describe("a global rule whose secrets do not resolve", () => {
  let gateway: PluginGateway;
  /** What the manager holds; undefined while it is away. */
  let held: string | undefined;

  before(async () => {
    gateway = await startPluginGateway({
      secrets: {
        secret: () => held === undefined ? Promise.reject(new Error("status 503")) : Promise.resolve(held),
        env: () => undefined,
        refreshMs: 30,
      },
    });
  });
  after(() => gateway?.close());

  /** A route without plugins, one with, and the rules. */
  async function serve(rules: Readonly<Record<string, object>>): Promise<void> {
    const { upstream } = gateway;
    await gateway.put({ "secrets/vault/1": undefined, "global_rules/1": undefined, "global_rules/2": undefined });
    await gateway.put({
      "secrets/vault/1": VAULT,
      "routes/1": { uri: "/plain", upstream },
      "routes/2": { uri: "/keyed", plugins: { "proxy-rewrite": { headers: { set: { "X-A": "1" } } } }, upstream },
      ...rules,
    });
  }

  it("refuses every request, that of no route as well, until they do", async () => {
    held = undefined;
    await serve({ "global_rules/1": RULE });
    const before = gateway.origin.seen.length;
    for (const target of ["/plain", "/keyed", "/no-route"]) assert.ok(isRefusal(await gateway.send(target)), target);
    assert.equal(gateway.origin.seen.length, before);
    assert.equal(gateway.keyStatus("global_rules/1").state, "pending");
    assert.match(gateway.issues("global_rules/1").join(), /^plugins.ip-restriction.whitelist\[0\]: .*status 503/);

    held = "127.0.0.0/8";
    await until(async () => (await gateway.send("/plain")).status === 200, { what: "the rule heals" });
    assert.equal((await gateway.send("/no-route")).status, 404);
    assert.equal(gateway.keyStatus("global_rules/1").state, "active");
  });

  it("goes on as it was where it was whole before", async () => {
    held = "127.0.0.0/8";
    await serve({ "global_rules/1": RULE });
    assert.equal((await gateway.send("/plain")).status, 200);
    await gateway.put({ "global_rules/1": allow("$ENV://NOT_SET") });
    assert.equal(gateway.keyStatus("global_rules/1").state, "stale");
    assert.equal((await gateway.send("/plain")).status, 200);
    await gateway.put({ "global_rules/1": allow("10.0.0.0/8") });
    assert.equal((await gateway.send("/plain")).status, 403);
  });

  it("refuses where a variable is not set, until the rule is deleted", async () => {
    await serve({ "global_rules/1": allow("$ENV://NOT_SET") });
    assert.ok(isRefusal(await gateway.send("/plain")));
    assert.equal(gateway.keyStatus("global_rules/1").state, "pending");
    await gateway.put({ "global_rules/1": undefined });
    assert.equal((await gateway.send("/plain")).status, 200);
  });

  it("leaves the other rules around the refusal, and no other access to ask", async () => {
    held = undefined;
    // Another secret than above, whose last known value would do.
    await serve({
      "global_rules/1": allow("$secret://vault/1/net/never-had"),
      "global_rules/2": {
        plugins: { cors: { allow_origins: "http://a.test" }, "consumer-restriction": { whitelist: ["x"] } },
      },
    });
    const answer = await gateway.send("/plain", { headers: { Origin: "http://a.test" } });
    assert.ok(isRefusal(answer));
    assert.equal(answer.header("access-control-allow-origin"), "http://a.test");
    const told = await gateway.gateway.explain({ method: "GET", url: "http://localhost/plain" });
    assert.deepEqual([told.answer?.status, told.answer?.code, told.upstream], [503, "missing_reference", null]);
    assert.deepEqual(told.plugins.map(({ name }) => name), ["cors"]);
    assert.equal(told.routing.winner?.id, "1");
  });

  it("is nothing that other mistakes lead to: a rule that never was good does not run, as in APISIX", async () => {
    await serve({ "global_rules/1": { plugins: { "ip-restriction": { whitelist: 1 } } } });
    assert.equal(gateway.keyStatus("global_rules/1").state, "rejected");
    assert.equal((await gateway.send("/plain")).status, 200);
  });
});

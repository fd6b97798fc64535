import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Secret } from "../../../src/config/secret.ts";
import { isUnresolved } from "../../../src/config/load.ts";
import { catalogue } from "../config/values.ts";
import { createFixture, type Fixture, summary } from "./fixture.ts";

const vault = (token: string): unknown => ({ uri: "http://127.0.0.1:1", prefix: "kv", token });
const jack = (key: string): unknown => ({ username: "jack", plugins: { "key-auth": { key } } });
const keyOf = ({ store }: Fixture): unknown =>
  (store.get("consumer", "jack")?.plugins?.["key-auth"]?.config as { key: string } | undefined)?.key;

/** Each manager's secrets are its token; a token of `down` is an outage. */
function createVault(): Fixture {
  const secret = (_: unknown, manager: Secret): Promise<string> => {
    const { token } = manager as { token: string };
    return token === "down" ? Promise.reject(new Error("503")) : Promise.resolve(token);
  };
  return createFixture({ load: { plugins: catalogue, secrets: { secret } } });
}

describe("secrets in the store", () => {
  it("resolve with a manager of the same batch, in either order", async () => {
    const fixture = createVault();
    await fixture.write({ "consumers/jack": jack("$secret://vault/1/k"), "secrets/vault/1": vault("t1") });
    strictEqual(keyOf(fixture), "t1");
    strictEqual(fixture.state("consumers/jack"), "active");
  });

  it("are resolved again when their manager comes, changes, or goes", async () => {
    const fixture = createVault();
    await fixture.write({ "consumers/jack": jack("$secret://vault/1/k"), "consumers/joe": { username: "joe" } });
    strictEqual(fixture.state("consumers/jack"), "rejected plugins.key-auth.key");
    deepStrictEqual(summary(await fixture.write({ "secrets/vault/1": vault("t1") })).sort(), [
      "+consumer/jack",
      "+secret/vault/1",
    ]);
    strictEqual(keyOf(fixture), "t1");
    await fixture.write({ "secrets/vault/1": vault("t2") });
    strictEqual(keyOf(fixture), "t2");
    await fixture.write({ "secrets/vault/1": null });
    deepStrictEqual([fixture.state("consumers/jack"), keyOf(fixture)], ["stale plugins.key-auth.key", "t2"]);
    await fixture.write({ "secrets/vault/1": vault("t3") });
    deepStrictEqual([fixture.state("consumers/jack"), keyOf(fixture)], ["active", "t3"]);
    deepStrictEqual(summary(await fixture.write({ "secrets/vault/2": vault("x") })), ["+secret/vault/2"]);
  });

  it("are tried again when the same value is stored anew after an outage", async () => {
    let down = true;
    const fixture = createFixture({
      load: {
        plugins: catalogue,
        secrets: { secret: () => down ? Promise.reject(new Error("503")) : Promise.resolve("k") },
      },
    });
    await fixture.write({ "secrets/vault/1": vault("t"), "consumers/jack": jack("$secret://vault/1/k") });
    strictEqual(fixture.state("consumers/jack"), "rejected plugins.key-auth.key");
    down = false;
    await fixture.write({ "consumers/jack": jack("$secret://vault/1/k") });
    deepStrictEqual([fixture.state("consumers/jack"), keyOf(fixture)], ["active", "k"]);
  });

  it("are forgotten with the key, or with a value that has none", async () => {
    const fixture = createVault();
    await fixture.write({ "secrets/vault/1": vault("t1"), "consumers/jack": jack("$secret://vault/1/k") });
    await fixture.write({ "consumers/jack": jack("plain") });
    deepStrictEqual(summary(await fixture.write({ "secrets/vault/1": vault("t2") })), ["~secret/vault/1"]);
    strictEqual(keyOf(fixture), "plain");
    await fixture.write({ "consumers/jack": jack("$secret://vault/1/k") });
    await fixture.write({ "consumers/jack": null });
    deepStrictEqual(summary(await fixture.write({ "secrets/vault/1": vault("t3") })), ["~secret/vault/1"]);
    strictEqual(fixture.store.get("consumer", "jack"), undefined);
  });

  it("never show in a status", async () => {
    const fixture = createVault();
    await fixture.write({ "secrets/vault/1": vault("hunter2"), "consumers/jack": jack("$secret://vault/1/k") });
    strictEqual(keyOf(fixture), "hunter2");
    await fixture.write({ "secrets/vault/1": vault("down") });
    ok(!JSON.stringify([...fixture.store.keys()]).includes("hunter2"));
    ok(JSON.stringify([...fixture.store.keys()]).includes("503"));
  });
});

describe("a route whose secrets do not resolve", () => {
  const secret = (_: unknown, manager: Secret): Promise<string> => {
    const { token } = manager as { token: string };
    return token === "down" ? Promise.reject(new Error("503")) : Promise.resolve(token);
  };
  const fixtureOf = (): Fixture => createFixture({ load: { plugins: catalogue, secrets: { secret } } });
  const guarded = (uri: string): unknown => ({
    uri,
    upstream: { nodes: { "127.0.0.1:80": 1 } },
    plugins: { "key-auth": { key: "$secret://vault/1/k" } },
  });

  it("is there in outline, so that no wider route gets its requests", async () => {
    const fixture = fixtureOf();
    await fixture.write({ "secrets/vault/1": vault("down"), "routes/1": guarded("/a") });
    const route = fixture.store.get("route", "1")!;
    deepStrictEqual([route.uri, Object.keys(route.plugins ?? {}), route.upstream], ["/a", [], undefined]);
    ok(isUnresolved(route));
    strictEqual(fixture.state("routes/1"), "pending plugins.key-auth.key");
    await fixture.write({ "secrets/vault/1": vault("t") });
    ok(!isUnresolved(fixture.store.get("route", "1")!));
    strictEqual(fixture.state("routes/1"), "active");
  });

  it("stays as it was where it was whole before", async () => {
    const fixture = fixtureOf();
    await fixture.write({ "secrets/vault/1": vault("t"), "routes/1": guarded("/a") });
    await fixture.write({ "secrets/vault/1": vault("down"), "routes/1": guarded("/b") });
    strictEqual(fixture.store.get("route", "1")?.uri, "/a");
    strictEqual(fixture.state("routes/1"), "stale plugins.key-auth.key");
  });

  it("is rejected where it is wrong besides", async () => {
    const fixture = fixtureOf();
    await fixture.write({
      "secrets/vault/1": vault("down"),
      "routes/1": { ...guarded("/a") as object, priority: "x" },
    });
    strictEqual(fixture.state("routes/1"), "rejected plugins.key-auth.key");
  });

  it("is read again when it is asked for, under the revision that is served", async () => {
    const fixture = fixtureOf();
    strictEqual(await fixture.store.reread(() => true), undefined);
    await fixture.write({ "secrets/vault/1": vault("t"), "routes/1": guarded("/a"), "routes/2": { uri: "/b" } });
    strictEqual(await fixture.store.reread(() => false), undefined);
    const delta = await fixture.store.reread(({ fetched }) => fetched.has("vault/1/k"));
    deepStrictEqual([delta?.revision, summary(delta!)], [1, ["~route/1"]]);
  });
});

describe("a global rule whose secrets do not resolve", () => {
  const rule = (key: string): unknown => ({ plugins: { "key-auth": { key } } });
  const namesOf = ({ store }: Fixture): string[] => Object.keys(store.get("global_rule", "1")?.plugins ?? {});

  it("is there in outline only, until they do", async () => {
    const fixture = createVault();
    await fixture.write({ "secrets/vault/1": vault("down"), "global_rules/1": rule("$secret://vault/1/k") });
    ok(isUnresolved(fixture.store.get("global_rule", "1")!));
    deepStrictEqual(namesOf(fixture), []);
    strictEqual(fixture.state("global_rules/1"), "pending plugins.key-auth.key");
    const healed = await fixture.write({ "secrets/vault/1": vault("t") });
    deepStrictEqual(summary(healed).sort(), ["~global_rule/1", "~secret/vault/1"]);
    ok(!isUnresolved(fixture.store.get("global_rule", "1")!));
    deepStrictEqual([fixture.state("global_rules/1"), namesOf(fixture)], ["active", ["key-auth"]]);
  });

  it("stays as it was where it was whole before", async () => {
    const fixture = createVault();
    await fixture.write({ "secrets/vault/1": vault("t"), "global_rules/1": rule("$secret://vault/1/k") });
    await fixture.write({ "secrets/vault/1": vault("down") });
    deepStrictEqual([fixture.state("global_rules/1"), namesOf(fixture)], ["stale plugins.key-auth.key", ["key-auth"]]);
  });

  it("keeps its outline beside another rule of the same plugin", async () => {
    const fixture = createVault();
    await fixture.write({
      "secrets/vault/1": vault("down"),
      "global_rules/1": rule("$secret://vault/1/k"),
      "global_rules/2": rule("plain"),
    });
    ok(isUnresolved(fixture.store.get("global_rule", "1")!));
    await fixture.write({ "secrets/vault/1": vault("t") });
    deepStrictEqual([fixture.state("global_rules/1"), namesOf(fixture)], ["active", []]);
    ok(!isUnresolved(fixture.store.get("global_rule", "1")!));
  });
});

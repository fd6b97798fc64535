import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { createFixture, route, summary, upstream } from "./fixture.ts";

const lua = route({ filter_func: "function() return true end" });

describe("key states", () => {
  it("active: the value is served", async () => {
    const { write, status } = createFixture({ prefix: "/gatewatch/", now: () => Date.UTC(2024, 0, 2) });
    await write({ "upstreams/u": { ...upstream() as object, x: 1 } });
    deepStrictEqual(status("/gatewatch/upstreams/u"), {
      key: "/gatewatch/upstreams/u",
      kind: "upstream",
      id: "u",
      revision: 1,
      state: "active",
      issues: [],
      warnings: [{ path: "x", message: "is not a known field; it is kept and has no effect" }],
      since: "2024-01-02T00:00:00.000Z",
    });
  });

  it("rejected, unsupported: nothing is served", async () => {
    const { store, write, state, status } = createFixture();
    const delta = await write({
      "routes/1": { uri: 1, upstream_id: "u" },
      "routes/2": lua,
      "foo/1": "{}",
      "routes/..": "{}",
    });
    deepStrictEqual(delta.changes, []);
    strictEqual(state("routes/1"), "rejected uri");
    strictEqual(state("routes/2"), "unsupported filter_func");
    deepStrictEqual([status("foo/1")?.kind, state("foo/1")], ["unknown", "rejected"]);
    strictEqual(state("routes/.."), "rejected");
    strictEqual(store.get("route", "1"), undefined);
    deepStrictEqual(delta.transitions.map(({ key }) => key), ["routes/1", "routes/2", "foo/1", "routes/.."]);
    await write({ "routes/1": null, "foo/1": null, "routes/..": null });
    deepStrictEqual([...store.keys()].map(({ key }) => key), ["routes/2"]);
  });

  it("stale: the last good value is served, whatever is wrong with the new one", async () => {
    for (
      const value of ["{uri:/a}", { uri: 1 }, lua, new Uint8Array([0xff]), "x".repeat(300_000), "[".repeat(50_000)]
    ) {
      const { store, write, status } = createFixture();
      await write({ "upstreams/u": upstream(), "routes/1": route() });
      const good = store.get("route", "1");
      const delta = await write({ "routes/1": value });
      deepStrictEqual(delta.changes, []);
      deepStrictEqual(delta.transitions.map(({ key, state }) => [key, state]), [["routes/1", "stale"]]);
      strictEqual(store.get("route", "1"), good);
      strictEqual(status("routes/1")?.state, "stale");
      strictEqual(status("routes/1")?.revision, 2);
      ok((status("routes/1")?.issues.length ?? 0) > 0);
      deepStrictEqual(summary(await write({ "routes/1": null })), ["-route/1"]);
      strictEqual(status("routes/1"), undefined);
    }
  });

  it("stale heals by a good value; by the same one without a change of what is served", async () => {
    const { store, write, state, status } = createFixture();
    await write({ "upstreams/u": upstream(1) });
    const good = store.get("upstream", "u");
    await write({ "upstreams/u": "{" });
    await write({ "upstreams/u": "[" });
    strictEqual(state("upstreams/u"), "stale");
    const healed = await write({ "upstreams/u": upstream(1) });
    deepStrictEqual(summary(healed), []);
    deepStrictEqual(healed.transitions.map(({ state }) => state), ["active"]);
    strictEqual(store.get("upstream", "u"), good);
    deepStrictEqual(status("upstreams/u")?.issues, []);
    await write({ "upstreams/u": "{" });
    deepStrictEqual(summary(await write({ "upstreams/u": upstream(2) })), ["~upstream/u"]);
    strictEqual(state("upstreams/u"), "active");
  });

  it("stale stays where a new list brings the same bad bytes again", async () => {
    const { store, write, state } = createFixture();
    await write({ "upstreams/u": upstream(1) });
    await write({ "upstreams/u": "{" });
    deepStrictEqual((await write({ "upstreams/u": "{" })).changes, []);
    strictEqual(state("upstreams/u"), "stale");
    strictEqual(store.get("upstream", "u")?.nodes?.[0]?.port, 1);
  });

  it("a bad value that becomes good is new to what is served", async () => {
    const { write, state } = createFixture();
    await write({ "upstreams/u": "{" });
    deepStrictEqual(summary(await write({ "upstreams/u": upstream() })), ["+upstream/u"]);
    strictEqual(state("upstreams/u"), "active");
  });

  it("pending: heals when what it refers to appears, and comes back when that goes", async () => {
    const { store, write, state, status } = createFixture();
    await write({ "routes/1": route({ service_id: "s", plugin_config_id: 3 }) });
    strictEqual(state("routes/1"), "pending service_id upstream_id plugin_config_id");
    strictEqual(status("routes/1")?.issues[1]?.message, 'refers to upstream "u", which is not there');
    ok(store.get("route", "1") !== undefined);
    await write({ "services/s": {}, "plugin_configs/3": { plugins: {} } });
    strictEqual(state("routes/1"), "pending upstream_id");
    const healed = await write({ "upstreams/u": upstream() });
    deepStrictEqual(summary(healed), ["+upstream/u"]);
    deepStrictEqual(healed.transitions.map(({ key, state }) => `${key} ${state}`), ["routes/1 active"]);
    strictEqual(state("routes/1"), "active");
    await write({ "upstreams/u": "{" });
    strictEqual(state("routes/1"), "active");
    await write({ "upstreams/u": null });
    strictEqual(state("routes/1"), "pending upstream_id");
  });

  it("a reference to a rejected resource is one to what is not there", async () => {
    const { write, state } = createFixture();
    await write({ "routes/1": route(), "upstreams/u": "{" });
    strictEqual(state("routes/1"), "pending upstream_id");
  });

  it("a reference within one batch is there, in either order", async () => {
    const { write, state } = createFixture();
    await write({ "routes/1": route(), "upstreams/u": upstream(), "routes/2": route() });
    deepStrictEqual([state("routes/1"), state("routes/2")], ["active", "active"]);
  });

  it("are told since when: a change of the value alone does not count", async () => {
    let now = 0;
    const { write, status } = createFixture({ now: () => now });
    const since = (): number => Date.parse(status("upstreams/u")?.since ?? "");
    now = 1000;
    await write({ "upstreams/u": upstream(1) });
    now = 2000;
    await write({ "upstreams/u": upstream(2) });
    strictEqual(since(), 1000);
    now = 3000;
    await write({ "upstreams/u": "{" });
    now = 4000;
    await write({ "upstreams/u": "[" });
    strictEqual(since(), 3000);
    now = 5000;
    await write({ "upstreams/u": upstream(2) });
    strictEqual(since(), 5000);
  });

  it("are counted and filtered", async () => {
    const { store, write } = createFixture();
    await write({
      "upstreams/u": upstream(),
      "upstreams/v": { ...upstream() as object, x: 1 },
      "routes/1": route(),
      "routes/2": lua,
      "routes/3": "{",
      "routes/4": route({ service_id: "none" }),
      "bar/1": "x",
    });
    await write({ "upstreams/v": "{" });
    deepStrictEqual(store.counts(), {
      kinds: { upstream: 2, route: 2 },
      states: { active: 2, stale: 1, pending: 1, rejected: 2, unsupported: 1 },
    });
    const keys = (filter: Parameters<typeof store.keys>[0]): string[] => [...store.keys(filter)].map(({ key }) => key);
    deepStrictEqual(keys({ kind: "route", states: ["rejected", "unsupported"] }), ["routes/2", "routes/3"]);
    deepStrictEqual(keys({ kind: "unknown" }), ["bar/1"]);
    deepStrictEqual(keys({ warned: true }), ["upstreams/v"]);
    await write({ "routes/3": null, "bar/1": null });
    strictEqual(store.counts().states.rejected, 0);
  });
});

describe("annotations", () => {
  it("add warnings by topic, survive a new value, and go with the key", async () => {
    const { store, write, status } = createFixture();
    await write({ "upstreams/u": upstream(1) });
    store.annotate("upstream", "u", "shadow", [{ path: "uri", message: "is shadowed" }]);
    store.annotate("upstream", "u", "other", [{ path: "x", message: "y" }]);
    store.annotate("upstream", "none", "other", [{ path: "x", message: "y" }]);
    await write({ "upstreams/u": upstream(2) });
    store.annotate("upstream", "u", "other", []);
    deepStrictEqual(status("upstreams/u")?.warnings, [{ path: "uri", message: "is shadowed" }]);
    strictEqual(status("upstreams/u")?.state, "active");
    await write({ "upstreams/u": null });
    await write({ "upstreams/u": upstream(2) });
    deepStrictEqual(status("upstreams/u")?.warnings, []);
  });
});

import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { Store } from "../../../src/store/store.ts";
import { createFixture, route, summary, toChanges, upstream } from "./fixture.ts";

describe("store", () => {
  it("is empty before its first batch, which may hold nothing", async () => {
    const { store, write } = createFixture();
    strictEqual(store.revision, undefined);
    const delta = await write({});
    deepStrictEqual([delta.first, delta.revision, delta.changes], [true, 1, []]);
    strictEqual(store.revision, 1);
    strictEqual((await write({})).first, false);
  });

  it("tells what was added, replaced and deleted, with both values", async () => {
    const { store, write } = createFixture();
    const added = await write({ "upstreams/u": upstream(1) });
    deepStrictEqual(summary(added), ["+upstream/u"]);
    const before = store.get("upstream", "u");
    const replaced = await write({ "upstreams/u": upstream(2) });
    deepStrictEqual(summary(replaced), ["~upstream/u"]);
    strictEqual(replaced.changes[0]?.before, before);
    strictEqual(replaced.changes[0]?.after, store.get("upstream", "u"));
    strictEqual(store.get("upstream", "u")?.nodes?.[0]?.port, 2);
    deepStrictEqual(summary(await write({ "upstreams/u": null })), ["-upstream/u"]);
    strictEqual(store.get("upstream", "u"), undefined);
    deepStrictEqual([...store.keys()], []);
    deepStrictEqual(summary(await write({ "upstreams/u": null, "routes/none": null })), []);
  });

  it("applies all changes of a batch in one turn, and calls onCommit in that turn", async () => {
    const values = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`routes/${n}`, route({ uri: `/${n}` })]));
    const sizes: number[] = [];
    let committed = -1;
    const store: Store = new Store({ onCommit: () => committed = store.size("route") });
    const watching = setInterval(() => sizes.push(store.size("route")), 0);
    await store.apply({ revision: 1, changes: toChanges(values, 1) });
    clearInterval(watching);
    strictEqual(committed, 1000);
    deepStrictEqual(sizes.filter((size) => size !== 0 && size !== 1000), []);
  });

  it("applies batches in the order in which they were given, whatever each takes to read", async () => {
    const { store, deltas } = createFixture({
      load: { secrets: { env: () => "v", secret: () => new Promise((resolve) => setTimeout(resolve, 20, "x")) } },
    });
    const secret = { uri: "http://127.0.0.1:1", prefix: "p", token: "t" };
    const slow = store.apply({
      revision: 5,
      changes: toChanges({ "secrets/vault/1": secret, "services/s": { desc: "$secret://vault/1/k" } }, 5),
    });
    const fast = store.apply({ revision: 6, changes: toChanges({ "services/s": {} }, 6) });
    await Promise.all([fast, slow]);
    deepStrictEqual(deltas.map((delta) => delta.revision), [5, 6]);
    strictEqual(store.get("service", "s")?.desc, undefined);
  });

  it("sees no change where the same bytes are stored anew, but takes their revision", async () => {
    const { write, status } = createFixture();
    await write({ "upstreams/u": upstream() });
    const delta = await write({ "upstreams/u": upstream() });
    deepStrictEqual([delta.changes, delta.transitions], [[], []]);
    strictEqual(status("upstreams/u")?.revision, 2);
  });

  it("hands over why the history was lost", async () => {
    const { store } = createFixture();
    strictEqual((await store.apply({ revision: 1, changes: [], reset: "restored" })).reset, "restored");
    ok(!("reset" in await store.apply({ revision: 2, changes: [] })));
  });

  it("goes on after onCommit threw", async () => {
    let throwing = true;
    const store = new Store({
      onCommit: () => {
        if (throwing) throw new Error("onCommit");
      },
    });
    await rejects(store.apply({ revision: 1, changes: toChanges({ "upstreams/u": upstream() }, 1) }), /onCommit/);
    throwing = false;
    deepStrictEqual(summary(await store.apply({ revision: 2, changes: toChanges({ "upstreams/v": upstream() }, 2) })), [
      "+upstream/v",
    ]);
    strictEqual(store.size("upstream"), 2);
  });

  it("lists what is served of a kind", async () => {
    const { store, write } = createFixture();
    await write({ "upstreams/b": upstream(), "upstreams/a": upstream(), "upstreams/bad": "{" });
    deepStrictEqual([...store.all("upstream")].map(({ id }) => id), ["b", "a"]);
    deepStrictEqual([...store.all("route")], []);
    strictEqual(store.size("upstream"), 2);
  });

  it("lets other work run while it reads", async () => {
    const values = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, n) => [`routes/${n}`, route({ uri: `/${n}` })]),
    );
    const store = new Store();
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    await store.apply({ revision: 1, changes: toChanges(values, 1) });
    clearInterval(counting);
    ok(turns > 2, `${turns} turns`);
    strictEqual(store.size("route"), 20_000);
  });

  it("ignores placeholders, and what others keep under the prefix", async () => {
    const { store, write } = createFixture();
    await write({ "routes/": "init_dir", "upstreams/": "init_dir", "_instances/a": "{}", gen_id: "1" });
    deepStrictEqual([...store.keys()], []);
    await write({ "routes/": "{}" });
    deepStrictEqual([...store.keys()].map(({ kind, state }) => [kind, state]), [["unknown", "rejected"]]);
    await write({ "routes/": "init_dir" });
    deepStrictEqual([...store.keys()], []);
  });
});

describe("total limit", () => {
  it("rejects what is too much, keeps what is there, and goes on with the rest", async () => {
    const { store, write, state } = createFixture({ maxTotalBytes: 2000 });
    const wide = (n: number): unknown => ({ ...upstream() as object, desc: "d".repeat(n) });
    await write({ "upstreams/a": wide(200), "upstreams/b": wide(200) });
    await write({
      "upstreams/a": wide(256),
      "upstreams/c": wide(256),
      "upstreams/d": wide(256),
      "upstreams/e": wide(200),
    });
    deepStrictEqual(["a", "b", "c", "d", "e"].map((id) => state(`upstreams/${id}`)), [
      "active",
      "active",
      "active",
      "rejected",
      "rejected",
    ]);
    await write({
      "upstreams/b": {
        ...upstream() as object,
        labels: { a: "x".repeat(250), b: "x".repeat(250), c: "y".repeat(250), d: "z".repeat(250) },
      },
    });
    strictEqual(state("upstreams/b"), "stale");
    strictEqual(store.get("upstream", "b")?.desc?.length, 200);
    await write({ "upstreams/a": null });
    await write({ "upstreams/d": wide(255) });
    strictEqual(state("upstreams/d"), "active");
  });

  it("counts many tiny keys, too", async () => {
    const { store, write } = createFixture({ maxTotalBytes: 100_000 });
    await write(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`services/${n}`, {}])));
    ok(store.size("service") < 400, String(store.size("service")));
    strictEqual(store.counts().states.rejected, 1000 - store.size("service"));
  });
});

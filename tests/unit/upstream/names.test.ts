import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createResolve } from "../../../src/runtimes/dns.ts";
import { Upstream } from "../../../src/upstream/upstream.ts";
import { FakeTimers } from "./fake-timers.ts";
import { createConfig } from "./upstream-config.ts";

function start(nodes: Record<string, number>) {
  const timers = new FakeTimers(), asked: string[] = [], released: string[] = [];
  let addresses: () => string[] = () => ["192.0.2.1", "192.0.2.2"];
  const upstream = new Upstream("1", createConfig({ nodes }), {
    release: ({ host }) => released.push(host),
    timers,
    resolve: async (name) => {
      asked.push(`${name} ${timers.now()}`);
      return await Promise.resolve({ addresses: addresses(), ttl: 5000 });
    },
  });
  const use = () => {
    const picked = upstream.pick({ key: () => undefined })!;
    picked.done({ ok: true, status: 200, ms: 1 });
    return picked.peer;
  };
  return { timers, upstream, asked, released, use, answer: (next: () => string[]) => addresses = next };
}

describe("names of nodes", () => {
  it("are looked up when first used and then after each time to live, for as long as they are used", async () => {
    const { timers, asked, use } = start({ "api.internal:80": 1, "192.0.2.9:80": 1, "[2001:db8::9]:80": 1 });
    await timers.advance(20_000);
    assert.deepEqual(asked, []);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 9; j++) use();
      await timers.advance(5000);
    }
    assert.deepEqual(asked, [20_000, 25_000, 30_000, 35_000, 40_000].map((time) => `api.internal ${time}`));
    await timers.advance(60_000);
    assert.equal(asked.length, 5);
    assert.equal(timers.pending, 0);
  });

  it("keep their connections while the addresses are the same, in whatever order", async () => {
    const { timers, released, use, answer } = start({ "api.internal:80": 1 });
    const peer = use();
    await timers.advance(5000);
    answer(() => ["192.0.2.2", "192.0.2.1"]);
    for (let i = 0; i < 3; i++) {
      assert.equal(use(), peer);
      await timers.advance(5000);
    }
    assert.deepEqual(released, []);
  });

  it("get new connections when the addresses change, and let the old ones end their requests", async () => {
    const { timers, released, use, answer, upstream } = start({ "api.internal:80": 1 });
    const peer = use();
    const long = upstream.pick({ key: () => undefined })!;
    assert.equal(long.peer, peer);
    await timers.advance(0);
    answer(() => ["192.0.2.1", "192.0.2.3"]);
    use();
    await timers.advance(5000);
    const next = use();
    assert.notEqual(next, peer);
    assert.deepEqual([next.host, next.port], ["api.internal", 80]);
    assert.deepEqual(released, []);
    long.done({ ok: true, status: 200, ms: 1 });
    assert.deepEqual(released, ["api.internal"]);
  });

  it("notice a change that fell into a time without use", async () => {
    const { timers, use, answer } = start({ "api.internal:80": 1 });
    const peer = use();
    await timers.advance(100_000);
    answer(() => ["192.0.2.7"]);
    use();
    await timers.advance(0);
    assert.notEqual(use(), peer);
  });

  it("keep their connections while the name server fails, and ask it again", async () => {
    const { timers, use, answer, asked } = start({ "api.internal:80": 1 });
    const peer = use();
    await timers.advance(5000);
    answer(() => {
      throw new Error("SERVFAIL");
    });
    for (let i = 0; i < 4; i++) {
      assert.equal(use(), peer);
      await timers.advance(10_000);
    }
    assert.ok(asked.length >= 4);
  });

  it("are asked for no more once their node or upstream is gone", async () => {
    const { timers, upstream, use, asked } = start({ "api.internal:80": 1 });
    use();
    await timers.advance(1000);
    use();
    upstream.close();
    await timers.advance(60_000);
    assert.equal(asked.length, 1);
    assert.equal(timers.pending, 0);
  });
});

describe("createResolve", () => {
  it("looks names up by the system's resolver", async () => {
    const { addresses, ttl } = await createResolve()("localhost");
    assert.ok(addresses.includes("127.0.0.1") || addresses.includes("::1"), addresses.join(" "));
    assert.ok(ttl > 9000 && ttl <= 10_000);
  });

  it("rejects where a name cannot be found, and asks again then", async () => {
    let asked = 0;
    const resolve = createResolve({ lookup: () => Promise.reject(new Error(`not found ${++asked}`)) });
    await assert.rejects(resolve("nowhere"), /not found 1/);
    await assert.rejects(resolve("nowhere"), /not found 2/);
  });

  it("shares one answer between all who ask within its time to live", async () => {
    let now = 0, asked = 0;
    const resolve = createResolve({
      ttl: 1000,
      now: () => now,
      lookup: () => Promise.resolve([{ address: `192.0.2.${++asked}` }]),
    });
    const all = await Promise.all([resolve("a"), resolve("a"), resolve("b")]);
    assert.deepEqual(all.map(({ addresses }) => addresses[0]), ["192.0.2.1", "192.0.2.1", "192.0.2.2"]);
    now = 400;
    assert.deepEqual(await resolve("a"), { addresses: ["192.0.2.1"], ttl: 600 });
    now = 1000;
    assert.deepEqual(await resolve("a"), { addresses: ["192.0.2.3"], ttl: 1000 });
  });
});

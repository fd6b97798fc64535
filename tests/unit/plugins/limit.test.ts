// The counters of limit-count, limit-req and limit-conn in one process, on a clock of the test's own.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ExpiringMap } from "../../../src/plugins/_limit/expiring-map.ts";
import { createLocalConnections } from "../../../src/plugins/_limit-conn/connections.ts";
import { createLocalCounter } from "../../../src/plugins/_limit-count/local.ts";
import { createLocalBuckets } from "../../../src/plugins/_limit-req/bucket.ts";

describe("ExpiringMap", () => {
  it("does not tell what has ended", () => {
    const map = new ExpiringMap<{ expires: number }>();
    map.set("a", { expires: 10 }, 0);
    assert.deepEqual(map.get("a", 9), { expires: 10 });
    assert.equal(map.get("a", 10), undefined);
  });

  it("drops what has ended while it is used, without a timer", () => {
    const map = new ExpiringMap<{ expires: number }>();
    for (let i = 0; i < 10_000; i++) map.set(`old ${i}`, { expires: 10 }, 0);
    map.set("lasting", { expires: 1e9 }, 0);
    assert.equal(map.size, 10_001);
    for (let i = 0; i < 6_000; i++) map.get("other", 20);
    assert.equal(map.size, 1);
    assert.ok(map.get("lasting", 20));
  });

  it("stays small where each key is used once, and tells nobody", () => {
    let told = 0, most = 0;
    const map = new ExpiringMap<{ expires: number }>(() => told++);
    for (let now = 0; now < 100_000; now++) {
      if (map.get(`key ${now}`, now) === undefined) map.set(`key ${now}`, { expires: now + 100 }, now);
      most = Math.max(most, map.size);
    }
    assert.ok(most < 400, `${most} entries for 100 that live`);
    assert.equal(told, 0);
  });

  it("keeps to its room, the oldest making it, and tells so", () => {
    let told = 0;
    const map = new ExpiringMap<{ expires: number }>(() => told++, 10 * 104);
    for (let i = 0; i < 25; i++) map.set(`k ${String(i).padStart(2, "0")}`, { expires: 1e9 }, 0);
    assert.equal(map.size, 10);
    assert.equal(told, 15);
    assert.equal(map.get("k 14", 1), undefined);
    assert.ok(map.get("k 15", 1));
    map.set("x".repeat(5000), { expires: 1e9 }, 0);
    assert.equal(map.size, 1, "one entry that is larger than the room stands alone");
  });
});

describe("limit-count's counter of one process", () => {
  it("fixed: counts a window from a key's first request, and begins anew after it", () => {
    let now = 5_000;
    const counter = createLocalCounter("fixed", { now: () => now });
    assert.deepEqual(counter.take("a", 2, 60_000), { allowed: true, remaining: 1, reset: 60 });
    now += 1_234;
    assert.deepEqual(counter.take("a", 2, 60_000), { allowed: true, remaining: 0, reset: 58.76 });
    assert.deepEqual(counter.take("a", 2, 60_000), { allowed: false, remaining: 0, reset: 58.76 });
    assert.equal(counter.take("b", 2, 60_000).remaining, 1);
    now = 65_000;
    assert.deepEqual(counter.take("a", 2, 60_000), { allowed: true, remaining: 1, reset: 60 });
  });

  it("fixed: what is refused counts where the limit depends on the request", () => {
    const counter = createLocalCounter("fixed", { now: () => 0 });
    for (let i = 0; i < 5; i++) counter.take("a", 2, 1_000);
    assert.equal(counter.take("a", 5, 1_000).allowed, false);
    assert.deepEqual(counter.take("a", 10, 1_000), { allowed: true, remaining: 3, reset: 1 });
  });

  it("sliding: weighs in the window before", () => {
    let now = 10_000;
    const counter = createLocalCounter("sliding", { now: () => now });
    for (let i = 0; i < 10; i++) assert.equal(counter.take("a", 10, 10_000).allowed, true);
    assert.deepEqual(counter.take("a", 10, 10_000), { allowed: false, remaining: 0, reset: 10 });
    // Half of the next window: half of the ten before still count.
    now = 25_000;
    const passed = Array.from({ length: 10 }, () => counter.take("a", 10, 10_000)).filter(({ allowed }) => allowed);
    assert.equal(passed.length, 5);
    assert.deepEqual(passed.map(({ remaining }) => remaining), [4, 3, 2, 1, 0]);
    assert.equal(passed[0]?.reset, 5);
    // There is room again once the ten weigh less.
    assert.deepEqual(counter.take("a", 10, 10_000), { allowed: false, remaining: 0, reset: 0 });
    now = 26_000;
    assert.equal(counter.take("a", 10, 10_000).allowed, true);
    // Two windows on, nothing is left of them.
    now = 50_000;
    assert.equal(counter.take("a", 10, 10_000).remaining, 9);
  });

  it("sliding: tells when there is room again", () => {
    let now = 0;
    const counter = createLocalCounter("sliding", { now: () => now });
    for (let i = 0; i < 10; i++) counter.take("a", 10, 10_000);
    now = 10_000;
    const { allowed, reset } = counter.take("a", 10, 10_000);
    assert.equal(allowed, false);
    now += reset * 1000 + 10;
    assert.equal(counter.take("a", 10, 10_000).allowed, true);
  });

  it("forgets keys with their windows", () => {
    for (const type of ["fixed", "sliding"] as const) {
      let now = 0;
      const counter = createLocalCounter(type, { now: () => now });
      for (let i = 0; i < 1_000; i++) counter.take(`key ${i}`, 1, 1_000);
      assert.equal(counter.size, 1_000);
      now = 2_000;
      for (let i = 0; i < 600; i++) counter.take("other", 1, 1_000);
      assert.equal(counter.size, 1, type);
    }
  });
});

describe("limit-req's buckets of one process", () => {
  it("let the first through, hold back up to burst, refuse what is above", () => {
    let now = 0;
    const buckets = createLocalBuckets({ rate: 2, burst: 3 }, { now: () => now });
    assert.deepEqual(Array.from({ length: 6 }, () => buckets.put("a")), [0, 500, 1000, 1500, undefined, undefined]);
    assert.equal(buckets.put("b"), 0);
    now = 500;
    assert.equal(buckets.put("a"), 1500);
    assert.equal(buckets.put("a"), undefined);
    now = 60_000;
    assert.equal(buckets.put("a"), 0);
  });

  it("keep to rates below one a second", () => {
    let now = 0;
    const buckets = createLocalBuckets({ rate: 0.1, burst: 0 }, { now: () => now });
    assert.equal(buckets.put("a"), 0);
    now = 9_000;
    assert.equal(buckets.put("a"), undefined);
    now = 10_000;
    assert.equal(buckets.put("a"), 0);
  });

  it("forget keys once they have leaked", () => {
    let now = 0;
    const buckets = createLocalBuckets({ rate: 10, burst: 5 }, { now: () => now });
    for (let i = 0; i < 1_000; i++) buckets.put(`key ${i}`);
    now = 1_000;
    for (let i = 0; i < 600; i++) buckets.put("other");
    assert.equal(buckets.size, 1);
  });
});

describe("limit-conn's count of one process", () => {
  it("has so many places a key, and keeps a key only while one is taken", () => {
    const connections = createLocalConnections();
    const first = connections.enter("a", 2);
    const second = connections.enter("a", 2);
    assert.deepEqual([first?.count, second?.count], [1, 2]);
    assert.equal(connections.enter("a", 2), undefined);
    assert.equal(connections.enter("b", 2)?.count, 1);
    first?.leave();
    const third = connections.enter("a", 2);
    assert.equal(third?.count, 2);
    second?.leave();
    third?.leave();
    assert.equal(connections.size, 1);
  });
});

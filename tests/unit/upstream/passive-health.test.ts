import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCode } from "../../../src/errors.ts";
import { type HealthEvent, Upstream } from "../../../src/upstream/upstream.ts";
import { FakeTimers } from "./fake-timers.ts";
import { createConfig } from "./upstream-config.ts";

const passive = {
  healthy: { successes: 2 },
  unhealthy: { http_statuses: [500, 503], http_failures: 3, tcp_failures: 2, timeouts: 2 },
};

function start(written: Record<string, unknown> = {}) {
  const timers = new FakeTimers(), events: HealthEvent[] = [];
  const config = createConfig({ checks: { passive }, ...written });
  const upstream = new Upstream("1", config, {
    release: () => {},
    timers,
    healthChanged: (_, event) => events.push(event),
  });
  const pick = () => upstream.pick({ key: () => undefined })!;
  /** Sends one request to the node named `host`, whosever turn it is, and ends it. */
  const request = (host: string, end: number | ErrorCode) => {
    const others = new Set<ReturnType<typeof pick>["node"]>();
    for (;;) {
      const picked = upstream.pick({ key: () => undefined, exclude: others });
      assert.ok(picked !== undefined, `${host} is not picked`);
      if (picked.host !== host) {
        others.add(picked.node);
        picked.done({ ok: false, code: "client_gone", ms: 1 });
        continue;
      }
      return picked.done(typeof end === "number" ? { ok: true, status: end, ms: 1 } : { ok: false, code: end, ms: 1 });
    }
  };
  /** The hosts that 30 picks in a row go to. */
  const used = () => {
    const picks = Array.from({ length: 30 }, pick);
    const hosts = [...new Set(picks.map((picked) => picked.host))].sort().join("");
    for (const picked of picks) picked.done({ ok: false, code: "client_gone", ms: 1 });
    return hosts;
  };
  const node = (host: string) => upstream.snapshot().nodes.find((each) => each.node === `${host}:80`)!;
  return { timers, upstream, events, request, used, node, config };
}

describe("passive health checks alone", () => {
  for (
    const [what, end, limit] of [
      ["statuses of the unhealthy list", 503, 3],
      ["refused connections", "connect_refused", 2],
      ["connections that were reset", "reset", 2],
      ["answers that are not HTTP", "bad_answer", 2],
      ["answers that do not come", "read_timeout", 2],
      ["connections that do not come", "connect_timeout", 2],
    ] as const
  ) {
    it(`takes a node out after ${limit} ${what} in a row`, () => {
      const { request, used, node } = start();
      for (let i = 1; i < limit; i++) request("b", end);
      assert.equal(used(), "abc");
      assert.equal(node("b").health?.state, "mostly_healthy");
      request("b", end);
      assert.equal(used(), "ac");
      assert.equal(node("b").health?.state, "unhealthy");
      assert.equal(node("b").use, "closed");
    });
  }

  it("is not moved by statuses of neither list, nor by clients that go", () => {
    const { request, used } = start();
    for (let i = 0; i < 10; i++) for (const end of [404, 502, "client_gone"] as const) request("b", end);
    assert.equal(used(), "abc");
  });

  it("lets a success clear the failures", () => {
    const { request, used } = start();
    for (let i = 0; i < 5; i++) for (const end of [503, 503, "reset", 200] as const) request("b", end);
    assert.equal(used(), "abc");
  });

  it("judges by the head of an answer, and by a body that is cut", () => {
    const { upstream, used } = start({ nodes: { "b:80": 1 } });
    for (let i = 0; i < 2; i++) {
      const picked = upstream.pick({ key: () => undefined })!;
      picked.answered(503, 5);
      picked.done({ ok: true, status: 503, ms: 5 });
    }
    assert.equal(upstream.snapshot().nodes[0]!.health?.counters.http_failure, 2);
    const picked = upstream.pick({ key: () => undefined })!;
    picked.answered(200, 5);
    assert.equal(upstream.snapshot().nodes[0]!.health?.counters.http_failure, 0);
    picked.done({ ok: false, code: "reset", ms: 5 });
    assert.equal(upstream.snapshot().nodes[0]!.health?.counters.tcp_failure, 1);
    assert.equal(used(), "b");
  });

  it("says why and since when", async () => {
    const { request, node, timers, events } = start();
    await timers.advance(5000);
    for (let i = 0; i < 3; i++) request("b", 503);
    assert.deepEqual(node("b").health, {
      state: "unhealthy",
      reason: "passive: status 503, 3 of 3",
      since: "2030-01-01T00:00:05.000Z",
      counters: { success: 0, http_failure: 3, tcp_failure: 0, timeout: 0 },
    });
    assert.deepEqual(events.map(({ node, before, state }) => [node, before, state]), [
      ["b:80", "healthy", "mostly_healthy"],
      ["b:80", "mostly_healthy", "unhealthy"],
    ]);
  });

  it("tries a closed node after ten seconds, one request at a time, and opens it after enough successes", async () => {
    const { request, used, node, timers, upstream } = start();
    for (let i = 0; i < 2; i++) request("b", "reset");
    await timers.advance(9999);
    assert.equal(used(), "ac");
    await timers.advance(1);
    assert.equal(node("b").use, "trial");
    const picks = Array.from({ length: 30 }, () => upstream.pick({ key: () => undefined })!);
    const trials = picks.filter((picked) => picked.host === "b");
    assert.equal(trials.length, 1);
    for (const picked of picks) picked.done({ ok: true, status: 200, ms: 1 });
    assert.equal(node("b").health?.state, "mostly_unhealthy");
    request("b", 200);
    assert.equal(node("b").health?.state, "healthy");
    assert.equal(node("b").use, "open");
    assert.equal(used(), "abc");
    assert.equal(timers.pending, 0);
  });

  it("frees the trial where it was ended by the client", async () => {
    const { request, node, timers } = start();
    for (let i = 0; i < 2; i++) request("b", "reset");
    await timers.advance(10_000);
    request("b", "client_gone");
    request("b", 200);
    request("b", 200);
    assert.equal(node("b").use, "open");
  });

  it("closes a node again by a trial that fails, for twice as long each time, up to a minute", async () => {
    const { request, node, timers } = start();
    for (let i = 0; i < 2; i++) request("b", "reset");
    for (const wait of [10_000, 20_000, 40_000, 60_000, 60_000]) {
      await timers.advance(wait - 1);
      assert.equal(node("b").use, "closed");
      await timers.advance(1);
      assert.equal(node("b").use, "trial");
      request("b", "connect_refused");
      assert.equal(node("b").use, "closed");
    }
  });

  it("ends a trial by one success where successes do not count", async () => {
    const { request, node, timers } = start({ checks: { passive: { ...passive, healthy: { successes: 0 } } } });
    for (let i = 0; i < 2; i++) request("b", "reset");
    await timers.advance(10_000);
    request("b", 200);
    assert.equal(node("b").use, "open");
  });

  it("uses all nodes where all are unhealthy, and the first one that recovers alone", () => {
    const { request, used, upstream, node } = start();
    for (const host of ["a", "b", "c"]) for (let i = 0; i < 2; i++) request(host, "reset");
    assert.equal(used(), "abc");
    assert.equal(upstream.snapshot().all_unhealthy, true);
    request("c", 200);
    request("c", 200);
    assert.equal(node("c").use, "open");
    assert.equal(used(), "c");
  });

  it("keeps the state through changes that do not concern it", async () => {
    const { request, used, upstream, node, timers, config } = start();
    for (let i = 0; i < 2; i++) request("b", "reset");
    const before = node("b").health;
    await timers.advance(4000);
    upstream.update({
      ...config,
      retries: 5,
      nodes: [...config.nodes!, { host: "d", port: 80, weight: 1, priority: 0 }],
    });
    assert.deepEqual(node("b").health, before);
    assert.equal(used(), "acd");
    await timers.advance(6000);
    assert.equal(node("b").use, "trial", "the wait for the trial goes on");
    upstream.update(config);
    assert.equal(node("b").use, "trial");
  });

  it("forgets a node that goes, and everything where there are no checks any more", () => {
    const { request, used, upstream, node, timers, config } = start();
    for (const host of ["a", "b"]) for (let i = 0; i < 2; i++) request(host, "reset");
    upstream.update({ ...config, nodes: config.nodes!.filter(({ host }) => host !== "b") });
    upstream.update(config);
    assert.equal(node("b").health?.state, "healthy");
    assert.equal(used(), "bc");
    const { checks: _, ...unchecked } = config;
    upstream.update(unchecked);
    assert.equal(used(), "abc");
    assert.equal(node("a").health, undefined);
    assert.equal(timers.pending, 0);
  });

  it("does not blame a node for a certificate that does not match the client's Host", () => {
    const { request, used, upstream, config } = start({ scheme: "https", nodes: [{ host: "b", port: 80, weight: 1 }] });
    for (let i = 0; i < 5; i++) request("b", "tls_failed");
    assert.equal(upstream.snapshot().all_unhealthy, false);
    upstream.update({ ...config, pass_host: "node" });
    for (let i = 0; i < 2; i++) request("b", "tls_failed");
    assert.equal(upstream.snapshot().all_unhealthy, true);
    assert.equal(used(), "b");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProbeResult, ProbeTarget } from "../../../src/upstream/health/probe.ts";
import { Upstream } from "../../../src/upstream/upstream.ts";
import { FakeTimers } from "./fake-timers.ts";
import { createConfig } from "./upstream-config.ts";

const OK: ProbeResult = { kind: "status", status: 200 };

function start(active: Record<string, unknown>, written: Record<string, unknown> = {}) {
  const timers = new FakeTimers();
  const probed: { at: number; target: ProbeTarget; signal: AbortSignal }[] = [];
  let result: (target: ProbeTarget) => ProbeResult | Promise<ProbeResult> = () => OK;
  const config = createConfig({ checks: { active }, ...written });
  const upstream = new Upstream("1", config, {
    release: () => {},
    timers,
    random: () => 0.5,
    probe: async (target, signal) => {
      probed.push({ at: timers.now(), target, signal });
      return await result(target);
    },
  });
  return {
    timers,
    probed,
    upstream,
    config,
    answer: (next: typeof result) => result = next,
    node: (host: string) => upstream.snapshot().nodes.find((each) => each.node.startsWith(`${host}:`))!,
    times: (host: string) => probed.filter(({ target }) => target.host === host).map(({ at }) => at),
  };
}

describe("active health checks", () => {
  it("probes each node at the healthy interval, from a random part of it on", async () => {
    const { timers, times } = start({ healthy: { interval: 4 } });
    await timers.advance(15_000);
    for (const host of ["a", "b", "c"]) assert.deepEqual(times(host), [2000, 6000, 10_000, 14_000]);
  });

  it("probes an unhealthy node at its own interval", async () => {
    const { timers, times, answer } = start({ healthy: { interval: 5 }, unhealthy: { interval: 1, tcp_failures: 1 } });
    answer(({ host }) => host === "b" ? { kind: "failed", reason: "connect_refused" } : OK);
    await timers.advance(10_000);
    assert.deepEqual(times("a"), [2500, 7500]);
    assert.deepEqual(times("b"), [2500, 3500, 4500, 5500, 6500, 7500, 8500, 9500]);
  });

  for (
    const [what, result, limit, field] of [
      ["refused connections", { kind: "failed", reason: "connect_refused" }, 2, "tcp_failure"],
      ["statuses of the unhealthy list", { kind: "status", status: 500 }, 5, "http_failure"],
      ["answers that are not HTTP", { kind: "status", status: 0 }, 5, "http_failure"],
      ["timeouts", { kind: "timeout" }, 3, "timeout"],
    ] as const
  ) {
    it(`takes a node out after ${limit} ${what}, and back in after 2 good answers`, async () => {
      const { timers, answer, node, upstream } = start({});
      answer(({ host }) => host === "b" ? result : OK);
      await timers.advance(limit * 1000 - 500 - 1);
      assert.equal(node("b").use, "open");
      await timers.advance(1);
      assert.equal(node("b").use, "closed");
      assert.equal(node("b").health?.counters[field], limit);
      const hosts = new Set(Array.from({ length: 10 }, () => upstream.pick({ key: () => "" })!.host));
      assert.deepEqual([...hosts].sort(), ["a", "c"]);
      answer(() => OK);
      await timers.advance(1000);
      assert.equal(node("b").health?.state, "mostly_unhealthy");
      await timers.advance(1000);
      assert.equal(node("b").use, "open");
    });
  }

  it("lets statuses of neither list change nothing", async () => {
    const { timers, answer, node } = start({ healthy: { http_statuses: [200] }, unhealthy: { http_statuses: [500] } });
    answer(() => ({ kind: "status", status: 404 }));
    await timers.advance(20_000);
    assert.equal(node("a").health?.state, "healthy");
  });

  it("counts a probe that does not end in time as a timeout, and ends it", async () => {
    const { timers, answer, node, probed } = start({ timeout: 0.25, unhealthy: { timeouts: 1 } });
    answer(() => new Promise(() => {}));
    await timers.advance(749);
    assert.equal(probed[0]!.signal.aborted, false);
    assert.equal(node("a").use, "open");
    await timers.advance(1);
    assert.equal(probed[0]!.signal.aborted, true);
    assert.equal(node("a").use, "closed");
    assert.equal(node("a").health?.reason, "active: timeout, 1 of 1");
  });

  it("probes no more than `concurrency` nodes at once", async () => {
    const { timers, answer, probed } = start({ concurrency: 2, timeout: 60 });
    const ends: (() => void)[] = [];
    answer(() => new Promise((resolve) => ends.push(() => resolve(OK))));
    await timers.advance(1000);
    assert.equal(probed.length, 2);
    ends[0]!();
    await timers.advance(0);
    assert.equal(probed.length, 3);
  });

  it("asks for what the check says", async () => {
    const { timers, probed } = start({
      type: "https",
      host: "health.example.com",
      port: 8443,
      http_method: "POST",
      http_path: "/ping?deep=1",
      http_req_body: "hello",
      https_verify_certificate: false,
      req_headers: ["User-Agent: gatewatch", "X-Probe:yes", "Host: other"],
      timeout: 2,
    }, { nodes: { "a:80": 1 } });
    await timers.advance(500);
    assert.deepEqual(probed[0]!.target, {
      type: "https",
      host: "a",
      port: 8443,
      timeout: 2000,
      hostHeader: "health.example.com",
      method: "POST",
      path: "/ping?deep=1",
      body: "hello",
      headers: ["User-Agent", "gatewatch", "X-Probe", "yes"],
      tls: { servername: "health.example.com", verify: false },
    });
  });

  it("sends the Host field that requests have where the check names none", async () => {
    const hostOf = async (written: Record<string, unknown>, active: Record<string, unknown> = {}) => {
      const { timers, probed } = start(active, written);
      await timers.advance(500);
      return [probed[0]!.target.hostHeader, probed[0]!.target.tls.servername];
    };
    assert.deepEqual(await hostOf({ nodes: { "a:80": 1 } }), ["a", "a"]);
    assert.deepEqual(await hostOf({ nodes: { "a:8080": 1 } }), ["a:8080", "a"]);
    assert.deepEqual(await hostOf({ nodes: { "[::1]:8080": 1 } }), ["[::1]:8080", "::1"]);
    assert.deepEqual(await hostOf({ pass_host: "rewrite", upstream_host: "x.org" }), ["x.org", "x.org"]);
    assert.deepEqual(await hostOf({ nodes: { "a:443": 1 } }, { type: "https" }), ["a", "a"]);
  });

  it("goes on in its rounds through changes of the configuration, and probes new nodes", async () => {
    const { timers, upstream, config, times } = start({ healthy: { interval: 2 } });
    await timers.advance(2000);
    upstream.update({
      ...config,
      retries: 1,
      nodes: [...config.nodes!, { host: "d", port: 80, weight: 1, priority: 0 }],
    });
    await timers.advance(3000);
    assert.deepEqual(times("a"), [1000, 3000, 5000]);
    assert.deepEqual(times("d"), [3000, 5000]);
  });

  it("ends the probes of a node that goes, and those of an upstream that closes", async () => {
    const { timers, upstream, config, probed, answer, times } = start({ timeout: 60 });
    answer(() => new Promise(() => {}));
    await timers.advance(500);
    upstream.update({ ...config, nodes: config.nodes!.filter(({ host }) => host !== "b") });
    await timers.advance(0);
    const aborted = () => probed.filter(({ signal }) => signal.aborted).map(({ target }) => target.host);
    assert.deepEqual(aborted(), ["b"]);
    upstream.close();
    await timers.advance(10_000);
    assert.deepEqual(aborted().sort(), ["a", "b", "c"]);
    assert.equal(timers.pending, 0);
    assert.deepEqual(times("a"), [500]);
  });

  it("says nothing of a node by a probe that was not made", async () => {
    const { timers, answer, node } = start({ type: "tcp" });
    answer(() => ({ kind: "skipped", reason: "this runtime has no tcp probe" }));
    await timers.advance(10_000);
    assert.equal(node("a").health?.state, "healthy");
    answer(() => Promise.reject(new Error("broken probe")));
    await timers.advance(10_000);
    assert.equal(node("a").health?.state, "healthy");
  });

  it("leaves recovery to active checks where there are both kinds", async () => {
    const passive = { unhealthy: { tcp_failures: 1 } };
    const { timers, upstream, node, answer } = start({}, {
      checks: { active: {}, passive },
      nodes: { "a:80": 1, "b:80": 1 },
    });
    answer(() => ({ kind: "status", status: 404 }));
    const picked = upstream.pick({ key: () => "" })!;
    picked.done({ ok: false, code: "reset", ms: 1 });
    await timers.advance(30_000);
    assert.equal(node(picked.host).use, "closed");
    answer(() => OK);
    await timers.advance(2000);
    assert.equal(node(picked.host).use, "open");
  });
});

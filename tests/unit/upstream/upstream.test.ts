import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GatewayError } from "../../../src/errors.ts";
import type { Peer } from "../../../src/forward/transport.ts";
import {
  type PickedNode,
  type PickRequest,
  Upstream,
  type UpstreamEnvironment,
} from "../../../src/upstream/upstream.ts";
import { FakeTimers } from "./fake-timers.ts";
import { createConfig } from "./upstream-config.ts";

const request: PickRequest = { key: () => undefined };

function start(written: Record<string, unknown>, environment: Partial<UpstreamEnvironment> = {}) {
  const released: Peer[] = [], timers = new FakeTimers(), config = createConfig(written);
  const upstream = new Upstream("1", config, { release: (peer) => released.push(peer), timers, ...environment });
  const pick = (some: Partial<PickRequest> = {}) => upstream.pick({ ...request, ...some });
  return { upstream, released, timers, config, pick };
}

function end(picked: PickedNode | undefined): void {
  picked?.done({ ok: true, status: 200, ms: 1 });
}

const listed = (...nodes: [host: string, weight: number, priority?: number][]) =>
  nodes.map(([host, weight, priority = 0]) => ({ host, port: 80, weight, priority }));

describe("Upstream.pick", () => {
  it("goes by the weights, and gives nothing to weight 0", () => {
    const { pick } = start({ nodes: { "a:80": 2, "b:80": 1, "c:80": 0 } });
    const hosts = Array.from({ length: 30 }, () => pick()!.host);
    assert.deepEqual([hosts.filter((host) => host === "a").length, hosts.filter((host) => host === "b").length], [
      20,
      10,
    ]);
  });

  it("yields nothing without nodes, or with weights of 0 only", () => {
    assert.equal(start({ nodes: {} }).pick(), undefined);
    assert.equal(start({ nodes: { "a:80": 0 } }).pick(), undefined);
  });

  it("takes another node for each try, and yields nothing after the last", () => {
    const { pick } = start({});
    const tried = new Set<PickedNode["node"]>();
    const hosts = [];
    for (let picked = pick(); picked !== undefined; picked = pick({ exclude: tried })) {
      tried.add(picked.node);
      hosts.push(picked.host);
    }
    assert.deepEqual(hosts, ["a", "b", "c"]);
  });

  it("uses a lower priority only where the higher ones are tried or closed", () => {
    const passive = { unhealthy: { tcp_failures: 1 } };
    const { pick, upstream } = start({
      nodes: listed(["low", 1, -1], ["high", 1, 5], ["middle", 1], ["middle2", 1]),
      checks: { passive },
    });
    assert.deepEqual([...new Set(Array.from({ length: 9 }, () => pick()!.host))], ["high"]);
    const high = pick()!;
    const second = pick({ exclude: new Set([high.node]) })!;
    assert.match(second.host, /^middle/);
    high.done({ ok: false, code: "reset", ms: 1 });
    assert.deepEqual([...new Set(Array.from({ length: 9 }, () => pick()!.host))].sort(), ["middle", "middle2"]);
    for (let i = 0; i < 2; i++) pick()!.done({ ok: false, code: "reset", ms: 1 });
    assert.equal(pick()!.host, "low");
    pick()!.done({ ok: false, code: "reset", ms: 1 });
    assert.equal(upstream.snapshot().all_unhealthy, true);
    assert.equal(pick()!.host, "high");
  });

  it("hashes on the key, and walks on from a closed node without moving the other keys", () => {
    const passive = { unhealthy: { tcp_failures: 1 } };
    const { upstream } = start({ type: "chash", key: "arg_user", checks: { passive } });
    const owner = (user: number) => {
      const picked = upstream.pick({ key: (name) => name === "arg_user" ? String(user) : undefined })!;
      picked.done({ ok: false, code: "client_gone", ms: 1 });
      return picked.host;
    };
    const users = Array.from({ length: 300 }, (_, i) => i), before = users.map(owner);
    assert.deepEqual(users.map(owner), before);
    upstream.pick({ key: () => String(before.indexOf("b")) })!.done({ ok: false, code: "reset", ms: 1 });
    const after = users.map(owner);
    assert.ok(!after.includes("b"));
    assert.ok(users.every((i) => before[i] === "b" || before[i] === after[i]));
  });

  it("counts the requests under way by node, once each", () => {
    const { pick, upstream } = start({ nodes: { "a:80": 1 } });
    const picks = [pick()!, pick()!, pick()!];
    assert.equal(upstream.snapshot().nodes[0]!.active, 3);
    for (let i = 0; i < 2; i++) end(picks[0]);
    assert.equal(upstream.snapshot().nodes[0]!.active, 2);
  });
});

describe("Upstream.update", () => {
  it("goes on with the rotation", () => {
    const { pick, upstream, config } = start({});
    assert.deepEqual([pick()!.host, pick()!.host], ["a", "b"]);
    upstream.update({ ...config, retries: 1 });
    assert.deepEqual([pick()!.host, pick()!.host], ["c", "a"]);
  });

  it("keeps the Peer of a node for as long as its settings last", () => {
    const { pick, upstream, config, released } = start({ nodes: { "a:80": 1 } });
    const before = pick()!, peer = before.peer;
    end(before);
    upstream.update({ ...config, retries: 7, keepalive_pool: { size: 320, idle_timeout: 60, requests: 1000 } });
    assert.equal(pick()!.peer, peer);
    assert.deepEqual(released, []);
    upstream.update({ ...config, keepalive_pool: { size: 1, idle_timeout: 2, requests: 3 } });
    assert.deepEqual(pick()!.peer.keepAlive, { size: 1, idleTimeout: 2000, requests: 3 });
    assert.deepEqual(peer.keepAlive, { size: 320, idleTimeout: 60_000, requests: 1000 });
  });

  it("lets a removed node finish its requests, gives it no new ones, and then lets go of its Peer", () => {
    const { pick, upstream, config, released } = start({ nodes: { "a:80": 1, "b:80": 1 } });
    const first = pick()!, second = pick()!, third = pick()!;
    assert.deepEqual([first.host, second.host, third.host], ["a", "b", "a"]);
    upstream.update({ ...config, nodes: config.nodes!.filter(({ host }) => host !== "a") });
    assert.deepEqual(Array.from({ length: 3 }, () => pick()!.host), ["b", "b", "b"]);
    end(first);
    assert.deepEqual(released, []);
    end(third);
    assert.deepEqual(released, [first.peer]);
  });

  it("takes a node that comes back for a new one", () => {
    const { pick, upstream, config, released } = start({ nodes: { "a:80": 1 } });
    const old = pick()!;
    upstream.update({ ...config, nodes: [] });
    assert.equal(pick(), undefined);
    upstream.update(config);
    const fresh = pick()!;
    assert.notEqual(fresh.peer, old.peer);
    end(old);
    assert.deepEqual(released, [old.peer]);
  });

  it("changes weights, priorities and the balancer in place", () => {
    const { pick, upstream, config } = start({ nodes: { "a:80": 1, "b:80": 1 } });
    upstream.update({ ...config, nodes: listed(["a", 1], ["b", 0]) });
    assert.deepEqual([pick()!.host, pick()!.host], ["a", "a"]);
    upstream.update({ ...config, nodes: listed(["a", 1], ["b", 1, 1]) });
    assert.deepEqual([pick()!.host, pick()!.host], ["b", "b"]);
    upstream.update({ ...config, type: "least_conn" });
    const picks = [pick()!.host, pick()!.host];
    assert.deepEqual(picks.sort(), ["a", "b"]);
  });

  it("follows new timeouts and retries", () => {
    const { upstream, config } = start({});
    assert.deepEqual(upstream.timeouts, { connect: 60_000, send: 60_000, read: 60_000 });
    assert.deepEqual(upstream.retryLimits, { retries: 2, timeout: 0 });
    upstream.update({ ...config, timeout: { connect: 0.5, send: 1, read: 2 }, retries: 0, retry_timeout: 1.5 });
    assert.deepEqual(upstream.timeouts, { connect: 500, send: 1000, read: 2000 });
    assert.deepEqual(upstream.retryLimits, { retries: 0, timeout: 1500 });
  });

  it("stays as it was where the client certificate is missing", () => {
    const certificates = new Map([["1", { cert: "CERT", key: "KEY" }]]);
    const { upstream, config, pick } = start({ scheme: "https", tls: { client_cert_id: "1" } }, {
      certificate: (id) => certificates.get(id),
    });
    assert.equal(pick()!.peer.tls?.cert, "CERT");
    assert.throws(
      () => upstream.update({ ...config, nodes: [], tls: { client_cert_id: "2", verify: true } }),
      (error) => error instanceof GatewayError && error.code === "missing_reference",
    );
    assert.equal(pick()!.peer.tls?.cert, "CERT");
  });

  it("picks nothing after close, and lets go of everything once it is done", () => {
    const { pick, upstream, released } = start({ nodes: { "a:80": 1, "b:80": 1 } });
    const [first, second] = [pick()!, pick()!];
    end(second);
    upstream.close();
    assert.equal(pick(), undefined);
    assert.deepEqual(released, [second.peer]);
    end(first);
    assert.deepEqual(released, [second.peer, first.peer]);
  });
});

describe("Host and TLS name of a node", () => {
  const facts = (written: Record<string, unknown>, host = "www.example.com:8443") => {
    const picked = start(written).pick({ host })!;
    return [picked.hostHeader(host), picked.peer.tls?.servername];
  };

  it("follow pass_host", () => {
    const https = { scheme: "https", nodes: { "node.internal:443": 1 } };
    assert.deepEqual(facts(https), ["www.example.com:8443", "www.example.com"]);
    assert.deepEqual(facts({ ...https, pass_host: "node" }), ["node.internal", "node.internal"]);
    assert.deepEqual(facts({ ...https, pass_host: "rewrite", upstream_host: "x.org" }), ["x.org", "x.org"]);
    assert.deepEqual(facts({ nodes: { "a:80": 1 } }), ["www.example.com:8443", undefined]);
  });

  it("have the port where it is not the scheme's own", () => {
    assert.equal(facts({ nodes: { "a:80": 1 }, pass_host: "node" })[0], "a");
    assert.equal(facts({ nodes: { "a:443": 1 }, pass_host: "node" })[0], "a:443");
    assert.equal(facts({ nodes: { "a:80": 1 }, pass_host: "node", scheme: "https" })[0], "a:80");
    assert.equal(facts({ nodes: { "[2001:db8::1]:8080": 1 }, pass_host: "node" })[0], "[2001:db8::1]:8080");
    assert.equal(facts({ nodes: { "[2001:db8::1]:80": 1 }, pass_host: "node" })[0], "[2001:db8::1]");
  });

  it("keep apart the connections of different TLS names, a bounded number of them", () => {
    const { pick, released } = start({ scheme: "https", nodes: { "a:443": 1 } });
    const first = pick({ host: "one.example" })!;
    assert.equal(pick({ host: "ONE.example:8443" })!.peer, first.peer);
    assert.notEqual(pick({ host: "two.example" })!.peer, first.peer);
    for (let i = 0; i < 64; i++) end(pick({ host: `${i}.example` }));
    assert.notEqual(pick({ host: "one.example" })!.peer, first.peer);
    assert.ok(released.length > 0 && released.every(({ tls }) => tls?.servername !== "one.example"));
  });

  it("verify certificates unless told not to, with the given authorities and certificate", () => {
    const tls = (written: Record<string, unknown>, ca?: string) =>
      start({ scheme: "https", ...written }, ca === undefined ? {} : { ca }).pick({ host: "x" })!.peer.tls;
    assert.deepEqual(tls({}), { verify: true, servername: "x" });
    assert.deepEqual(tls({ tls: { verify: false } }, "PEM"), { verify: false, ca: "PEM", servername: "x" });
  });
});

describe("Upstream.decideRetry", () => {
  const failed = { code: "reset", sent: true, method: "GET", replayable: true, tries: 1, elapsed: 5 } as const;

  it("goes by the upstream's own limits and budget", () => {
    const { upstream, pick } = start({ retries: 1 }, { retryBudget: { minPerSecond: 0, ratio: 0.5 } });
    assert.deepEqual(upstream.decideRetry(failed), { retry: false, reason: "the retry budget is used up" });
    const first = pick()!;
    pick();
    pick({ exclude: new Set([first.node]) });
    assert.deepEqual(upstream.decideRetry(failed), { retry: true });
    assert.deepEqual(upstream.decideRetry(failed), { retry: false, reason: "the retry budget is used up" });
    assert.deepEqual(upstream.decideRetry({ ...failed, tries: 2 }), { retry: false, reason: "2 of 2 tries made" });
  });
});

describe("Upstream.explainPick", () => {
  it("tells of each node whether it would be picked and why, without moving the rotation", () => {
    const passive = { unhealthy: { tcp_failures: 1 } };
    const { upstream, pick } = start({
      nodes: listed(["a", 1], ["b", 1], ["c", 0], ["d", 1, -1], ["e", 1]),
      checks: { passive },
    });
    pick()!.done({ ok: false, code: "reset", ms: 1 });
    const tried = upstream.pick({ key: () => undefined })!;
    const explain = () =>
      upstream.explainPick({ ...request, exclude: new Set([tried.node]) })
        .map(({ node, picked, reason }) => [node, picked, reason]);
    const expected = [
      ["a:80", false, "unhealthy since 2030-01-01T00:00:00.000Z (passive: reset, 1 of 1)"],
      ["b:80", false, "tried already"],
      ["c:80", false, "weight 0"],
      ["d:80", false, "priority -1: nodes of priority 0 go first"],
      ["e:80", true, "it is its turn"],
    ];
    assert.deepEqual(explain(), expected);
    assert.deepEqual(explain(), expected);
    assert.equal(upstream.snapshot().nodes.find(({ node }) => node === "e:80")!.active, 0);
    assert.equal(pick({ exclude: new Set([tried.node]) })!.host, "e");
  });

  it("says that all are used where all are unhealthy", () => {
    const { upstream, pick } = start({ nodes: { "a:80": 1 }, checks: { passive: { unhealthy: { tcp_failures: 1 } } } });
    pick()!.done({ ok: false, code: "reset", ms: 1 });
    assert.equal(upstream.explainPick(request)[0]!.reason, "it is its turn; every node is unhealthy, so all are used");
  });

  it("names the key of a consistent hash", () => {
    const { upstream } = start({ type: "chash", key: "arg_user" });
    const reasons = upstream.explainPick({ key: (name) => name === "arg_user" ? "eve" : undefined });
    assert.deepEqual(reasons.filter(({ picked }) => picked).map(({ reason }) => reason), [
      'the key "eve" belongs to it',
    ]);
  });
});

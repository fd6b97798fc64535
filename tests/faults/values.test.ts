// limit: 300
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type EtcdServer, type EtcdWrite, startEtcd } from "../support/etcd.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";
import { type FaultyGateway, startFaultyGateway } from "./gateways.ts";
import { LONG, PREFIX, report } from "./rig.ts";

/** Tiny keys, which alone are harmless. */
const TINY = LONG ? 100_000 : 30_000;

const bytes = (...parts: (string | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => typeof part === "string" ? [...new TextEncoder().encode(part)] : [...part]));

describe("faults: what stands in a value", () => {
  let etcd: EtcdServer;
  let origin: Origin;
  let gate: FaultyGateway;

  before(async () => {
    etcd = await startEtcd();
    origin = await startOrigin();
    gate = await startFaultyGateway(etcd);
    await gate.synced();
  });
  after(async () => {
    await gate?.close();
    await origin?.close();
    await etcd?.close();
  });

  const node = () => ({ [`127.0.0.1:${origin.port}`]: 1 });
  const route = (uri: string, more: object = {}) => JSON.stringify({ uri, upstream: { nodes: node() }, ...more });
  const put = async (key: string | Uint8Array, value: string | Uint8Array) =>
    await gate.applied(await etcd.put(typeof key === "string" ? `${PREFIX}/${key}` : key, value));
  const serves = async (path: string) => assert.deepEqual(await gate.get(path), { status: 200, body: "HelloWorld" });
  /** A bad value costs its own key alone: the last good one serves, and other changes go on, also after a full list. */
  const keepsServing = async (key: string, path: string, bad: string | Uint8Array, why: RegExp) => {
    await put(key, route(path));
    await serves(path);
    await put(key, bad);
    assert.match(gate.verdict(key), why);
    await serves(path);
    await put(`${key}-next`, route(`${path}-next`));
    await serves(`${path}-next`);
    const lists = Number(gate.gateway.status().source.details?.["lists"]);
    gate.proxy.cut();
    await until(() => Number(gate.gateway.status().source.details?.["lists"]) > lists, { what: "a full list" });
    await gate.synced();
    assert.match(gate.verdict(key), why, "after a full list");
    await serves(path);
    await put(key, route(path));
    assert.equal(gate.verdict(key), "active");
  };

  it("V1 a huge value is refused before it is read", async () => {
    for (const size of [257 * 1024, 1_400_000]) {
      await keepsServing(
        "routes/v1",
        "/v1",
        route("/v1", { desc: "x".repeat(size) }),
        /^stale: must be at most 262144 bytes/,
      );
    }
  });

  it("V2 a deep value is refused, fast, and stops nobody", async () => {
    const depth = 100_000;
    const deep = `{"uri":"/v2","x":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const start = performance.now();
    await keepsServing("routes/v2", "/v2", deep, /^stale: must be at most 32 levels deep/);
    assert.ok(performance.now() - start < 5000);
    const objects = `{"uri":"/v2","x":${'{"a":'.repeat(40_000)}1${"}".repeat(40_000)}}`;
    await keepsServing("routes/v2", "/v2", objects, /^stale: must be at most 32 levels deep/);
  });

  it("V3 names that reach a prototype are refused, wherever they stand", async () => {
    for (const name of ["__proto__", "constructor", "prototype"]) {
      const evil = `"${name}":{"polluted":true,"admin":true}`;
      for (
        const place of [`{${evil},`, `{"labels":{${evil}},`, `{"plugins":{"cors":{${evil}}},`, `{"plugins":{${evil}},`]
      ) {
        await put("routes/v3", `${place}"uri":"/v3","upstream":{"nodes":{"127.0.0.1:${origin.port}":1}}}`);
        assert.match(gate.verdict("routes/v3"), new RegExp(`^rejected: .*must not be named ${name}`));
      }
    }
    assert.equal((await gate.get("/v3")).status, 404);
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
    await keepsServing("routes/v3", "/v3", `{"__proto__":{},"uri":"/v3"}`, /^stale: .*must not be named __proto__/);
  });

  it("V4 what is not UTF-8 is refused, as a value and as a key, and no two keys become one", async () => {
    const bad = bytes(`{"uri":"/v4","desc":"`, [0xff, 0xfe], `"}`);
    await keepsServing("routes/v4", "/v4", bad, /^stale: must be UTF-8, is not/);
    for (const byte of [0xff, 0xfe]) await put(bytes(`${PREFIX}/routes/v4-`, [byte]), route(`/v4-${byte}`));
    assert.match(gate.verdict("routes/v4-\\xff"), /^rejected: the id must be/);
    assert.match(gate.verdict("routes/v4-\\xfe"), /^rejected: the id must be/);
    assert.equal((await gate.get("/v4-255")).status, 404);
    await etcd.txn([0xff, 0xfe].map((byte) => ({ key: bytes(`${PREFIX}/routes/v4-`, [byte]) })));
    await until(() => gate.verdict("routes/v4-\\xff") === "not there", { what: "the key is gone" });
  });

  it("V5 of a name that occurs twice the last counts", async () => {
    await put("routes/v5", `{"uri":"/v5-first","uri":"/v5-last","upstream":${JSON.stringify({ nodes: node() })}}`);
    assert.equal((await gate.get("/v5-first")).status, 404);
    await serves("/v5-last");
  });

  it("V6 a byte order mark, 1e400 and integers beyond 2^53", async () => {
    await put("routes/v6-bom", bytes([0xef, 0xbb, 0xbf], route("/v6-bom")));
    await serves("/v6-bom");
    const infinite = route("/v6").replace("{", `{"priority":1e400,`);
    await keepsServing("routes/v6", "/v6", infinite, /^stale: priority must be a number that a double can hold/);
    const imprecise = route("/v6").replace("{", `{"priority":9007199254740993,`);
    await keepsServing("routes/v6", "/v6", imprecise, /^stale: priority must be /);
    const heavy = route("/v6").replace(/:1}}/, ":9007199254740993}}");
    await keepsServing("routes/v6", "/v6", heavy, /^stale: upstream\.nodes.* must be /);
  });

  it("V7 no regular expression takes more than linear time", async () => {
    const vars = [["arg_x", "~~", "^(a+)+$"]];
    await put("routes/v7", route("/v7", { vars }));
    await serves("/v7?x=aaa");
    const start = performance.now();
    assert.equal((await gate.get(`/v7?x=${"a".repeat(5000)}!`)).status, 404);
    const ms = performance.now() - start;
    report("V7", { ms: Math.round(ms) });
    assert.ok(ms < 250, `${ms} ms`);
    // What only backtracking can do is refused.
    const back = route("/v7", { vars: [["arg_x", "~~", "^(a)\\1$"]] });
    await keepsServing("routes/v7", "/v7", back, /^stale: vars/);
  });

  it("V8 one bad resource among a thousand changes nothing else", async () => {
    const good: EtcdWrite[] = Array.from({ length: 1000 }, (_, index) => ({
      key: `${PREFIX}/routes/v8-${index}`,
      value: route(`/v8/${index}`),
    }));
    for (let from = 0; from < good.length; from += 100) await etcd.txn(good.slice(from, from + 100));
    const bad: readonly (readonly [string, string, RegExp])[] = [
      ["routes/v8-regex", route("/v8-bad", { vars: [["uri", "~~", "("]] }), /^rejected: vars/],
      ["routes/v8-host", route("/v8-bad", { host: "bad host" }), /^rejected: host/],
      ["routes/v8-json", `{"uri":`, /^rejected: must be JSON/],
      ["routes/v8-type", `[]`, /^rejected: /],
      ["routes/v8-reference", `{"uri":"/v8-bad","upstream_id":"nowhere"}`, /^pending: upstream_id refers to upstream/],
      ["routes/v8-service", `{"uri":"/v8-bad","service_id":"nowhere"}`, /^pending: service_id refers to service/],
      ["routes/v8-plugin", route("/v8-bad", { plugins: { nothing: {} } }), /nothing/],
      ["upstreams/v8", `{"nodes":{"bad host:1":1}}`, /^rejected: nodes/],
    ];
    await gate.applied(
      await etcd.txn([
        ...bad.map(([key, value]) => ({ key: `${PREFIX}/${key}`, value })),
        { key: `${PREFIX}/routes/v8-999`, value: route("/v8/changed") },
      ]),
    );
    for (const [key, , verdict] of bad) assert.match(gate.verdict(key), verdict);
    for (const index of [0, 1, 500, 998]) await serves(`/v8/${index}`);
    await serves("/v8/changed");
    assert.notEqual((await gate.get("/v8-bad")).status, 200);
    await gate.applied(await etcd.del(`${PREFIX}/routes/v8-`, { prefix: true }));
    assert.equal((await gate.get("/v8/1")).status, 404);
  });

  it("V9 odd keys are refused and counted, and cannot forge a log line", async () => {
    const names = [
      "",
      "..",
      "a//b",
      "/etc/passwd",
      "nul\0",
      "line\nbreak",
      "x".repeat(8192),
      "sp ace",
      "\u202e",
      "%2e%2e",
    ];
    const before = gate.gateway.status().keys["rejected"] ?? 0;
    for (const name of names) await put(`routes/v9/${name}`, route("/v9"));
    assert.equal((gate.gateway.status().keys["rejected"] ?? 0) - before, names.length);
    assert.equal((await gate.get("/v9")).status, 404);
    for (const status of gate.gateway.keys({ states: ["rejected"] })) {
      for (const { message } of status.issues) assert.doesNotMatch(message, /[\0\n]/);
    }
    for (const line of gate.lines) assert.doesNotMatch(line, /\n/);
    await gate.applied(await etcd.del(`${PREFIX}/routes/v9/`, { prefix: true }));
    assert.equal((gate.gateway.status().keys["rejected"] ?? 0) - before, 0);
  });

  it("V10 a flood of tiny keys: the list is refused as a whole, and what was good serves on", async () => {
    const small = await startFaultyGateway(etcd, { source: { listBytes: TINY * 10, pageSize: 1000 } });
    try {
      await small.applied(await etcd.put(`${PREFIX}/routes/v10`, route("/v10")));
      await small.synced();
      for (let from = 0; from < TINY; from += 5000) {
        await Promise.all(Array.from({ length: 50 }, (_, batch) =>
          etcd.txn(Array.from({ length: 100 }, (_, index) => ({
            key: `${PREFIX}/tiny/${from + batch * 100 + index}`,
            value: "1",
          })))));
      }
      small.proxy.cut();
      await until(() => /holds more than \d+ bytes/.test(small.gateway.status().source.reason ?? ""), {
        limit: 20_000,
        what: "the list is too big",
      });
      assert.equal(small.gateway.status().source.state, "stale");
      assert.equal((await small.get("/v10")).status, 200);
      await etcd.del(`${PREFIX}/tiny/`, { prefix: true });
      await small.synced(15_000);
      await small.applied(await etcd.put(`${PREFIX}/routes/v10`, route("/v10-later")));
      assert.equal((await small.get("/v10-later")).status, 200);
    } finally {
      await small.close();
    }
    await until(() => (gate.gateway.status().keys["rejected"] ?? 0) < 100, {
      limit: 20_000,
      what: "the keys are gone",
    });
  });

  it("V11 denied targets: as an address they are refused, as a name they are not connected to", async () => {
    const guarded = await startFaultyGateway(etcd, {
      gateway: { denyTargets: ["127.0.0.0/8", "::1", "169.254.0.0/16", "fd00:ec2::254"] },
    });
    try {
      const before = origin.requests();
      const addresses = [
        `127.0.0.1:${origin.port}`,
        "169.254.169.254:80",
        "[fd00:ec2::254]:80",
        `[::ffff:127.0.0.1]:80`,
      ];
      for (const address of addresses) {
        const upstream = { nodes: { "192.0.2.1:80": 1, [address]: 1 } };
        await guarded.applied(await etcd.put(`${PREFIX}/routes/v11`, JSON.stringify({ uri: "/v11", upstream })));
        assert.match(
          guarded.verdict("routes/v11"),
          /^rejected: upstream\.nodes\[1\]\.host must not be an address that/,
        );
        await guarded.applied(await etcd.put(`${PREFIX}/upstreams/v11`, JSON.stringify(upstream)));
        assert.match(guarded.verdict("upstreams/v11"), /^rejected: nodes\[1\]\.host must not be an address that/);
      }
      const lone = JSON.stringify({ host: "127.0.0.1", port: origin.port });
      await guarded.applied(await etcd.put(`${PREFIX}/node`, lone));
      assert.match(guarded.verdict("node"), /^rejected: host must not be/);
      // Names, and the ways to write an address that only a resolver understands.
      for (const host of ["localhost", "127.1", "2130706433"]) {
        const revision = await etcd.put(
          `${PREFIX}/routes/v11`,
          JSON.stringify({ uri: "/v11", upstream: { nodes: { [`${host}:${origin.port}`]: 1 }, retries: 0 } }),
        );
        await guarded.applied(revision);
        assert.equal(guarded.verdict("routes/v11"), "active");
        assert.equal((await guarded.get("/v11")).status, 502, host);
      }
      assert.equal(origin.requests(), before, "nothing reached the origin");
      const split = { rules: [{ weighted_upstreams: [{ upstream: { nodes: node() } }] }] };
      await guarded.applied(
        await etcd.put(
          `${PREFIX}/routes/v11`,
          route("/v11", { upstream: { nodes: {} }, plugins: { "traffic-split": split } }),
        ),
      );
      assert.equal((await guarded.get("/v11")).status, 503);
      assert.equal(origin.requests(), before, "nothing reached the origin by a plugin's upstream");
    } finally {
      await guarded.close();
      await etcd.del(`${PREFIX}/node`);
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ControlOptions, createControl } from "../../../src/admin/control.ts";
import { GatewayError } from "../../../src/errors.ts";
import type { ExplainRequest, GatewayExplanation } from "../../../src/gateway/explain.ts";
import type { GatewayStatus } from "../../../src/gateway/status.ts";
import type { KeyStatus } from "../../../src/store/key-status.ts";

const STATUS: GatewayStatus = {
  source: { kind: "memory", state: "synced", origin: "memory", silentMs: 1 },
  ready: true,
  revision: 7,
  resources: { routes: 2 },
  keys: { active: 2 },
};

const EXPLANATION = { revision: 7, plugins: [], upstream: null, answer: null } as unknown as GatewayExplanation;

/** Explains everything but `GET /refused`. */
// deno-lint-ignore require-await -- rejects, as the gateway's does
async function explain({ url }: ExplainRequest): Promise<GatewayExplanation> {
  if (url.endsWith("/refused")) throw new GatewayError("bad_request", 400, "The path is not valid");
  return EXPLANATION;
}

/** A control API over a gateway in the given state. */
function control(
  state: { status?: Partial<GatewayStatus>; keys?: readonly KeyStatus[] } & Partial<ControlOptions> = {},
): (path: string, init?: RequestInit) => Promise<Response> {
  const { status, keys = [], ...options } = state;
  const app = createControl({
    gateway: { status: () => ({ ...STATUS, ...status }), keys: () => keys, upstreams: () => [], explain },
    version: "1.2.3",
    runtime: { name: "bun", version: "1.4.5" },
    draining: () => false,
    loopback: true,
    ...options,
  });
  return async (path, init) => await app.fetch(new Request(`http://127.0.0.1:9090${path}`, init));
}

const BAD = { issues: [{ path: "uri", message: "must be a string" }], warnings: [], since: "2026-01-01T00:00:00.000Z" };
const KEYS: readonly KeyStatus[] = [
  { key: "/gatewatch/routes/1", kind: "route", id: "1", state: "rejected", revision: 3, ...BAD },
  { key: "/gatewatch/routes/2", kind: "route", id: "2", state: "stale", revision: 4, ...BAD },
  { key: "/gatewatch/upstreams/1", kind: "upstream", id: "1", state: "rejected", revision: 5, ...BAD },
];

describe("the control API", () => {
  it("is live whatever the gateway's state", async () => {
    const ask = control({ status: { ready: false } });
    assert.equal((await ask("/live")).status, 200);
  });

  it("is ready once the first list is applied", async () => {
    const response = await control()("/ready");
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { ready: true });
  });

  it("says why it is not ready", async () => {
    const response = await control({ status: { ready: false, reason: "etcd does not answer" } })("/ready");
    assert.equal(response.status, 503);
    assert.deepEqual(await response.json(), { ready: false, reason: "etcd does not answer" });
    const silent = await control({ status: { ready: false } })("/ready");
    assert.match(((await silent.json()) as { reason: string }).reason, /first list/);
  });

  it("is no longer ready while it drains", async () => {
    const response = await control({ draining: () => true })("/ready");
    assert.equal(response.status, 503);
    assert.match(((await response.json()) as { reason: string }).reason, /draining/);
  });

  it("tells what the process is and does", async () => {
    const response = await control({ keys: KEYS, facts: () => ({ listening: [] }) })("/status");
    assert.equal(response.headers.get("cache-control"), "no-store");
    const { startedAt, uptimeMs, ...rest } = await response.json() as Record<string, unknown>;
    assert.ok(typeof uptimeMs === "number" && uptimeMs >= 0);
    assert.match(String(startedAt), /^\d{4}-/);
    assert.deepEqual(rest, {
      version: "1.2.3",
      runtime: { name: "bun", version: "1.4.5" },
      draining: false,
      ...STATUS,
      degraded: false,
      listening: [],
      rejected: { total: 3, keys: KEYS },
    });
  });

  it("lists a bounded number of rejected keys and says how many there are", async () => {
    const keys = Array.from({ length: 250 }, (_, i) => ({ ...KEYS[0]!, key: `routes/${i}` }));
    const { rejected } = await (await control({ keys })("/status")).json() as {
      rejected: { total: number; keys: unknown[] };
    };
    assert.equal(rejected.total, 250);
    assert.equal(rejected.keys.length, 100);
  });

  it("filters keys by state and kind", async () => {
    const ask = control({ keys: KEYS });
    const list = async (query: string) =>
      await (await ask(`/status/keys${query}`)).json() as { total: number; keys: KeyStatus[] };
    assert.equal((await list("")).total, 3);
    assert.deepEqual((await list("?state=rejected&kind=route")).keys, [KEYS[0]]);
    assert.equal((await list("?state=rejected&kind=routes")).total, 1);
    assert.deepEqual(await list("?limit=1"), { total: 3, keys: [KEYS[0]] });
    for (const bad of ["limit=x", "state=broken", "kind=rout", "status=stale"]) {
      assert.equal((await ask(`/status/keys?${bad}`)).status, 400, bad);
    }
  });

  it("hands out the JSON Schema of a kind", async () => {
    const ask = control();
    const one = await (await ask("/schema/routes")).json() as { title: string };
    assert.equal(one.title, "route");
    const all = await (await ask("/schema")).json() as Record<string, unknown>;
    assert.deepEqual(all["route"], one);
    assert.equal((await ask("/schema/nothing")).status, 404);
  });

  it("explains a request that is posted as JSON, and nothing else", async () => {
    const ask = control();
    const post = async (body: string, type = "application/json") =>
      await ask("/explain", { method: "POST", body, headers: { "content-type": type } });
    const good = JSON.stringify({ method: "GET", url: "http://a/b", headers: ["x", "y"], from: "10.0.0.1" });
    assert.deepEqual(await (await post(good)).json(), EXPLANATION);
    assert.equal((await post(good, "text/plain")).status, 415);
    for (const bad of ["{", "[]", "{}", '{"method":1,"url":"/"}', '{"method":"GET","url":"/","more":1}']) {
      assert.equal((await post(bad)).status, 400, bad);
    }
    const refused = await post('{"method":"GET","url":"http://a/refused"}');
    assert.equal(refused.status, 400);
    assert.deepEqual(await refused.json(), { error_msg: "The path is not valid", code: "bad_request" });
    const get = await ask("/explain");
    assert.equal(get.status, 405);
    assert.equal(get.headers.get("allow"), "POST");
  });

  it("lists upstreams", async () => {
    assert.deepEqual(await (await control()("/upstreams")).json(), { upstreams: [] });
  });

  it("answers HEAD without a body", async () => {
    const response = await control()("/ready", { method: "HEAD" });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "");
  });

  it("lists its paths where nothing is", async () => {
    const response = await control()("/nothing");
    assert.equal(response.status, 404);
    const body = await response.json() as { paths: string[] };
    assert.deepEqual(body.paths, [
      "/live",
      "/ready",
      "/status",
      "/status/keys",
      "/schema",
      "/schema/:kind",
      "/upstreams",
      "/wait",
      "/explain",
    ]);
  });

  it("refuses a method that a path does not take", async () => {
    const response = await control()("/status", { method: "POST" });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
  });

  it("on loopback, refuses a name that a web page can bring", async () => {
    const ask = control();
    const status = async (host: string) => (await ask("/status", { headers: { host } })).status;
    for (const host of ["127.0.0.1:9090", "localhost:9090", "[::1]:9090", "localhost"]) {
      assert.equal(await status(host), 200, host);
    }
    for (const host of ["evil.example:9090", "127.0.0.1.evil.example", "localhost.evil.example", ""]) {
      assert.equal(await status(host), 403, host);
    }
  });

  it("elsewhere, takes every name", async () => {
    const ask = control({ loopback: false });
    assert.equal((await ask("/live", { headers: { host: "gatewatch:9090" } })).status, 200);
  });
});

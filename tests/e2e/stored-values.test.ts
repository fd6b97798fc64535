import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { type GatewayProcess, startGatewayProcess, type Status } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";

type RejectedKey = Status["rejected"]["keys"][number];

describe("what is stored and cannot be served", () => {
  let etcd: EtcdServer, origin: Origin, gateway: GatewayProcess;
  before(async () => {
    [etcd, origin] = await Promise.all([startEtcd(), startOrigin()]);
    await etcd.put("/test/node", `{"host":"127.0.0.1","port":${origin.port}}`);
    gateway = await startGatewayProcess({ flags: ["--etcd", etcd.url, "--prefix", "/test"] });
  });
  after(async () => {
    await gateway?.stop();
    await origin?.close();
    await etcd?.close();
  });

  /** What the status says of a key, once it says something at this revision. */
  const rejected = (key: string, revision: number): Promise<RejectedKey> =>
    until(
      async () => (await gateway.status()).rejected.keys.find((each) => each.key === key && each.revision === revision),
      { what: `/status names ${key} at revision ${revision}` },
    );

  const messages = (key: RejectedKey) => key.issues.map(({ path, message }) => `${path} ${message}`).join("; ");

  it("unquoted JSON: says what the shell did, and the last good value goes on serving", async () => {
    const revision = await etcd.put("/test/node", "{host:127.0.0.1,port:6699}");
    const key = await rejected("/test/node", revision);
    assert.equal(key.state, "stale");
    assert.match(messages(key), /did the shell eat your quotes\?/);
    assert.equal((await gateway.get("/aa/d")).body, "HelloWorld");

    await etcd.put("/test/node", `{"host":"127.0.0.1","port":${origin.port}}`);
    await until(async () => (await gateway.status()).rejected.total === 0, { what: "the key is good again" });
  });

  it("invalid JSON: names the key and the reason, and everything else goes on", async () => {
    const revision = await etcd.put("/test/routes/broken", '{"uri": "/a", ');
    const key = await rejected("/test/routes/broken", revision);
    assert.equal(key.state, "rejected");
    assert.match(messages(key), /JSON/);
    await servesNewRoute("json");
  });

  it("a schema error: names the key and the path in it", async () => {
    const revision = await etcd.put(
      "/test/routes/wrong",
      '{"uri":"/a","upstream":{"nodes":{"127.0.0.1:1":1}},"priority":"high"}',
    );
    const key = await rejected("/test/routes/wrong", revision);
    assert.equal(key.state, "rejected");
    assert.match(messages(key), /priority/);
    await servesNewRoute("schema");
  });

  it("a value of 1 MB: names the key and its size", async () => {
    const revision = await etcd.put("/test/routes/huge", JSON.stringify({ uri: "/a", desc: "x".repeat(1_000_000) }));
    const key = await rejected("/test/routes/huge", revision);
    assert.equal(key.state, "rejected");
    assert.match(messages(key), /\d{6,}/);
    await servesNewRoute("size");
  });

  it("is listed by state and kind, and counted", async () => {
    const answer = await gateway.control("/status/keys?state=rejected&kind=route");
    const { total, keys } = JSON.parse(answer.body) as { total: number; keys: RejectedKey[] };
    assert.equal(total, 3);
    assert.deepEqual(keys.map(({ key }) => key).sort(), [
      "/test/routes/broken",
      "/test/routes/huge",
      "/test/routes/wrong",
    ]);
    assert.equal((await gateway.status()).keys["rejected"], 3);
  });

  it("is forgotten when the key is deleted", async () => {
    await etcd.del("/test/routes/", { prefix: true });
    await until(async () => (await gateway.status()).rejected.total === 0, { what: "nothing is rejected" });
    assert.equal((await gateway.get("/aa/d")).body, "HelloWorld");
  });

  /** A good route that is put after a bad one is served. */
  async function servesNewRoute(name: string): Promise<void> {
    const uri = `/good/${name}`;
    await etcd.put(
      `/test/routes/good-${name}`,
      `{"uri":"${uri}","plugins":{},"upstream":{"nodes":{"127.0.0.1:${origin.port}":1}}}`,
    );
    await until(async () => (await gateway.status()).resources["route"], { what: "the good route is served" });
    assert.equal((await gateway.get(uri)).body, "HelloWorld");
    assert.equal((await gateway.get("/aa/d")).body, "HelloWorld");
  }
});

// waits
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createEtcd, type EtcdServer, startEtcd } from "../support/etcd.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";

const flags = (etcd: EtcdServer) => ["--etcd", etcd.url, "--prefix", "/test"];

describe("etcd that is away", () => {
  const etcds: EtcdServer[] = [], gateways: GatewayProcess[] = [], origins: Origin[] = [];
  after(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await Promise.all([...origins, ...etcds].map((each) => each.close()));
  });

  it("while the gateway runs: what it had goes on serving, the status says so, and it catches up within 5 s", async () => {
    const etcd = await startEtcd(), origin = await startOrigin();
    etcds.push(etcd);
    origins.push(origin);
    await etcd.put("/test/node", `{"host":"127.0.0.1","port":${origin.port}}`);
    const gateway = await startGatewayProcess({ flags: flags(etcd) });
    gateways.push(gateway);

    for (const how of ["graceful", "kill"] as const) {
      await etcd.stop(how);
      await until(async () => (await gateway.status()).source.state === "stale", {
        limit: 20_000,
        what: "the source is stale",
      });
      const status = await gateway.status();
      assert.equal(status.ready, true);
      assert.ok((status.source.reason ?? "").length > 0, JSON.stringify(status.source));
      assert.equal((await gateway.get("/aa/d")).body, "HelloWorld");
      assert.equal((await gateway.control("/ready")).status, 200);

      await etcd.start();
      const back = performance.now();
      await etcd.put(`/test/routes/${how}`, `{"uri":"/${how}","upstream":{"nodes":{"127.0.0.1:${origin.port}":1}}}`);
      await until(async () => (await gateway.status()).source.state === "synced", {
        limit: 20_000,
        what: "it is synced",
      });
      await until(async () => (await gateway.status()).resources["route"], { what: "the new route is served" });
      assert.equal((await gateway.get("/aa/d")).body, "HelloWorld");
      await until(async () => (await gateway.get(`/${how}`)).status === 200, { what: "the new route answers" });
      const ms = performance.now() - back;
      console.log(`caught up ${ms.toFixed(0)} ms after etcd was back (${how})`);
      assert.ok(ms < 5000, `it took ${ms.toFixed(0)} ms`);
    }
    assert.equal(gateway.exit, undefined, gateway.log);
  });

  it("when the gateway starts: it is live, not ready, says why, and catches up within 5 s", async () => {
    const etcd = await createEtcd(), origin = await startOrigin();
    etcds.push(etcd);
    origins.push(origin);
    const gateway = await startGatewayProcess({ flags: flags(etcd), until: "live" });
    gateways.push(gateway);
    const ready = await gateway.control("/ready");
    assert.equal(ready.status, 503);
    assert.ok((JSON.parse(ready.body) as { reason: string }).reason.length > 10, ready.body);
    const early = await gateway.get("/aa/d");
    assert.equal(early.status, 503, early.body);

    await etcd.start();
    const back = performance.now();
    await etcd.put("/test/node", `{"host":"127.0.0.1","port":${origin.port}}`);
    await until(async () => (await gateway.control("/ready")).status === 200, { limit: 20_000, what: "it is ready" });
    await until(async () => (await gateway.get("/aa/d")).body === "HelloWorld", { what: "the node answers" });
    const ms = performance.now() - back;
    console.log(`ready ${ms.toFixed(0)} ms after etcd was there`);
    assert.ok(ms < 5000, `it took ${ms.toFixed(0)} ms`);
  });
});

// runtimes: deno, bun
// limit: 300
// waits
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { type GatewayProcess, runGatewatch, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { PASSWORD, PREFIX, sleep } from "./rig.ts";

describe("faults: one process and what it tells", () => {
  let etcd: EtcdServer;
  let origin: Origin;
  let folder: string;

  before(async () => {
    etcd = await startEtcd();
    origin = await startOrigin();
    folder = await mkdtemp(join(tmpdir(), "gatewatch-instance-"));
  });
  after(async () => {
    await origin?.close();
    await etcd?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const route = (uri: string) => JSON.stringify({ uri, upstream: { nodes: { [`127.0.0.1:${origin.port}`]: 1 } } });
  const metric = async (gateway: GatewayProcess, name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, "m").exec((await gateway.control("/metrics")).body)?.[1]);
  const serves = async (gateway: GatewayProcess, path: string) => {
    await until(async () => (await gateway.get(path)).status === 200, { limit: 10_000, what: `${path} is served` });
  };
  const instances = async (prefix: string) => {
    const records = await etcd.all(`${prefix}/_instances/`);
    return new Map([...records].map(([key, value]) => [key, JSON.parse(value) as Record<string, unknown>]));
  };

  it("starts from its snapshot where etcd does not answer, says so, and converges", async () => {
    const prefix = `${PREFIX}-snapshot`;
    const file = join(folder, "snapshot");
    const proxy = await startProxy({ host: "127.0.0.1", port: etcd.port });
    const flags = ["--etcd", proxy.url, "--prefix", prefix, "--snapshot", file, "--etcd-timeout", "500ms"];
    await etcd.put(`${prefix}/routes/1`, route("/1"));
    const first = await startGatewayProcess({ flags });
    await serves(first, "/1");
    assert.deepEqual(JSON.parse((await first.control("/ready")).body), { ready: true });
    await first.stop();
    await proxy.setMode("refuse");
    const second = await startGatewayProcess({ flags });
    try {
      assert.equal((await second.get("/1")).status, 200);
      const ready = JSON.parse((await second.control("/ready")).body) as Record<string, unknown>;
      assert.equal(ready["degraded"], true);
      assert.match(String(ready["reason"]), /snapshot/);
      assert.equal((JSON.parse((await second.control("/status")).body) as Record<string, unknown>)["degraded"], true);
      assert.equal(await metric(second, "gatewatch_degraded"), 1);
      await etcd.put(`${prefix}/routes/2`, route("/2"));
      await proxy.setMode("pass");
      await serves(second, "/2");
      await until(async () => await metric(second, "gatewatch_degraded") === 0, { what: "no longer degraded" });
      assert.deepEqual(JSON.parse((await second.control("/ready")).body), { ready: true });
      assert.ok(await metric(second, "gatewatch_config_apply_seconds_count") >= 1);
    } finally {
      await second.stop();
    }
    // A damaged one is refused and named, and nothing of it is served.
    await writeFile(file, "no snapshot");
    await proxy.setMode("refuse");
    const third = await startGatewayProcess({ flags, until: "live" });
    try {
      await until(() => third.log.includes("is refused"), { what: "the damaged snapshot is named" });
      assert.equal((await third.control("/ready")).status, 503);
    } finally {
      await third.stop();
      await proxy.close();
    }
  });

  it("holds mass deletes until they are accepted, or for the time that the settings say", async () => {
    const prefix = `${PREFIX}-held`;
    const fill = () =>
      etcd.txn(
        Array.from({ length: 30 }, (_, index) => ({ key: `${prefix}/routes/${index}`, value: route(`/${index}`) })),
      );
    await fill();
    const flags = ["--etcd", etcd.url, "--prefix", prefix];
    const holding = await startGatewayProcess({ flags });
    const short = await startGatewayProcess({ flags: [...flags, "--hold-deletes", "1s"] });
    const never = await startGatewayProcess({ flags: [...flags, "--hold-deletes", "0"] });
    try {
      for (const gateway of [holding, short, never]) await serves(gateway, "/7");
      const revision = await etcd.del(`${prefix}/routes/`, { prefix: true });
      await until(async () => (await never.get("/7")).status === 404, { what: "it is not held" });
      await until(async () => (await short.get("/7")).status === 404, { limit: 4000, what: "it is held for a second" });
      assert.match(short.log, /held back/);
      assert.equal((await holding.get("/7")).status, 200);
      assert.equal(await metric(holding, "gatewatch_held_deletes"), 30);
      const status = JSON.parse((await holding.control("/status")).body) as Record<string, Record<string, unknown>>;
      assert.equal(status["held"]?.["removes"], 30);
      const control = ["--control", `127.0.0.1:${holding.controlPort}`];
      const wrong = await runGatewatch(["accept", "--revision", "1", ...control]);
      assert.equal(wrong.status, 1, wrong.stderr);
      assert.equal((await runGatewatch(["accept", ...control])).status, 2);
      // A page in a browser must not be able to.
      const page = await fetch(`${holding.controlUrl}/accept?revision=${revision}`, {
        method: "POST",
        headers: { origin: "http://evil.test" },
      });
      await page.body?.cancel();
      assert.equal(page.status, 403);
      assert.equal((await holding.get("/7")).status, 200);
      const held =
        (JSON.parse((await holding.control("/status")).body) as Record<string, Record<string, unknown>>)["held"];
      const right = await runGatewatch(["accept", "--revision", String(held?.["revision"]), ...control]);
      assert.equal(right.status, 0, right.stderr);
      await until(async () => (await holding.get("/7")).status === 404, { what: "it is accepted" });
    } finally {
      for (const gateway of [holding, short, never]) await gateway.stop();
    }
  });

  it("keeps a record of itself in etcd, which goes with it", async () => {
    const prefix = `${PREFIX}-record`;
    const revision = await etcd.put(`${prefix}/routes/1`, route("/1"));
    const flags = ["--etcd", etcd.url, "--prefix", prefix];
    const named = await startGatewayProcess({ flags: [...flags, "--instance-id", "edge-1"] });
    const other = await startGatewayProcess({ flags });
    const silent = await startGatewayProcess({ flags: [...flags, "--no-register"] });
    const key = `${prefix}/_instances/edge-1`;
    try {
      await until(async () => (await instances(prefix)).size === 2, { what: "both are registered" });
      const record = await until(async () => {
        const found = (await instances(prefix)).get(key);
        return found?.["revision"] === null ? undefined : found;
      }, { what: "the record of what is served" });
      const { runtime, version, since, ...rest } = record;
      assert.match(String(runtime), /^(bun|deno|node) \d/);
      assert.match(String(version), /^\d+\./);
      assert.ok(Number.isFinite(Date.parse(String(since))));
      assert.deepEqual(rest, { id: "edge-1", revision, rejected: 0, control: `127.0.0.1:${named.controlPort}` });
      const later = await etcd.put(`${prefix}/routes/2`, `{"uri":`);
      await until(async () => {
        const { revision, rejected } = (await instances(prefix)).get(key) ?? {};
        return revision === later && rejected === 1;
      }, { limit: 4000, what: "the record follows" });
      // What instances write makes nobody write again: after a moment the store is still.
      await until(async () => [...(await instances(prefix)).values()].every((each) => each["revision"] === later), {
        limit: 4000,
        what: "every record follows",
      });
      const still = await etcd.revision();
      await sleep(2500);
      assert.equal(await etcd.revision(), still);
      const target = ["--etcd", etcd.url, "--prefix", prefix];
      const waited = await runGatewatch(["wait", "--revision", String(later), ...target, "--timeout", "5s"]);
      assert.equal(waited.status, 0, waited.stderr);
      const told = await runGatewatch(["status", ...target]);
      assert.equal(told.status, 0, told.stderr);
      assert.match(told.stdout, /edge-1/);
      await named.stop();
      await until(async () => (await instances(prefix)).size === 1, { limit: 2000, what: "one is gone" });
    } finally {
      for (const gateway of [named, other, silent]) await gateway.stop();
    }
    assert.equal((await instances(prefix)).size, 0);
  });

  it("writes its record again where it was lost: restart, delete, an ended lease, a wiped etcd", async () => {
    const own = await startEtcd();
    const prefix = `${PREFIX}-lost`;
    const key = `${prefix}/_instances/edge-1`;
    const flags = ["--etcd", own.url, "--prefix", prefix, "--instance-id", "edge-1"];
    const gateway = await startGatewayProcess({ flags });
    // 63 bits, more than a number of JavaScript holds.
    const lease = async () => /"lease":(\d+)/.exec(await own.etcdctl("get", key, "-w", "json"))?.[1];
    const again = (what: string) => until(lease, { limit: 20_000, what });
    try {
      await again("the record is there");
      await own.stop();
      await own.start();
      await again("it is there after a restart");
      await own.del(key);
      await again("it is there after a delete");
      const before = await lease();
      await own.etcdctl("lease", "revoke", BigInt(before ?? 0).toString(16));
      assert.notEqual(await again("it is there after the end of its lease"), before);
      await own.wipe();
      await own.start();
      await again("it is there after a wipe");
    } finally {
      await gateway.stop();
      await own.close();
    }
  });

  it("measures from write to effect by a canary that one instance writes at a time", async () => {
    const prefix = `${PREFIX}-canary`;
    await etcd.put(`${prefix}/routes/1`, route("/1"));
    const flags = ["--etcd", etcd.url, "--prefix", prefix, "--canary", "on"];
    const canary = async () => [...(await etcd.all(`${prefix}/_canary`)).values()][0];
    const first = await startGatewayProcess({ flags: [...flags, "--instance-id", "first"] });
    let second: GatewayProcess | undefined;
    try {
      await until(canary, { what: "there is a canary" });
      second = await startGatewayProcess({ flags: [...flags, "--instance-id", "second"] });
      const name = "gatewatch_config_propagation_seconds_count";
      for (const gateway of [first, second]) {
        await until(async () => await metric(gateway, name) >= 1, { limit: 15_000, what: "it is measured" });
      }
      assert.ok(await metric(second, "gatewatch_config_propagation_seconds_sum") < 5);
      assert.match(await canary() ?? "", /"by":"first"/);
      assert.equal((await second.status()).keys["rejected"] ?? 0, 0);
      await first.stop();
      await until(async () => /"by":"second"/.test(await canary() ?? ""), { limit: 15_000, what: "it is taken over" });
    } finally {
      await first.stop();
      await second?.stop();
    }
  });

  it("serves without a record where it may only read, and says so once", async () => {
    const own = await startEtcd();
    try {
      const prefix = `${PREFIX}-reader`;
      await own.put(`${prefix}/routes/1`, route("/1"));
      await own.enableAuth({ root: { password: PASSWORD }, reader: { password: PASSWORD, read: `${prefix}/` } });
      const gateway = await startGatewayProcess({
        flags: ["--etcd", own.url, "--prefix", prefix, "--etcd-user", "reader"],
        environment: { GATEWATCH_ETCD_PASSWORD: PASSWORD },
      });
      try {
        await until(() => gateway.log.includes("is not registered"), { what: "it says so" });
        await sleep(2500);
        assert.equal(gateway.log.split("is not registered").length, 2);
        assert.equal((await gateway.get("/1")).status, 200);
      } finally {
        await gateway.stop();
      }
    } finally {
      await own.close();
    }
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { refusal } from "../support/refusal.ts";
import { until } from "../support/until.ts";

describe("limit-req", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  const SLOW = { rate: 0.001, burst: 0, key: "remote_addr" };
  const limit = (config: Record<string, unknown>) => gateway.route({ "limit-req": config });
  const statuses = async (count: number, headers: Record<string, string> = {}) => {
    const found: number[] = [];
    for (let i = 0; i < count; i++) found.push((await gateway.send("/", { headers })).status);
    return found;
  };

  it("refuses what is above rate and burst with 503 and no body", async () => {
    await limit(SLOW);
    assert.deepEqual(await statuses(2), [200, 503]);
    assert.equal((await gateway.send()).text, "");
  });

  it("rejected_code, rejected_msg", async () => {
    await limit({ ...SLOW, rejected_code: 429, rejected_msg: "slow down" });
    await gateway.send();
    const answer = await gateway.send();
    assert.equal(answer.status, 429);
    assert.deepEqual(answer.json(), { error_msg: "slow down" });
  });

  it("burst with nodelay: lets them through at once", async () => {
    await limit({ ...SLOW, burst: 3, nodelay: true });
    const start = performance.now();
    assert.deepEqual(await statuses(5), [200, 200, 200, 200, 503]);
    assert.ok(performance.now() - start < 5000);
  });

  it("burst: holds back, so that requests go on at the rate", async () => {
    await limit({ rate: 20, burst: 10, key: "remote_addr" });
    const start = performance.now();
    const answers = await Promise.all(Array.from({ length: 6 }, () => gateway.send()));
    const took = performance.now() - start;
    assert.ok(answers.every(({ status }) => status === 200));
    assert.ok(took >= 245, `the sixth waits for 5/20 s: ${took} ms`);
  });

  it("rate: there is room again", async () => {
    await limit({ rate: 4, burst: 0, key: "remote_addr" });
    await until(async () => (await gateway.send()).status === 503, { what: "too fast" });
    await until(async () => (await gateway.send()).status === 200, { what: "room again" });
  });

  it("key, key_type", async () => {
    await limit({ ...SLOW, key: "http_a" });
    assert.deepEqual(await statuses(2, { a: "1" }), [200, 503]);
    assert.deepEqual(await statuses(2, { a: "2" }), [200, 503]);
    assert.deepEqual(await statuses(2), [200, 503], "the address");
    await limit({ ...SLOW, key: "$http_a-$http_b", key_type: "var_combination" });
    assert.deepEqual(await statuses(2, { a: "1", b: "1" }), [200, 503]);
    assert.deepEqual(await statuses(2, { a: "1", b: "2" }), [200, 503]);
    assert.deepEqual(await statuses(2), [200, 503], "the address");
  });

  it("keeps its buckets when only the answer changes", async () => {
    await limit(SLOW);
    assert.deepEqual(await statuses(1), [200]);
    await limit({ ...SLOW, rejected_code: 429 });
    assert.deepEqual(await statuses(1), [429]);
    await limit({ ...SLOW, rate: 0.002 });
    assert.deepEqual(await statuses(2), [200, 503]);
  });

  const wrong: readonly [Record<string, unknown>, string][] = [
    [{ burst: 0, key: "uri" }, "rate: is required"],
    [{ ...SLOW, rate: 0 }, "rate: must be a number greater than 0, is 0"],
    [{ rate: 1, key: "uri" }, "burst: is required"],
    [{ ...SLOW, burst: -1 }, "burst: must be a number of at least 0, is -1"],
    [{ rate: 1, burst: 0 }, "key: is required"],
    [{ ...SLOW, key_type: "constant" }, "key_type: must be one of var, var_combination, is a string"],
    [{ ...SLOW, nodelay: "no" }, 'nodelay: must be true or false, is "no"'],
    [{ ...SLOW, rejected_code: 600 }, "rejected_code: must be an integer from 200 to 599, is 600"],
    [{ ...SLOW, rejected_msg: "" }, 'rejected_msg: must be a string of 1 to 65536 characters, is ""'],
    [{ ...SLOW, allow_degradation: 1 }, "allow_degradation: must be true or false, is 1"],
  ];
  for (const [config, issue] of wrong) {
    it(`refuses a wrong configuration: ${issue}`, async () => {
      assert.deepEqual(await refusal(gateway, "limit-req", config), { state: "rejected", issues: [issue] });
    });
  }

  it("says that it does not support redis-cluster", async () => {
    const { state, issues } = await refusal(gateway, "limit-req", { ...SLOW, policy: "redis-cluster" });
    assert.equal(state, "unsupported");
    assert.deepEqual(issues, ["policy: is redis-cluster, which this gateway does not support: use redis or local"]);
  });
});

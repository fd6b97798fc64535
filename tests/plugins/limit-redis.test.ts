// The limiters' policy redis, against a real server.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createRedisConnector } from "../../src/runtimes/redis.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { refusal } from "../support/refusal.ts";
import { until } from "../support/until.ts";

describe("policy redis", () => {
  let server: RedisServer, gateway: PluginGateway, other: PluginGateway;
  before(async () => {
    server = await startRedis(["--requirepass", "s3cret"]);
    gateway = await startPluginGateway({ redis: createRedisConnector() });
    other = await startPluginGateway({ redis: createRedisConnector() });
  });
  after(async () => {
    await Promise.all([gateway.close(), other.close()]);
    await server.close();
  });

  const redis = (more: Record<string, unknown> = {}) => ({
    policy: "redis",
    redis_host: "127.0.0.1",
    redis_port: server.port,
    redis_password: "s3cret",
    ...more,
  });
  /** The same plugins on route 1 of both gateways. */
  const both = async (plugins: Record<string, unknown>) => {
    await Promise.all([gateway.route(plugins), other.route(plugins)]);
  };
  const statuses = async (from: PluginGateway, count: number, headers: Record<string, string> = {}) => {
    const found: number[] = [];
    for (let i = 0; i < count; i++) found.push((await from.send("/", { headers })).status);
    return found;
  };
  const keys = async (pattern: string) => {
    const { createClient } = await import("@redis/client");
    const client = createClient({ password: "s3cret", socket: { host: "127.0.0.1", port: server.port } });
    await client.connect();
    const found = await client.keys(pattern);
    const ttls = await Promise.all(found.map((key) => client.ttl(key)));
    client.destroy();
    return found.map((key, i) => ({ key, ttl: ttls[i]! }));
  };

  describe("limit-count", () => {
    const limit = (more: Record<string, unknown> = {}) => ({
      "limit-count": { count: 3, time_window: 60, ...redis(), ...more },
    });

    it("counts over gateways, tells the quota, and keeps keys as long as the window", async () => {
      await both(limit());
      const first = await gateway.send();
      assert.deepEqual(["limit", "remaining", "reset"].map((name) => first.header(`x-ratelimit-${name}`)), [
        "3",
        "2",
        "60",
      ]);
      assert.deepEqual(await statuses(other, 3), [200, 200, 503]);
      assert.deepEqual(await statuses(gateway, 1), [503]);
      const found = await keys("gatewatch:limit-count:fixed:route/1:*:127.0.0.1");
      assert.equal(found.length, 1);
      assert.ok(found[0]!.ttl > 50 && found[0]!.ttl <= 60, `${found[0]!.ttl}`);
    });

    it("begins anew where what is counted changes, and goes on where only the answer does", async () => {
      await both(limit({ count: 2 }));
      assert.deepEqual(await statuses(gateway, 3), [200, 200, 503]);
      await both(limit({ count: 2, rejected_code: 429 }));
      assert.deepEqual(await statuses(other, 1), [429]);
      await both(limit({ count: 4 }));
      assert.deepEqual(await statuses(other, 5), [200, 200, 200, 200, 503]);
    });

    for (const window_type of ["fixed", "sliding"]) {
      it(`${window_type}: exactly so many of parallel requests, and again after the window`, async () => {
        const config = limit({ count: 20, time_window: 2, window_type, key: "http_x", redis_database: 2 });
        await both(config);
        // A window that ends meanwhile would let more through: another key each time until one was not cut.
        const passed = await until(async () => {
          const start = performance.now();
          const headers = { x: `${start}` };
          const answers = await Promise.all(
            Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? gateway : other).send("/", { headers })),
          );
          const ok = answers.filter(({ status }) => status === 200);
          const reset = Math.max(...ok.map((answer) => Number(answer.header("x-ratelimit-reset"))));
          return performance.now() - start < reset * 1000 && { count: ok.length, headers };
        }, { what: "60 requests within a window", limit: 20_000 });
        assert.equal(passed.count, 20);
        await until(async () => (await gateway.send("/", { headers: passed.headers })).status === 200, {
          what: "there is room again",
          limit: 6000,
          every: 50,
        });
      });
    }

    it("group: one counter for several routes of several gateways", async () => {
      const { "limit-count": config } = limit({ group: "shared", count: 2 });
      const two = (of: PluginGateway) => ({
        "routes/2": { uri: "/two", upstream: of.upstream, plugins: { "limit-count": config } },
      });
      await gateway.route({ "limit-count": config }, two(gateway));
      await other.route({ "limit-count": config }, two(other));
      assert.equal((await gateway.send("/one")).status, 200);
      assert.equal((await other.send("/two")).status, 200);
      assert.equal((await gateway.send("/two")).status, 503);
    });

    it("rules and variables", async () => {
      await both(limit({
        count: undefined,
        time_window: undefined,
        rules: [
          { count: 1, time_window: 60, key: "$http_user" },
          { count: "${http_n ?? 2}", time_window: 60, key: "$http_room" },
        ],
      }));
      assert.deepEqual(await statuses(gateway, 1, { user: "jack", room: "a" }), [200]);
      assert.deepEqual(await statuses(other, 1, { user: "jack", room: "a" }), [503]);
      assert.deepEqual(await statuses(other, 2, { room: "a" }), [200, 503]);
      assert.deepEqual(await statuses(other, 1, { room: "a", n: "9" }), [200]);
    });

    it("a wrong password: 500, or passing with allow_degradation; the password shows nowhere", async () => {
      await both(limit({ redis_password: "wr0ng" }));
      const answer = await gateway.send();
      assert.equal(answer.status, 500);
      assert.equal(answer.text, '{"error_msg":"failed to limit count"}\n');
      await both(limit({ redis_password: "wr0ng", allow_degradation: true }));
      assert.deepEqual(await statuses(gateway, 5), [200, 200, 200, 200, 200]);
      const told = JSON.stringify([gateway.gateway.status(), gateway.gateway.keys({}), answer.headers, answer.text]);
      assert.doesNotMatch(told, /wr0ng/);
    });

    it("follows a change of where Redis is", async () => {
      const second = await startRedis();
      await both(limit({ count: 1 }));
      assert.deepEqual(await statuses(gateway, 2), [200, 503]);
      await both(limit({ count: 1, redis_port: second.port, redis_password: undefined }));
      assert.deepEqual(await statuses(gateway, 2), [200, 503]);
      const clients = async () => Number(/connected_clients:(\d+)/.exec(await second.ask("INFO clients"))?.[1]);
      // The two gateways', and the asking's own.
      assert.equal(await clients(), 3);
      await Promise.all([gateway.put({ "routes/1": undefined }), other.put({ "routes/1": undefined })]);
      await until(async () => await clients() === 1, { what: "the connections are closed with their routes" });
      await second.close();
    });
  });

  describe("limit-req", () => {
    const limit = (more: Record<string, unknown> = {}) => ({
      "limit-req": { rate: 0.01, burst: 2, nodelay: true, key: "http_x", ...redis(), ...more },
    });

    it("has one bucket over gateways", async () => {
      await both(limit());
      assert.deepEqual(await statuses(gateway, 2, { x: "1" }), [200, 200]);
      assert.deepEqual(await statuses(other, 2, { x: "1" }), [200, 503]);
      assert.deepEqual(await statuses(other, 1, { x: "2" }), [200]);
      assert.deepEqual(
        (await keys("gatewatch:limit-req:*:1")).map(({ ttl }) => ttl > 200 && ttl <= 301),
        [true],
      );
    });

    it("lets exactly burst and one of parallel requests through", async () => {
      await both(limit({ burst: 9 }));
      const headers = { x: "parallel" };
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? gateway : other).send("/", { headers })),
      );
      assert.equal(answers.filter(({ status }) => status === 200).length, 10);
    });

    it("holds back, and leaks", async () => {
      await both(limit({ rate: 10, burst: 3, nodelay: false }));
      const start = performance.now();
      const headers = { x: "late" };
      const answers = await Promise.all(Array.from({ length: 4 }, () => gateway.send("/", { headers })));
      assert.ok(answers.every(({ status }) => status === 200));
      assert.ok(performance.now() - start >= 280, "the fourth waits for 3/10 s");
      await until(async () => (await other.send("/", { headers })).status === 200, { what: "room again" });
    });

    it("500 where Redis is away, or passing with allow_degradation", async () => {
      await both(limit({ redis_password: "wr0ng" }));
      assert.deepEqual(await statuses(gateway, 1), [500]);
      await both(limit({ redis_password: "wr0ng", allow_degradation: true }));
      assert.deepEqual(await statuses(gateway, 2), [200, 200]);
    });
  });

  describe("limit-conn", () => {
    const limit = (more: Record<string, unknown> = {}) => ({
      "limit-conn": { conn: 2, burst: 0, default_conn_delay: 0.1, key: "http_x", ...redis(), ...more },
    });

    it("counts what is under way over gateways, and gives places back", async () => {
      await both(limit({ key_ttl: 100 }));
      const held: (() => void)[] = [];
      for (const { origin } of [gateway, other]) {
        origin.respond = () => new Promise((resolve) => held.push(() => resolve(undefined)));
      }
      const headers = { x: "conn" };
      for (let round = 0; round < 2; round++) {
        let over = 0;
        const answers = Array.from(
          { length: 8 },
          (_, i) =>
            (i % 2 === 0 ? gateway : other).send("/", { headers }).then((answer) => {
              over++;
              return answer.status;
            }),
        );
        await until(() => over + held.length === 8, { what: "each is refused or at an origin" });
        const [key] = await keys("gatewatch:limit-conn:*:conn");
        assert.ok(key !== undefined && key.ttl > 90 && key.ttl <= 100);
        for (const go of held.splice(0)) go();
        const found = await Promise.all(answers);
        assert.equal(found.filter((status) => status === 200).length, 2, `round ${round}`);
        // Leaving is told after the answer.
        await until(async () => (await keys("gatewatch:limit-conn:*:conn")).length === 0, {
          what: "no place is taken",
        });
      }
      for (const { origin } of [gateway, other]) origin.respond = () => undefined;
    });

    it("500 where Redis is away, or passing with allow_degradation", async () => {
      await both(limit({ redis_password: "wr0ng" }));
      assert.deepEqual(await statuses(gateway, 1), [500]);
      await both(limit({ redis_password: "wr0ng", allow_degradation: true }));
      assert.deepEqual(await statuses(gateway, 2), [200, 200]);
    });
  });

  const one = { count: 1, time_window: 10, policy: "redis", redis_host: "127.0.0.1" };
  const wrong: readonly [Record<string, unknown>, string][] = [
    [{ ...one, redis_host: undefined }, "redis_host: is required, as policy is redis"],
    [{ ...one, redis_host: "a" }, 'redis_host: must be a string of 2 to 255 characters, is "a"'],
    [{ ...one, redis_port: 0 }, "redis_port: must be an integer from 1 to 65535, is 0"],
    [{ ...one, redis_username: "" }, 'redis_username: must be a string of 1 to 65536 characters, is ""'],
    [{ ...one, redis_password: 12345 }, "redis_password: must be a string, is a number"],
    [{ ...one, redis_database: -1 }, "redis_database: must be an integer from 0 to 2147483647, is -1"],
    [{ ...one, redis_timeout: 0 }, "redis_timeout: must be an integer from 1 to 60000, is 0"],
    [{ ...one, redis_ssl: "yes" }, 'redis_ssl: must be true or false, is "yes"'],
    [{ ...one, redis_ssl_verify: "no" }, 'redis_ssl_verify: must be true or false, is "no"'],
    [{ ...one, redis_keepalive_timeout: 1 }, "redis_keepalive_timeout: must be an integer of at least 1000, is 1"],
    [{ ...one, redis_keepalive_pool: 0 }, "redis_keepalive_pool: must be an integer of at least 1, is 0"],
    [{ ...one, sync_interval: 0.01 }, "sync_interval: must be -1, or at least 0.1, is 0.01"],
    [{ ...one, sync_interval: 10 }, "sync_interval: must be smaller than time_window"],
  ];
  for (const [config, issue] of wrong) {
    it(`refuses a wrong configuration: ${issue}`, async () => {
      assert.deepEqual(await refusal(gateway, "limit-count", config), { state: "rejected", issues: [issue] });
    });
  }
});

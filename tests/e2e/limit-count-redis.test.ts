// limit-count over two gateways in processes of their own and one Redis, under parallel load, and with Redis killed in the middle of it.
// limit: 120
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Pool } from "undici7";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";

/** What a request came to. */
interface Seen {
  readonly status: number;
  readonly body: string;
  readonly ms: number;
  /** Whether Redis had been killed before it was sent. */
  readonly after: boolean;
}

const TIMEOUT = 1000;

describe("limit-count with Redis", () => {
  let directory = "", origin: Origin, server: RedisServer;
  let gateways: GatewayProcess[] = [], pools: Pool[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-limit-"));
    [origin, server] = await Promise.all([startOrigin(), startRedis()]);
    const upstream = { nodes: { [`127.0.0.1:${origin.port}`]: 1 } };
    const route = (id: string, config: Record<string, unknown>) => ({
      id,
      uri: `/${id}`,
      upstream,
      plugins: {
        "limit-count": {
          time_window: 3600,
          key_type: "constant",
          key: "all",
          policy: "redis",
          redis_host: "127.0.0.1",
          redis_port: server.port,
          redis_timeout: TIMEOUT,
          ...config,
        },
      },
    });
    const routes = [
      route("exact", { count: 333 }),
      // Windows are counted from 1970: this one ends in 2033.
      route("exact-sliding", { count: 222, window_type: "sliding", time_window: 1_000_000_000 }),
      route("strict", { count: 1_000_000 }),
      route("lenient", { count: 1_000_000, allow_degradation: true }),
    ];
    const file = join(directory, "resources.json");
    await writeFile(file, JSON.stringify({ routes }));
    gateways = await Promise.all([0, 1].map(() => startGatewayProcess({ flags: ["--resources", file] })));
    pools = gateways.map(({ url }) => new Pool(url, { connections: 16 }));
  });
  after(async () => {
    await Promise.all(pools.map((pool) => pool.destroy()));
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await server?.close();
    await origin?.close();
    await rm(directory, { recursive: true, force: true });
  });

  let killed = false;
  const ask = async (pool: Pool, path: string): Promise<Seen> => {
    const start = performance.now(), after = killed;
    const { statusCode, body } = await pool.request({ path, method: "GET" });
    return { status: statusCode, body: await body.text(), ms: performance.now() - start, after };
  };
  /** Sixteen clients of each gateway, each asking until told to stop. */
  const load = async (path: string, goOn: (asked: number) => boolean): Promise<Seen[]> => {
    const seen: Seen[] = [];
    let asked = 0;
    const client = async (pool: Pool) => {
      while (goOn(asked++)) seen.push(await ask(pool, path));
    };
    await Promise.all(pools.flatMap((pool) => Array.from({ length: 16 }, () => client(pool))));
    return seen;
  };

  for (const [path, count] of [["/exact", 333], ["/exact-sliding", 222]] as const) {
    it(`lets exactly ${count} of 1000 requests through two gateways (${path})`, async () => {
      const before = origin.requests();
      const seen = await load(path, (asked) => asked < 1000);
      assert.equal(seen.length, 1000);
      assert.equal(seen.filter(({ status }) => status === 200).length, count);
      assert.equal(seen.filter(({ status }) => status === 503).length, 1000 - count);
      assert.equal(origin.requests() - before, count);
    });
  }

  it("Redis killed in the middle of it: 500 at once, or passing with allow_degradation; and counts again once it is back", async () => {
    let stopped = false;
    const strict = load("/strict", () => !stopped);
    const lenient = load("/lenient", () => !stopped);
    const passed = origin.requests() + 500;
    await until(() => origin.requests() > passed, { what: "500 requests passed", limit: 20_000 });
    await server.kill();
    killed = true;
    const since = origin.requests() + 500;
    await until(() => origin.requests() > since, { what: "500 more passed without Redis", limit: 20_000 });
    stopped = true;
    const [refused, degraded] = await Promise.all([strict, lenient]);

    const afterwards = refused.filter(({ after }) => after);
    assert.ok(afterwards.length > 100, `${afterwards.length} requests after the kill`);
    for (const { status, body } of afterwards) {
      assert.equal(status, 500);
      assert.equal(body, '{"error_msg":"failed to limit count"}\n');
    }
    assert.ok(refused.some(({ status, after }) => status === 200 && !after));
    assert.ok(refused.every(({ status }) => status === 200 || status === 500));
    assert.ok(degraded.filter(({ after }) => after).length > 100);
    assert.deepEqual(degraded.filter(({ status }) => status !== 200), []);
    const slowest = Math.max(...[...refused, ...degraded].map(({ ms }) => ms));
    assert.ok(slowest < 2 * TIMEOUT, `the slowest took ${slowest} ms`);

    // Told once a gateway, not once a request.
    const told = (gateway: GatewayProcess) => gateway.log.split("\n").filter((line) => /"Redis at .* fails/.test(line));
    for (const gateway of gateways) {
      await until(() => told(gateway).length > 0, { what: "the log tells of it" });
      assert.equal(told(gateway).length, 1, gateway.log.slice(0, 2000));
    }
    killed = false;
    await server.start();
    for (const pool of pools) {
      await until(async () => (await ask(pool, "/strict")).status === 200, { what: "it counts again" });
    }
  });
});

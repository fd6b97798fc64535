// The connection to Redis: a real server that is killed, frozen, protected, and under TLS.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RedisConnection, RedisScript, RedisTarget } from "../../../src/pipeline/redis.ts";
import { createRedisConnector } from "../../../src/runtimes/redis.ts";
import { createAuthority } from "../../support/authority.ts";
import { freePorts } from "../../support/etcd.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import { until } from "../../support/until.ts";

const INCREMENT: RedisScript = { source: "return redis.call('INCRBY', KEYS[1], ARGV[1])" };
const FAIL: RedisScript = { source: "return redis.error_reply('OOM no room')" };
const MIXED: RedisScript = { source: "return {1, 'a', KEYS[1], ARGV[1]}" };

function target(port: number, more: Partial<RedisTarget> = {}): RedisTarget {
  return { host: "127.0.0.1", port, database: 0, timeout: 1000, tls: false, verify: true, ...more };
}

describe("Redis connection", () => {
  let server: RedisServer;
  const open: RedisConnection[] = [];
  const connect = (to: RedisTarget, ca?: string): RedisConnection => {
    const connection = createRedisConnector(ca === undefined ? {} : { ca })(to);
    open.push(connection);
    return connection;
  };
  before(async () => {
    server = await startRedis();
  });
  after(async () => {
    for (const connection of open) connection.close();
    await server.close();
  });

  it("runs scripts, many at a time", async () => {
    const connection = connect(target(server.port, { timeout: 20_000 }));
    assert.deepEqual(await connection.run(MIXED, "key", ["argument"]), [1, "a", "key", "argument"]);
    const counts = await Promise.all(Array.from({ length: 500 }, () => connection.run(INCREMENT, "many", [1])));
    assert.deepEqual(counts, Array.from({ length: 500 }, (_, i) => i + 1));
  });

  it("runs a script that the server has forgotten", async () => {
    const connection = connect(target(server.port));
    await connection.run(INCREMENT, "forgotten", [1]);
    assert.equal(await server.ask("SCRIPT FLUSH"), "+OK\r\n");
    assert.equal(await connection.run(INCREMENT, "forgotten", [1]), 2);
  });

  it("tells an error of the server and goes on with the connection", async () => {
    const connection = connect(target(server.port));
    await connection.run(INCREMENT, "errors", [1]);
    const before = await server.ask("INFO stats");
    await assert.rejects(connection.run(FAIL, "errors", []), /OOM no room/);
    assert.equal(await connection.run(INCREMENT, "errors", [1]), 2);
    const made = (text: string) => Number(/total_connections_received:(\d+)/.exec(text)?.[1]);
    // Only the asking's own.
    assert.equal(made(await server.ask("INFO stats")), made(before) + 1);
  });

  it("uses the database that is named", async () => {
    await connect(target(server.port, { database: 3 })).run(INCREMENT, "in-three", [7]);
    assert.match(await server.ask("INFO keyspace"), /db3:keys=1/);
  });

  it("ends once nothing waits, and connects again for who comes late", async () => {
    const connection = connect(target(server.port));
    const under = connection.run(INCREMENT, "late", [1]);
    connection.close();
    assert.equal(await under, 1);
    assert.equal(await connection.run(INCREMENT, "late", [1]), 2);
  });

  it("fails at once while the server is away, and works again once it is back", async () => {
    const own = await startRedis();
    const connection = connect(target(own.port));
    assert.equal(await connection.run(INCREMENT, "back", [1]), 1);
    await own.kill();
    await assert.rejects(connection.run(INCREMENT, "back", [1]));
    const start = performance.now();
    for (let i = 0; i < 200; i++) await assert.rejects(connection.run(INCREMENT, "back", [1]));
    assert.ok(performance.now() - start < 900, "200 failures take less than one timeout");
    await own.start();
    assert.equal(
      await until(() => connection.run(INCREMENT, "back", [1]), { what: "the connection is back" }),
      1,
    );
    await own.close();
  });

  it("waits no longer than its timeout for a server that hangs, and works again once it answers", async () => {
    const own = await startRedis();
    const connection = connect(target(own.port, { timeout: 500 }));
    await until(() => connection.run(INCREMENT, "hang", [1]), { what: "it is connected" });
    own.freeze();
    const start = performance.now();
    const failed = await Promise.allSettled(
      Array.from({ length: 50 }, () => connection.run(INCREMENT, "hang", [1])),
    );
    const took = performance.now() - start;
    assert.ok(failed.every(({ status }) => status === "rejected"));
    assert.ok(took >= 490 && took < 2000, `${took} ms`);
    // A new connection is accepted by the kernel, and must not hang either.
    const again = performance.now();
    await until(async () => {
      const [result] = await Promise.allSettled([connection.run(INCREMENT, "hang", [1])]);
      return /within 500 ms/.test(String((result as PromiseRejectedResult).reason));
    }, { what: "a new connection hangs, too" });
    assert.ok(performance.now() - again < 5000);
    own.thaw();
    const count = await until(() => connection.run(INCREMENT, "hang", [1]), { what: "the server answers again" });
    assert.ok(Number(count) >= 2);
    await own.close();
  });

  it("connects anew after the server closed the connection", async () => {
    const connection = connect(target(server.port));
    await connection.run(INCREMENT, "closed", [1]);
    const connections = async () => Number(/connected_clients:(\d+)/.exec(await server.ask("INFO clients"))?.[1]);
    assert.match(await server.ask("CLIENT KILL TYPE normal SKIPME yes"), /^:[1-9]/);
    await until(async () => await connections() === 1, { what: "only the asking's own is left" });
    // The end may not have been read yet, which is a failure like any other.
    await until(() => connection.run(INCREMENT, "closed", [1]), { what: "it answers" });
  });

  it("does not try again at once where nobody listens", async () => {
    let tries = 0;
    const { createServer } = await import("node:net");
    const closing = createServer((socket) => {
      tries++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve));
    const { port } = closing.address() as { port: number };
    const connection = connect(target(port, { password: "any" }));
    const start = performance.now();
    let asked = 0;
    while (performance.now() - start < 500) {
      await assert.rejects(connection.run(INCREMENT, "closing", [1]));
      if (++asked % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // With pauses of 50, 100, 200, 400 ms.
    assert.ok(asked > 100 && tries >= 2 && tries <= 6, `${tries} tries for ${asked} requests`);
    closing.close();
  });

  it("fails where nobody listens, within its timeout", async () => {
    const [port] = await freePorts(1) as [number];
    await assert.rejects(connect(target(port)).run(INCREMENT, "nobody", [1]), /ECONNREFUSED|refused/i);
  });

  it("logs in by password, and by user and password; refused otherwise, without telling the password", async () => {
    const own = await startRedis(["--requirepass", "s3cret", "--user", "jack", "on", ">jacks", "~*", "+@all"]);
    assert.equal(await connect(target(own.port, { password: "s3cret" })).run(INCREMENT, "login", [1]), 1);
    const jack = { username: "jack", password: "jacks" };
    assert.equal(await connect(target(own.port, jack)).run(INCREMENT, "login", [1]), 2);
    await assert.rejects(connect(target(own.port)).run(INCREMENT, "login", [1]), /NOAUTH/);
    await assert.rejects(connect(target(own.port, { password: "wr0ng" })).run(INCREMENT, "login", [1]), (error) => {
      assert.match(String(error), /WRONGPASS/);
      assert.doesNotMatch(String(error), /wr0ng/);
      return true;
    });
    await own.close();
  });

  it("speaks TLS, and takes only a certificate of a known authority unless told otherwise", async () => {
    const authority = createAuthority();
    const { cert, key } = authority.issue("IP:127.0.0.1");
    const directory = await mkdtemp(join(tmpdir(), "redis-tls-"));
    await writeFile(join(directory, "cert"), cert);
    await writeFile(join(directory, "key"), key);
    const own = await startRedis([
      ...["--port", "0", "--tls-port", "PORT", "--tls-auth-clients", "no"],
      ...["--tls-cert-file", join(directory, "cert"), "--tls-key-file", join(directory, "key")],
      ...["--tls-ca-cert-file", join(directory, "cert")],
    ]);
    const tls = target(own.port, { tls: true });
    assert.equal(await connect(tls, authority.ca).run(INCREMENT, "tls", [1]), 1);
    assert.equal(await connect({ ...tls, verify: false }).run(INCREMENT, "tls", [1]), 2);
    await assert.rejects(connect(tls).run(INCREMENT, "tls", [1]));
    await assert.rejects(connect(tls, createAuthority().ca).run(INCREMENT, "tls", [1]));
    assert.equal(await connect(tls, authority.ca).run(INCREMENT, "tls", [1]), 3);
    await own.close();
    await rm(directory, { recursive: true });
  });
});

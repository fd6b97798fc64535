// Several processes that serve the same port: who has crashed is replaced, a change reaches all, and they are asked as one.
// runtimes: deno, bun
// waits
import assert from "node:assert/strict";
import { Agent, get } from "node:http";
import { createServer } from "node:net";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { type EtcdServer, freePorts, startEtcd } from "../support/etcd.ts";
import { currentRuntime, type GatewayProcess, runGatewatch, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";

const PREFIX = "/workers";

interface Status {
  readonly revision: number | null;
  readonly requests: number;
  readonly workers: readonly {
    readonly pid: number | null;
    readonly ready: boolean;
    readonly restarts: number;
    readonly lastExit: unknown;
  }[];
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe(`several workers on ${currentRuntime()}`, () => {
  let etcd: EtcdServer, origin: Origin, gateway: GatewayProcess;

  const start = (...flags: readonly string[]): Promise<GatewayProcess> =>
    startGatewayProcess({
      flags: ["--etcd", etcd.url, "--prefix", PREFIX, "--workers", "2", "--drain-timeout", "5s", ...flags],
    });
  const status = async (): Promise<Status> => JSON.parse((await gateway.control("/status")).body) as Status;
  const pids = async (): Promise<number[]> => (await status()).workers.map(({ pid }) => pid ?? 0);
  const all = (limit = 20_000): Promise<unknown> =>
    until(async () => {
      const { workers } = await status();
      return workers.length === 2 && workers.every(({ ready }) => ready);
    }, { limit, what: "both workers are ready" });
  const metric = async (name: string): Promise<number> => {
    const { body } = await gateway.control("/metrics");
    return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "m").exec(body)?.[1]);
  };

  before(async () => {
    etcd = await startEtcd();
    origin = await startOrigin("well");
    const upstream = { nodes: { [`127.0.0.1:${origin.port}`]: 1 } };
    await etcd.put(`${PREFIX}/routes/1`, JSON.stringify({ uri: "/*", upstream, plugins: { prometheus: {} } }));
    gateway = await start();
    await all();
  });

  after(async () => {
    await gateway?.stop();
    await origin?.close();
    await etcd?.close();
  });

  it("serves, and every worker has a change once /wait has it", async () => {
    const revision = await etcd.put(
      `${PREFIX}/routes/2`,
      JSON.stringify({ uri: "/gone", plugins: { "fault-injection": { abort: { http_status: 410 } } } }),
    );
    assert.equal((await gateway.control(`/wait?revision=${revision}`)).status, 200);
    // Each on a connection of its own, which the kernel gives to one or the other.
    for (let i = 0; i < 20; i++) assert.equal((await gateway.get("/gone")).status, 410);
    assert.ok(((await status()).revision ?? 0) >= revision);
  });

  it("counts as one what each of them counts, also once one has crashed and was replaced", async () => {
    const counted = await metric("apisix_http_requests_total");
    for (let i = 0; i < 40; i++) assert.equal((await gateway.get("/x")).body, "well");
    assert.equal(await metric("apisix_http_requests_total"), counted + 40);
    assert.equal((await status()).requests, counted + 40);
    assert.equal(await metric("gatewatch_worker_restarts_total"), 0);
    const [first] = await pids();
    process.kill(first!, "SIGKILL");
    await until(async () => (await status()).workers.some(({ restarts }) => restarts === 1), { what: "it is noticed" });
    await all();
    assert.ok(!(await pids()).includes(first!));
    assert.equal(await metric("gatewatch_worker_restarts_total"), 1);
    assert.equal(await metric("apisix_http_requests_total"), counted + 40);
    for (let i = 0; i < 10; i++) assert.equal((await gateway.get("/x")).status, 200);
    assert.equal(await metric("apisix_http_requests_total"), counted + 50);
    assert.equal((await status()).requests, counted + 50);
    assert.match(gateway.log, /Worker 1 .*ended with SIGKILL/);
  });

  it("SIGHUP replaces all of them under load, and costs no request", async () => {
    const before = await pids();
    const agent = new Agent({ keepAlive: true });
    const errors: string[] = [];
    let going = true, asked = 0;
    const client = async (): Promise<void> => {
      while (going) {
        asked++;
        const error = await new Promise<string | undefined>((resolve) => {
          get(`${gateway.url}/x`, { agent }, (response) => {
            response.resume().once("end", () => resolve(response.statusCode === 200 ? undefined : "status"));
          }).once("error", ({ message }) => resolve(message));
        });
        if (error !== undefined) errors.push(error);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    const clients = Array.from({ length: 8 }, client);
    gateway.signal("SIGHUP");
    await until(async () => (await pids()).every((pid) => !before.includes(pid)), {
      limit: 60_000,
      what: "all are new",
    });
    await until(() => before.every((pid) => !alive(pid)), { limit: 10_000, what: "the old ones have ended" });
    going = false;
    await Promise.all(clients);
    agent.destroy();
    assert.deepEqual(errors, []);
    assert.ok(asked > 20);
    assert.equal((await status()).workers.reduce((sum, { restarts }) => sum + restarts, 0), 1, "none of it is a crash");
  });

  it("registers one instance, explains, and answers what it does not know", async () => {
    const records = await etcd.all(`${PREFIX}/_instances/`);
    assert.equal(records.size, 1);
    assert.equal((await gateway.control("/upstreams")).status, 200);
    assert.equal((await gateway.control("/nothing")).status, 404);
    const { status: found } = await runGatewatch([
      "explain",
      "GET",
      `http://a/x`,
      "--control",
      `127.0.0.1:${gateway.controlPort}`,
    ]);
    assert.equal(found, 0);
  });

  it("SIGTERM lets requests in flight finish, and leaves nobody behind", async () => {
    const own = await pids();
    const slow = gateway.get("/slow");
    await until(() => origin.waiting() > 0, { what: "the request is at the origin" });
    const ended = gateway.stop();
    await until(async () => (await gateway.control("/ready").catch(() => ({ status: 503 }))).status === 503, {
      what: "it is no longer ready",
    });
    origin.release();
    assert.equal((await slow).status, 200);
    await ended;
    assert.deepEqual(gateway.exit, { status: 0, signal: null });
    await until(() => own.every((pid) => !alive(pid)), { what: "the workers have ended" });
  });

  it("workers end by themselves where their supervisor is killed", async () => {
    const later = await startOrigin("late");
    const upstream = { nodes: { [`127.0.0.1:${later.port}`]: 1 } };
    await etcd.put(`${PREFIX}/routes/3`, JSON.stringify({ uri: "/slow-later", upstream }));
    gateway = await start();
    const own = await pids();
    const slow = gateway.get("/slow-later");
    await until(() => later.waiting() > 0, { what: "the request is at the origin" });
    gateway.signal("SIGKILL");
    // One of the two has nothing to finish.
    await until(() => own.some((pid) => !alive(pid)), { limit: 10_000, what: "one has noticed" });
    later.release();
    assert.equal((await slow).body, "late", "the request in flight was finished");
    await until(() => own.every((pid) => !alive(pid)), { limit: 10_000, what: "the workers have ended" });
    await later.close();
  });

  it("refuses what cannot be, and says why", async () => {
    const run = (...flags: readonly string[]) => runGatewatch(["run", "--etcd", etcd.url, ...flags]);
    for (const count of ["0", "many", "1.5", "1000"]) {
      const { status, stderr } = await run("--workers", count);
      assert.equal(status, 2);
      assert.match(stderr, /^gatewatch: --workers: Cannot read ".*" as a number of workers: write 1 to 256, or auto$/m);
    }
    const any = await run("--workers", "2", "--listen", "127.0.0.1:0");
    assert.equal(any.status, 2);
    assert.match(any.stderr, /--workers: Needs a port in --listen/);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const [control] = await freePorts(1);
    const taken = await run("--workers", "2", "--listen", `127.0.0.1:${port}`, "--control", `127.0.0.1:${control}`);
    server.close();
    assert.equal(taken.status, 1);
    assert.match(taken.stderr, new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${port}: the port is taken`));
  });
});

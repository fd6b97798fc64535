import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { type GatewayAnswer, type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { rawConnect } from "../support/raw.ts";
import { refusal } from "../support/refusal.ts";
import { until } from "../support/until.ts";

describe("limit-conn", () => {
  let gateway: PluginGateway;
  /** Requests that the origin keeps waiting. */
  let held: (() => void)[] = [];
  before(async () => {
    gateway = await startPluginGateway();
    gateway.origin.respond = () => new Promise((resolve) => held.push(() => resolve(undefined)));
  });
  after(async () => {
    release();
    await gateway.close();
  });

  const ONE = { conn: 1, burst: 0, default_conn_delay: 0.1, key: "remote_addr" };
  const limit = (config: Record<string, unknown>) => gateway.route({ "limit-conn": config });
  const release = () => {
    for (const go of held) go();
    held = [];
  };
  /** Sends so many at once and waits until each is refused or at the origin; then lets these end. */
  const burst = async (count: number, headers: Record<string, string> = {}): Promise<GatewayAnswer[]> => {
    let over = 0;
    const answers = Array.from({ length: count }, () =>
      gateway.send("/", { headers }).then((answer) => {
        over++;
        return answer;
      }));
    await until(() => over + held.length === count, { what: `${count} requests are refused or at the origin` });
    release();
    return await Promise.all(answers);
  };
  const counts = (answers: readonly GatewayAnswer[]) => {
    const found: Record<number, number> = {};
    for (const { status } of answers) found[status] = (found[status] ?? 0) + 1;
    return found;
  };

  it("lets conn requests be under way, and refuses more with 503 and no body", async () => {
    await limit({ ...ONE, conn: 3 });
    const answers = await burst(10);
    assert.deepEqual(counts(answers), { 200: 3, 503: 7 });
    assert.equal(answers.find(({ status }) => status === 503)?.text, "");
    assert.deepEqual(counts(await burst(10)), { 200: 3, 503: 7 }, "every place was given back");
  });

  it("rejected_code, rejected_msg", async () => {
    await limit({ ...ONE, rejected_code: 429, rejected_msg: "too many" });
    const refused = (await burst(2)).find(({ status }) => status === 429);
    assert.deepEqual(refused?.json(), { error_msg: "too many" });
  });

  it("burst: holds back, longer the more there are", async () => {
    await limit({ ...ONE, burst: 2, default_conn_delay: 0.15 });
    const start = performance.now();
    const answers = burst(4);
    await until(() => held.length === 1, { what: "the first is at the origin" });
    await until(() => held.length === 2, { what: "the second is at the origin" });
    const second = performance.now() - start;
    await until(() => held.length === 0, { what: "all are" });
    const third = performance.now() - start;
    assert.deepEqual(counts(await answers), { 200: 3, 503: 1 });
    assert.ok(second >= 145, `${second} ms`);
    assert.ok(third >= 295, `${third} ms`);
  });

  it("only_use_default_delay: holds all back for the same time", async () => {
    await limit({ ...ONE, burst: 5, default_conn_delay: 0.2, only_use_default_delay: true });
    const start = performance.now();
    assert.deepEqual(counts(await burst(6)), { 200: 6 });
    const took = performance.now() - start;
    assert.ok(took >= 195 && took < 900, `all after 0.2 s, the sixth not after 1 s: ${took} ms`);
  });

  it("key, key_type", async () => {
    await limit({ ...ONE, key: "http_a" });
    const [some, others, none] = await Promise.all([
      gateway.send("/", { headers: { a: "1" } }).then(({ status }) => status),
      gateway.send("/", { headers: { a: "2" } }).then(({ status }) => status),
      gateway.send("/").then(({ status }) => status),
      until(() => held.length === 3, { what: "each has its own count" }).then(release),
    ]);
    assert.deepEqual([some, others, none], [200, 200, 200]);
    assert.deepEqual(counts(await burst(2, { a: "1" })), { 200: 1, 503: 1 });
    await limit({ ...ONE, key: "$http_a$http_b", key_type: "var_combination" });
    assert.deepEqual(counts(await burst(3, { a: "1", b: "2" })), { 200: 1, 503: 2 });
    assert.deepEqual(counts(await burst(3)), { 200: 1, 503: 2 });
  });

  it("conn and burst from variables", async () => {
    await limit({ ...ONE, conn: "${http_conn ?? 2}", burst: "${http_burst ?? 0}", default_conn_delay: 0.01 });
    assert.deepEqual(counts(await burst(4)), { 200: 2, 503: 2 });
    assert.deepEqual(counts(await burst(4, { conn: "1", burst: "2" })), { 200: 3, 503: 1 });
    for (const bad of ["0", "-1", "1.5", "many", "9007199254740993"]) {
      assert.deepEqual(counts(await burst(1, { conn: bad })), { 500: 1 }, bad);
    }
    assert.deepEqual(counts(await burst(1, { burst: "-1" })), { 500: 1 });
    await limit({ ...ONE, conn: "$http_conn", allow_degradation: true });
    assert.deepEqual(counts(await burst(3)), { 200: 3 });
  });

  it("rules: each that applies", async () => {
    await limit({
      default_conn_delay: 0.01,
      rules: [
        { conn: 1, burst: 0, key: "$http_user" },
        { conn: "${http_conn ?? 2}", burst: 0, key: "$http_project" },
      ],
    });
    assert.deepEqual(counts(await burst(3, { user: "jack" })), { 200: 1, 503: 2 });
    assert.deepEqual(counts(await burst(3, { project: "apisix" })), { 200: 2, 503: 1 });
    assert.deepEqual(counts(await burst(3, { project: "apisix", conn: "1" })), { 200: 1, 503: 2 });
    assert.deepEqual(counts(await burst(3, { user: "jack", project: "apisix" })), { 200: 1, 503: 2 });
    assert.deepEqual(counts(await burst(2, { user: "jack", project: "apisix" })), { 200: 1, 503: 1 });
    assert.deepEqual(counts(await burst(1)), { 500: 1 }, "no rule applies");
  });

  it("gives the place back when the client goes", async () => {
    await limit(ONE);
    const client = await rawConnect(gateway.port);
    await client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => held.length === 1, { what: "it is at the origin" });
    assert.equal((await gateway.send()).status, 503);
    client.destroy();
    await until(async () => {
      const asked = gateway.send();
      await until(() => held.length === 2, { what: "another is at the origin", limit: 100 });
      release();
      return (await asked).status === 200;
    }, { what: "its place is free" });
  });

  it("counts a WebSocket until it is closed", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const upstream = { nodes: { [`127.0.0.1:${port}`]: 1 } };
    const plugins = { "limit-conn": ONE };
    await gateway.route({}, { "routes/1": { uri: "/*", enable_websocket: true, upstream, plugins } });
    const open = () =>
      new Promise<WebSocket | number>((resolve, reject) => {
        const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`);
        socket.once("open", () => resolve(socket));
        socket.once("unexpected-response", (_, { statusCode }) => resolve(statusCode ?? 0));
        socket.once("error", reject);
      });
    const first = await open();
    assert.ok(first instanceof WebSocket);
    assert.equal(await open(), 503);
    first.close();
    const second = await until(async () => {
      const opened = await open();
      return typeof opened === "number" ? undefined : opened;
    }, { what: "its place is free" });
    second.terminate();
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  it("keeps counting those under way when conn changes", async () => {
    await limit({ ...ONE, conn: 5 });
    const first = gateway.send();
    await until(() => held.length === 1, { what: "it is at the origin" });
    await limit(ONE);
    assert.equal((await gateway.send()).status, 503);
    release();
    assert.equal((await first).status, 200);
    assert.deepEqual(counts(await burst(2)), { 200: 1, 503: 1 });
  });

  const wrong: readonly [Record<string, unknown>, string][] = [
    [{ burst: 0, default_conn_delay: 1, key: "uri" }, "conn: is required, unless there are rules"],
    [{ conn: 1, default_conn_delay: 1, key: "uri" }, "burst: is required, unless there are rules"],
    [{ conn: 1, burst: 0, key: "uri" }, "default_conn_delay: is required"],
    [{ conn: 1, burst: 0, default_conn_delay: 1 }, "key: is required, unless there are rules"],
    [{ ...ONE, conn: 0 }, "conn: must be an integer of at least 1, is 0"],
    [{ ...ONE, burst: -1 }, "burst: must be an integer of at least 0, is -1"],
    [{ ...ONE, default_conn_delay: 0 }, "default_conn_delay: must be a number of seconds greater than 0, is 0"],
    [{ ...ONE, only_use_default_delay: 1 }, "only_use_default_delay: must be true or false, is 1"],
    [{ ...ONE, key_type: "constant" }, "key_type: must be one of var, var_combination, is a string"],
    [{ ...ONE, rules: [{ conn: 1, burst: 0, key: "$uri" }] }, "rules: must not be there beside conn, burst and key"],
    [{ default_conn_delay: 1, rules: [{ conn: 1, key: "$uri" }] }, "rules[0].burst: is required"],
    [{ ...ONE, rejected_code: 100 }, "rejected_code: must be an integer from 200 to 599, is 100"],
    [{ ...ONE, rejected_msg: "" }, 'rejected_msg: must be a string of 1 to 65536 characters, is ""'],
    [{ ...ONE, allow_degradation: 1 }, "allow_degradation: must be true or false, is 1"],
  ];
  for (const [config, issue] of wrong) {
    it(`refuses a wrong configuration: ${issue}`, async () => {
      assert.deepEqual(await refusal(gateway, "limit-conn", config), { state: "rejected", issues: [issue] });
    });
  }

  it("says that it does not support redis-cluster", async () => {
    const { state, issues } = await refusal(gateway, "limit-conn", { ...ONE, policy: "redis-cluster" });
    assert.equal(state, "unsupported");
    assert.deepEqual(issues, ["policy: is redis-cluster, which this gateway does not support: use redis or local"]);
  });
});

import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { after, before, describe, it } from "node:test";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";

const ROUTES = 100;

describe("100 routes in one transaction", () => {
  let etcd: EtcdServer, origin: Origin, gateway: GatewayProcess;
  before(async () => {
    [etcd, origin] = await Promise.all([startEtcd(), startOrigin()]);
    gateway = await startGatewayProcess({ flags: ["--etcd", etcd.url, "--prefix", "/test", "--hold-deletes", "0"] });
  });
  after(async () => {
    await gateway?.stop();
    await origin?.close();
    await etcd?.close();
  });

  it("appear together and go together while requests run", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    /** Asks on one kept connection, so that answers come in the order of the requests. */
    const status = (path: string) =>
      new Promise<number>((resolve, reject) => {
        const asked = request(`${gateway.url}${path}`, { agent }, (response) => {
          response.resume();
          response.on("end", () => resolve(response.statusCode ?? 0));
        });
        asked.on("error", reject);
        asked.end();
      });

    const answers: { path: string; status: number }[] = [];
    let stopped = false;
    const asking = (async () => {
      for (let i = 0; !stopped; i++) {
        // Hops over the table, so that a half-applied one would show whichever half it is.
        const path = `/r/${(i * 37) % ROUTES}`;
        answers.push({ path, status: await status(path) });
      }
    })();

    try {
      const upstream = { nodes: { [`127.0.0.1:${origin.port}`]: 1 } };
      const keys = Array.from({ length: ROUTES }, (_, i) => `/test/routes/${i}`);
      for (let round = 0; round < 5; round++) {
        answers.length = 0;
        await until(() => answers.length > 20, { what: "requests run" });
        await etcd.txn(keys.map((key, i) => ({ key, value: JSON.stringify({ uri: `/r/${i}`, upstream }) })));
        await until(() => answers.filter((answer) => answer.status === 200).length > 2 * ROUTES, {
          what: "the routes are served",
        });
        switchesOnce(404, 200);

        answers.length = 0;
        await until(() => answers.length > 20, { what: "requests run" });
        await etcd.txn(keys.map((key) => ({ key })));
        await until(() => answers.filter((answer) => answer.status === 404).length > 2 * ROUTES, {
          what: "the routes are gone",
        });
        switchesOnce(200, 404);
      }
    } finally {
      stopped = true;
      await asking;
      agent.destroy();
    }

    /** Every answer before one moment is `from`, every later one is `to`: no request saw some of the routes. */
    function switchesOnce(from: number, to: number): void {
      const statuses = answers.map((answer) => answer.status);
      const first = statuses.indexOf(to);
      assert.ok(first > 0, `no answer was ${from}`);
      assert.deepEqual(new Set(statuses.slice(0, first)), new Set([from]));
      assert.deepEqual(new Set(statuses.slice(first)), new Set([to]));
    }
  });
});

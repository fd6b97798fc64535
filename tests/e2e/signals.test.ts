// waits
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { currentRuntime, type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";

// Node has no native listener.
const listeners = currentRuntime() === "node" ? ["http1", "node"] : ["http1", "node", "native"];

for (const listener of listeners) {
  describe(`signals with the ${listener} listener`, () => {
    let directory = "";
    const gateways: GatewayProcess[] = [], origins: Origin[] = [];
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), "gatewatch-signals-"));
    });
    after(async () => {
      for (const gateway of gateways) {
        gateway.signal("SIGKILL");
        await gateway.exited;
      }
      await Promise.all(origins.map((origin) => origin.close()));
      await rm(directory, { recursive: true, force: true });
    });

    /** A gateway over a resources file, with a request in flight. */
    async function withRequestInFlight(...flags: readonly string[]) {
      const origin = await startOrigin();
      origins.push(origin);
      const file = join(directory, `${origin.port}.json`);
      await writeFile(
        file,
        JSON.stringify({ routes: [{ id: 1, uri: "/*", upstream: { nodes: { [`127.0.0.1:${origin.port}`]: 1 } } }] }),
      );
      const gateway = await startGatewayProcess({ flags: ["--resources", file, "--listener", listener, ...flags] });
      gateways.push(gateway);
      const answer = gateway.get("/slow").then(
        ({ status, body }) => `${status} ${body}`,
        (error: Error) => `cut: ${error.message}`,
      );
      await until(() => origin.waiting() === 1, { what: "the request reached the origin" });
      return { gateway, origin, answer };
    }

    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      it(`${signal} stops accepting, lets the request in flight finish, and ends with 0`, async () => {
        const { gateway, origin, answer } = await withRequestInFlight();
        gateway.signal(signal);
        await until(async () => {
          const ready = await gateway.control("/ready");
          return ready.status === 503 && ready.body.includes("draining");
        }, { what: "it says that it drains" });
        await until(() => gateway.get("/").then(() => false, () => true), { what: "nothing new is accepted" });
        assert.equal(gateway.exit, undefined);
        origin.release();
        assert.equal(await answer, "200 HelloWorld");
        assert.deepEqual(await gateway.exited, { status: 0, signal: null });
      });
    }

    it("the end of the drain time cuts what is still in flight, and ends with 0", async () => {
      const { gateway, answer } = await withRequestInFlight("--drain-timeout", "300ms");
      const start = performance.now();
      gateway.signal("SIGTERM");
      assert.deepEqual(await gateway.exited, { status: 0, signal: null });
      const ms = performance.now() - start;
      assert.ok(ms >= 250 && ms < 5000, `it took ${ms.toFixed(0)} ms`);
      assert.match(await answer, /^(cut|50[0-9])/);
      assert.match(gateway.log, /still in flight/);
    });

    it("a second signal ends it at once with 130", async () => {
      const { gateway, answer } = await withRequestInFlight();
      gateway.signal("SIGTERM");
      await until(() => gateway.log.includes("no longer accepting"), { what: "the first signal was seen" });
      const start = performance.now();
      gateway.signal("SIGINT");
      assert.deepEqual(await gateway.exited, { status: 130, signal: null });
      assert.ok(performance.now() - start < 2000);
      assert.match(await answer, /^cut/);
    });
  });
}

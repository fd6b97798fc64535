// Every example runs, on the runtime that it is for.
// runtimes: node
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { type EtcdServer, freePorts, startEtcd } from "../support/etcd.ts";
import { ask, GatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";
import { ROOT } from "../../scripts/root.ts";

const COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "embed-bun.ts": ["bun"],
  "embed-deno.ts": ["deno", "run", "-A", "--no-check"],
  "embed-node.ts": ["node"],
};

describe("examples/", () => {
  let etcd: EtcdServer, origin: Origin;

  before(async () => {
    [etcd, origin] = [await startEtcd(), await startOrigin()];
  });

  after(async () => {
    await etcd?.close();
    await origin?.close();
  });

  it("are all named here", () => {
    const files = readdirSync(join(ROOT, "examples")).filter((name) => name.endsWith(".ts"));
    assert.deepEqual(files.sort(), Object.keys(COMMANDS).sort());
  });

  for (const [file, [program, ...args]] of Object.entries(COMMANDS)) {
    it(`${file} routes what etcd names, lets the rest fall through, and ends by itself`, async () => {
      await etcd.del("/gatewatch/", { prefix: true });
      const [port = 0] = await freePorts(1);
      const child = spawn(join(ROOT, "node_modules/.bin", program), [...args, join(ROOT, "examples", file)], {
        cwd: ROOT,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, PORT: String(port), ETCD: etcd.url },
      });
      const example = new GatewayProcess(child, port, 0);
      const status = async (path: string): Promise<number> => (await ask(`${example.url}${path}`)).status;
      try {
        await until(async () => example.exit !== undefined || await status("/health") === 200, {
          limit: 20_000,
          what: `${file} is up`,
        });
        assert.equal(example.exit, undefined, example.log);
        assert.equal(await status("/api/x"), 404);
        await etcd.put(
          "/gatewatch/routes/1",
          JSON.stringify({
            uri: "/api/*",
            upstream: { type: "roundrobin", nodes: { [`127.0.0.1:${origin.port}`]: 1 } },
          }),
        );
        await until(async () => await status("/api/x") === 200, { what: "the route is served" });
        assert.equal((await ask(`${example.url}/api/x`)).body, "HelloWorld");
        assert.equal((await ask(`${example.url}/health`)).body, "ok");
        await etcd.del("/gatewatch/routes/1");
        await until(async () => await status("/api/x") === 404, { what: "the route is gone" });
      } finally {
        const exit = await example.stop();
        assert.deepEqual(exit, { status: 0, signal: null }, example.log);
      }
    });
  }
});

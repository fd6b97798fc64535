// The demo: `npm start` and `npm run start:etcd`, as a newcomer runs them.
// runtimes: node
// waits
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { freePorts, run } from "../support/etcd.ts";
import { ask, GatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";
import { ROOT } from "../../scripts/root.ts";

/** Two ports next to each other for etcd's clients and peers, and three more. */
async function startDemo(script: string, args: readonly string[]): Promise<GatewayProcess & { origin: number }> {
  const [port = 0, control = 0, origin = 0] = await freePorts(3);
  const child = spawn(
    "npm",
    [
      ...["run", "--silent", script, "--", "--listen", `127.0.0.1:${port}`, "--control", `127.0.0.1:${control}`],
      ...["--origin", String(origin), ...args],
    ],
    { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env: process.env },
  );
  return Object.assign(new GatewayProcess(child, port, control), { origin });
}

async function status(demo: GatewayProcess, path: string): Promise<number> {
  return (await ask(`${demo.url}${path}`)).status;
}

async function ready(demo: GatewayProcess): Promise<void> {
  await until(() => demo.exit !== undefined || demo.output.includes("Ctrl-C"), {
    limit: 30_000,
    what: "the demo is up",
  });
  assert.equal(demo.exit, undefined, demo.log);
}

describe("the demo", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatewatch-demo-"));
  });
  after(() => rm(folder, { recursive: true }));

  for (const runtime of ["bun", "deno"]) {
    it(`answers the curl that it prints, and follows an edit of the file, on ${runtime}`, async () => {
      const file = join(folder, `${runtime}.yaml`);
      const origin = (await freePorts(1))[0] ?? 0;
      await copyFile(join(ROOT, "examples/quickstart/resources.yaml"), file);
      await writeFile(file, (await readFile(file, "utf8")).replaceAll(":6699", `:${origin}`));
      const demo = await startDemo("start", ["--runtime", runtime, "--resources", file, "--origin", String(origin)]);
      try {
        await ready(demo);
        const curl = /curl -i http:\/\/[^/]+(\S+)/.exec(demo.output)?.[1] ?? "(no curl)";
        assert.equal((await ask(`${demo.url}${curl}`)).body, "HelloWorld\n");
        assert.ok(demo.output.includes(file), "names the file to edit");
        await writeFile(file, (await readFile(file, "utf8")).replace("uri: /hello", "uri: /bye"));
        await until(async () => await status(demo, "/bye") === 200, { what: "the edit is served" });
        assert.equal(await status(demo, "/hello"), 404);
      } finally {
        await demo.stop();
      }
      await assert.rejects(status(demo, "/bye"), "the gateway has stopped as well");
    });
  }

  it("follows the lines that it prints, with an etcd of its own", async () => {
    const etcdPort = await twoPorts();
    const demo = await startDemo("start:etcd", ["--etcd-port", String(etcdPort)]);
    try {
      await ready(demo);
      assert.equal(await status(demo, "/aa/d"), 404);
      const lines = [...demo.output.matchAll(/^ +(ETCDCTL_API=3 etcdctl .*)$/gm)].map((match) => match[1] ?? "");
      const [put = "", del = "", route = ""] = lines;
      await run("sh", ["-c", put]);
      await until(async () => await status(demo, "/aa/d") === 200, { what: "the lone node is served" });
      await run("sh", ["-c", del]);
      await until(async () => await status(demo, "/aa/d") === 404, { what: "the lone node is gone" });
      await run("sh", ["-c", route]);
      await until(async () => await status(demo, "/hello") === 200, { what: "the route is served" });
    } finally {
      await demo.stop();
    }
    await assert.rejects(fetch(`http://127.0.0.1:${etcdPort}/health`), "etcd has stopped as well");
  });

  it("says who is in the way where a port is taken, and starts nothing", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const taken = address !== null && typeof address === "object" ? address.port : 0;
    try {
      const demo = await startDemo("start", ["--listen", `127.0.0.1:${taken}`]);
      assert.equal((await demo.exited).status, 1);
      assert.match(
        demo.log,
        new RegExp(`Cannot start the gateway on 127.0.0.1:${taken}: something else listens there`),
      );
    } finally {
      server.close();
    }
  });
});

/** A free port whose next one is free as well. */
async function twoPorts(): Promise<number> {
  for (;;) {
    const [port = 0] = await freePorts(1);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port + 1, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

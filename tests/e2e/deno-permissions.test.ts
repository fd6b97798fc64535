// runtimes: deno
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../scripts/root.ts";
import { after, before, describe, it } from "node:test";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";

/** The permissions of the commands that docs/cli.md shows, by the flag that names their source. */
const shown = new Map(
  readFileSync(join(ROOT, "docs/cli.md"), "utf8").split("\n")
    .filter((line) => line.startsWith("deno run --no-prompt"))
    .map((
      line,
    ) => [/--(resources|etcd) /.exec(line)?.[1], line.split(" ").filter((word) => word.startsWith("--allow-"))]),
);

describe("the permissions that the documentation lists", () => {
  let directory = "", origin: Origin, etcd: EtcdServer;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-permissions-"));
    [origin, etcd] = await Promise.all([startOrigin(), startEtcd()]);
  });
  after(async () => {
    await origin?.close();
    await etcd?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const route = (uri: string) => ({ uri, upstream: { nodes: { [`localhost:${origin.port}`]: 1 } } });

  it("suffice for a resources file and its edits", async () => {
    const permissions = shown.get("resources");
    assert.ok(permissions !== undefined && permissions.length === 3);
    const file = join(directory, "resources.yaml");
    await writeFile(file, JSON.stringify({ routes: [{ id: 1, ...route("/a") }] }));
    const gateway = await startGatewayProcess({ directory, permissions, flags: ["--resources", "resources.yaml"] });
    try {
      assert.equal((await gateway.get("/a")).body, "HelloWorld");
      await writeFile(file, JSON.stringify({ routes: [{ id: 1, ...route("/b") }] }));
      await until(async () => (await gateway.get("/b")).status === 200, { what: "the edit is served" });
    } finally {
      await gateway.stop();
    }
    assert.doesNotMatch(gateway.log, /Requires|"level":"(warning|error|fatal)"/);
  });

  it("suffice for etcd", async () => {
    const permissions = shown.get("etcd");
    assert.ok(permissions !== undefined && permissions.length === 3);
    const gateway = await startGatewayProcess({
      directory,
      permissions,
      flags: ["--etcd", etcd.url],
    });
    try {
      await etcd.put("/gatewatch/routes/1", JSON.stringify(route("/a")));
      await until(async () => (await gateway.get("/a")).body === "HelloWorld", { what: "the route is served" });
    } finally {
      await gateway.stop();
    }
    assert.doesNotMatch(gateway.log, /Requires|"level":"(warning|error|fatal)"/);
  });

  it("are asked for by name where one is missing", async () => {
    const gateway = await startGatewayProcess({
      directory,
      permissions: ["--allow-env", "--allow-read"],
      flags: ["--resources", "resources.yaml"],
      until: "nothing",
    });
    assert.equal((await gateway.exited).status, 1);
    assert.match(gateway.log, /--allow-net/);
  });
});

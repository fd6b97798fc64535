// runtimes: deno, bun
// waits
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { VERSION } from "../../src/version.ts";
import { freePorts, startEtcd } from "../support/etcd.ts";
import { currentRuntime, type GatewayProcess, runGatewatch, startGatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";

describe("the command line", () => {
  let directory = "", resources = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-command-"));
    resources = join(directory, "resources.yaml");
    await writeFile(resources, "routes: []\n");
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it("prints its version", async () => {
    const { status, stdout } = await runGatewatch(["--version"]);
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^gatewatch ${VERSION.replaceAll(".", "\\.")} \\((bun|deno|node) \\d`));
  });

  it("prints help, and without a command does so with status 2", async () => {
    assert.match((await runGatewatch(["--help"])).stdout, /^ {2}run +Run the gateway$/m);
    assert.match((await runGatewatch(["run", "--help"])).stdout, /--etcd URL/);
    const { status, stdout, stderr } = await runGatewatch([]);
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /Usage: gatewatch COMMAND/);
  });

  it("refuses what it does not know with status 2 and a line that helps", async () => {
    const cases: readonly [readonly string[], RegExp][] = [
      [["rum"], /^gatewatch: Unknown command "rum": did you mean run\?$/m],
      [["--etcd", "http://a"], /^gatewatch: Write a command before its flags/m],
      [["run"], /^gatewatch: Nothing to read resources from: give --etcd URL/m],
      [["run", "--resource", resources], /^gatewatch: Unknown flag --resource: did you mean --resources\?$/m],
      [
        ["run", "--resources", resources, "--drain-timeout", "soon"],
        /^gatewatch: --drain-timeout: Cannot read "soon"/m,
      ],
      [
        ["run", "--config", join(directory, "none.yaml")],
        /^gatewatch: Cannot read the settings file .*: there is no such file$/m,
      ],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = await runGatewatch(args);
      assert.equal(status, 2, args.join(" "));
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /^\s+at /m);
    }
    const { status, stderr } = await runGatewatch(["run", "--resources", resources], {
      environment: { GATEWATCH_LOG_LEVEL: "loud" },
    });
    assert.equal(status, 2);
    assert.match(stderr, /^gatewatch: GATEWATCH_LOG_LEVEL: Cannot use "loud"/m);
  });

  it("says which address is taken, ends with 1, and leaves nothing listening", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const taken = address !== null && typeof address === "object" ? address.port : 0;
    const [control] = await freePorts(1) as [number];
    for (const listener of currentRuntime() === "node" ? ["http1", "node"] : ["http1", "node", "native"]) {
      const { status, stderr } = await runGatewatch([
        ...["run", "--resources", resources, "--control", `127.0.0.1:${control}`],
        ...["--listen", `127.0.0.1:${taken}`, "--log-format", "text"],
        ...["--listener", listener],
      ]);
      assert.equal(status, 1, stderr);
      assert.match(stderr, new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${taken}: the port is taken$`, "m"));
    }
    server.close();
  });

  it("health ends with 0 where the gateway is ready, with 1 where it is not or is not there", async () => {
    const gateway = await startGatewayProcess({ flags: ["--resources", resources] });
    const control = `127.0.0.1:${gateway.controlPort}`;
    try {
      assert.equal((await runGatewatch(["health", "--control", control])).status, 0);
      // The same variable as the gateway's, and a proxy that must not be asked.
      const environment = { GATEWATCH_CONTROL: `0.0.0.0:${gateway.controlPort}`, HTTP_PROXY: "http://127.0.0.1:1" };
      assert.equal((await runGatewatch(["health"], { environment })).status, 0);
    } finally {
      await gateway.stop();
    }
    const { status, stderr } = await runGatewatch(["health", "--control", control]);
    assert.equal(status, 1);
    assert.match(stderr, /^Not ready: .* does not answer/);
    assert.equal((await runGatewatch(["health", "--control", "ftp://x"])).status, 2);
  });

  it("prints the JSON Schema of a kind", async () => {
    const { status, stdout } = await runGatewatch(["schema", "route"]);
    assert.equal(status, 0);
    assert.equal((JSON.parse(stdout) as { title: string }).title, "route");
    const unknown = await runGatewatch(["schema", "rout"]);
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /^gatewatch: Unknown kind "rout": did you mean route\?/);
  });

  it("never writes a password, whatever goes wrong", async () => {
    const secret = "s3cr3t-w0rd";
    const etcd = await startEtcd();
    let gateway: GatewayProcess | undefined;
    try {
      await etcd.enableAuth({ root: { password: "root", read: "/" } });
      gateway = await startGatewayProcess({
        flags: ["--etcd", etcd.url, "--etcd-user", "nobody", "--log-level", "debug", "--admin-key", `${secret}-admin`],
        environment: { GATEWATCH_ETCD_PASSWORD: secret },
        until: "live",
      });
      const { controlPort } = gateway;
      await until(() => gateway?.log.includes("etcd"), { what: "it says that it cannot read etcd" });
      const status = await gateway.control("/status");
      assert.equal((await gateway.control("/ready")).status, 503);
      assert.ok(!status.body.includes(secret), status.body);
      assert.ok(controlPort > 0);
      await gateway.stop();
      assert.ok(!`${gateway.log}${gateway.output}`.includes(secret), gateway.log);
      assert.match(gateway.log, /list of processes: use --admin-key-file/);
    } finally {
      await gateway?.stop();
      await etcd.close();
    }
  });
});

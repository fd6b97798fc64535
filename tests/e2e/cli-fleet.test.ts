// status, wait, the same commands through the Admin API, and completion scripts in real shells.
// runtimes: bun, deno
// waits
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type CliResult, runCli } from "../support/cli.ts";
import { type EtcdServer, freePorts, startEtcd } from "../support/etcd.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";

const KEY = "a-key-for-tests-alone";
const FILE = `upstreams:
  - id: u1
    nodes: { "127.0.0.1:80": 1 }
routes:
  - id: 1
    uri: /a/*
    upstream_id: u1
consumers:
  - username: jack
    credentials:
      - id: c1
        plugins: { key-auth: { key: jacks-own-key } }
`;

describe("commands over instances and the Admin API", () => {
  let directory = "", file = "", etcd: EtcdServer, gateway: GatewayProcess, admin = "";

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-cli-"));
    file = join(directory, "resources.yaml");
    await writeFile(file, FILE);
    etcd = await startEtcd();
    const [port] = await freePorts(1) as [number];
    admin = `http://127.0.0.1:${port}`;
    gateway = await startGatewayProcess({
      flags: ["--etcd", etcd.url, "--prefix", "/fleet", "--admin", `127.0.0.1:${port}`],
      environment: { GATEWATCH_ADMIN_KEY: KEY },
    });
  });
  after(async () => {
    await gateway?.stop();
    await etcd?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const over = (args: readonly string[], input = ""): Promise<CliResult> =>
    runCli([...args, "--admin-url", admin], { directory, input, environment: { GATEWATCH_ADMIN_KEY: KEY } });
  const overEtcd = (args: readonly string[]): Promise<CliResult> =>
    runCli([...args, "--etcd", etcd.url, "--prefix", "/fleet"], { directory });

  it("apply, diff, dump and the rest do the same through the Admin API", async () => {
    assert.equal((await over(["diff", file])).status, 1);
    const applied = await over(["apply", file, "--json"]);
    assert.equal(applied.status, 0, applied.stderr);
    const { revision, create } = JSON.parse(applied.stdout) as { revision: number; create: number };
    assert.equal(create, 4);
    // The API keeps secrets encrypted at rest: that is no difference on either way.
    assert.doesNotMatch([...(await etcd.all("/fleet/consumers/")).values()].join(), /jacks-own-key/);
    assert.equal((await over(["diff", file])).status, 0);
    assert.equal((await overEtcd(["diff", file])).status, 0);
    assert.equal((await over(["dump"])).stdout, (await overEtcd(["dump"])).stdout);

    const waited = await runCli(["wait", "--revision", String(revision), "--url", gateway.controlUrl]);
    assert.equal(waited.status, 0, waited.stderr);
    assert.match((await over(["get", "route", "1"])).stdout, /uri: \/a\/\*/);
    const put = await over(["put", "route", "2"], '{"uri":"/b","upstream_id":"u1"}');
    assert.equal(put.status, 0, put.stderr);
    assert.equal((await over(["delete", "upstream", "u1"])).status, 1);
    assert.equal((await over(["delete", "route", "2"])).status, 0);

    const wrong = await runCli(["get", "routes", "--admin-url", admin], {
      environment: { GATEWATCH_ADMIN_KEY: "not-the-key" },
    });
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /it answered 401 .* give --admin-key-file/);
    assert.doesNotMatch(wrong.stderr, /not-the-key/);
  });

  it("status and wait ask control APIs", async () => {
    const { status, stdout } = await runCli(["status", "--json", "--url", gateway.controlUrl]);
    assert.equal(status, 0);
    const { instances } = JSON.parse(stdout) as { instances: { revision: number; version: string }[] };
    assert.equal(instances.length, 1);
    assert.ok(instances[0]!.revision > 0);
    const away = await runCli(["status", "--url", gateway.controlUrl, "--url", "127.0.0.1:1"]);
    assert.equal(away.status, 1);
    assert.match(away.stdout, /http:\/\/127\.0\.0\.1:1 +cannot be asked/);
    const late = await runCli(["wait", "--revision", "999999", "--timeout", "300ms", "--url", gateway.controlUrl]);
    const told = await runCli([
      "wait",
      "--revision",
      "999999",
      "--timeout",
      "1s",
      "--url",
      gateway.controlUrl,
      "--json",
    ]);
    assert.ok((JSON.parse(told.stdout) as { ms: number }).ms >= 1000, told.stdout);
    assert.equal(late.status, 1);
    assert.match(late.stderr, /^gatewatch: Not within 300ms: 1 of 1 instance not there\n +\S+ is at revision \d+/);
    assert.equal((await runCli(["wait", "--url", gateway.controlUrl])).status, 2);
  });

  it("a gateway that runs is one of those who registered", async () => {
    const revision = await etcd.put("/fleet/routes/3", '{"uri":"/c","upstream_id":"u1"}');
    const waited = await overEtcd(["wait", "--revision", String(revision)]);
    assert.equal(waited.status, 0, waited.stderr);
    const { stdout } = await overEtcd(["status", "--json"]);
    const { latest, instances } = JSON.parse(stdout) as { latest: number; instances: { lag: number }[] };
    assert.equal(latest, revision);
    assert.deepEqual(instances.map(({ lag }) => lag), [0]);
  });

  it("status and wait read who registered under the prefix", async () => {
    await etcd.put("/registered/routes/1", '{"uri":"/a","plugins":{}}');
    const revision = await etcd.revision();
    const nobody = await runCli(["status", "--etcd", etcd.url, "--prefix", "/registered"]);
    assert.equal(nobody.status, 1);
    assert.match(nobody.stderr, /No instance is registered under this prefix/);
    const register = (id: string, at: number) =>
      etcd.put(
        `/registered/_instances/${id}`,
        JSON.stringify({ id, version: "1.2.3", runtime: "deno 2.9.6", revision: at, rejected: 2, since: "2026-01-01" }),
      );
    await register("a", revision);
    await register("b", revision - 1);
    const flags = ["--etcd", etcd.url, "--prefix", "/registered"];
    const { stdout } = await runCli(["status", ...flags]);
    assert.match(stdout, new RegExp(`^a +1\\.2\\.3 +deno 2\\.9\\.6 +${revision} +0 +2 +2026-01-01$`, "m"));
    assert.match(stdout, new RegExp(`^b .* ${revision - 1} +1 `, "m"));
    const waiting = runCli(["wait", "--revision", String(revision), "--timeout", "20s", ...flags]);
    await register("b", revision);
    assert.match((await waiting).stdout, /^2 instances at revision/);
    // None of it is a resource.
    assert.doesNotMatch((await runCli(["dump", ...flags])).stdout, /1\.2\.3/);
  });

  it("completion scripts load, and offer commands, flags and kinds", async () => {
    const bash = await runCli(["completion", "bash"]);
    assert.equal(bash.status, 0);
    const script = join(directory, "completion.bash");
    await writeFile(script, bash.stdout);
    const complete = (...words: string[]) =>
      spawnSync("bash", [
        "-c",
        `source ${script}; COMP_WORDS=(gatewatch ${
          words.map((word) => `'${word}'`).join(" ")
        }); COMP_CWORD=${words.length}; _gatewatch; echo "\${COMPREPLY[@]}"`,
      ], { encoding: "utf8" }).stdout.trim();
    assert.equal(complete("val"), "validate");
    assert.equal(complete("apply", "--pru"), "--prune");
    assert.equal(complete("get", "consumer_"), "consumer_group");
    assert.equal(complete("run", "--transport", "un"), "undici");
    for (const shell of ["zsh", "fish"]) {
      const made = await runCli(["completion", shell]);
      assert.equal(made.status, 0);
      assert.match(made.stdout, /rollback/);
      assert.match(made.stdout, /prune/);
    }
    assert.equal((await runCli(["completion", "csh"])).status, 2);
  });

  // The last one, as it takes etcd away.
  it("status and health tell why what is served may be out of date", async () => {
    const health = () => runCli(["health", "--control", gateway.controlUrl]);
    const status = (...flags: string[]) => runCli(["status", "--url", gateway.controlUrl, ...flags]);
    assert.equal((await health()).stdout, "ready\n");
    assert.doesNotMatch((await status()).stdout, /degraded/);
    await etcd.stop("kill");
    await until(async () => /"degraded":true/.test((await gateway.control("/ready")).body), { what: "it is degraded" });
    const told = await health();
    assert.equal(told.status, 0);
    assert.match(told.stdout, /^ready, degraded: etcd at http:.*\n$/);
    const { status: exit, stdout } = await status();
    assert.equal(exit, 0);
    assert.match(stdout, /\n\S+ is degraded: etcd at http:.*\n$/);
    assert.match(stdout, /^\S+ +\S+ +\S+ \S+ +\d+ /m, "the row stays as it is");
    const { instances } = JSON.parse((await status("--json")).stdout) as { instances: { degraded: string }[] };
    assert.match(instances[0]?.degraded ?? "", /^etcd at http:/);
  });
});

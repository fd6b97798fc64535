// Many routes into an empty etcd; killed half-way and run again.
// runtimes: bun, deno
// limit: 300
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { runCli, startCli } from "../support/cli.ts";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { currentRuntime } from "../support/gateway-process.ts";

const COUNT = process.env["GATEWATCH_LONG"] === "1" ? 50_000 : 10_000;

describe(`apply of ${COUNT} routes`, () => {
  let directory = "", file = "", etcd: EtcdServer;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-cli-"));
    file = join(directory, "routes.json");
    const routes = Array.from({ length: COUNT }, (_, index) => ({
      id: `r${index}`,
      uri: `/service-${index % 100}/${index}/*`,
      methods: ["GET", "POST"],
      upstream_id: `u${index % 100}`,
    }));
    const upstreams = Array.from({ length: 100 }, (_, index) => ({
      id: `u${index}`,
      type: "roundrobin",
      nodes: { [`10.0.0.${index}:80`]: 1 },
    }));
    await writeFile(file, JSON.stringify({ routes, upstreams }));
    etcd = await startEtcd();
  });
  after(async () => {
    await etcd?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const flags = (prefix: string) => ["--etcd", etcd.url, "--prefix", prefix];
  /** Values without what a second run may make anew. */
  const content = async (prefix: string) =>
    [...await etcd.all(`${prefix}/`)].map(([key, value]) => [key.slice(prefix.length), value]);

  it("takes as few transactions as etcd allows, references first, and the next run does nothing", async () => {
    const first = await runCli(["apply", file, "--json", ...flags("/whole")]);
    assert.equal(first.status, 0, first.stderr);
    const told = JSON.parse(first.stdout) as { create: number; transactions: number; seconds: number };
    assert.equal(told.create, COUNT + 100);
    assert.equal(told.transactions, Math.ceil((COUNT + 100) / 128));
    assert.ok(told.seconds < 30, `${told.seconds} s`);
    console.log(`${COUNT} routes: ${told.seconds} s, ${told.transactions} transactions on ${currentRuntime()}`);

    const revision = await etcd.revision();
    const second = await runCli(["apply", file, ...flags("/whole")]);
    assert.equal(second.stdout, `Nothing to do: ${COUNT + 100} resources as wanted\n`, second.stderr);
    assert.equal(await etcd.revision(), revision);
  });

  it("ends in the same state when two run at once", async () => {
    const both = await Promise.all([1, 2].map(() => runCli(["apply", file, "--json", ...flags("/both")])));
    let created = 0;
    for (const { status, stdout, stderr } of both) {
      assert.equal(status, 0, stderr);
      created += (JSON.parse(stdout) as { create: number }).create;
    }
    assert.equal(created, COUNT + 100);
    assert.deepEqual(await content("/both"), await content("/whole"));
  });

  it("ends in the same state when it is killed half-way and run again", async () => {
    const wanted = await content("/whole");
    let cut = 0;
    // Where the kill came too late, another prefix is tried.
    for (let attempt = 0; attempt < 5 && cut === 0; attempt++) {
      const prefix = `/cut${attempt}`;
      const start = await etcd.revision();
      const running = startCli(["apply", file, ...flags(prefix)]);
      let over = false;
      void running.ended.then(() => over = true);
      while (!over && await etcd.revision() < start + 2 + attempt);
      running.kill();
      await running.ended;
      const done = (await etcd.all(`${prefix}/`)).size;
      if (done === 0 || done >= COUNT + 100) continue;
      cut = done;
      // Whole transactions, and nothing that refers to what is not there.
      assert.equal(done % 128, 0);
      assert.ok((await etcd.all(`${prefix}/upstreams/`)).size === 100);

      const diff = await runCli(["diff", file, "--json", ...flags(prefix)]);
      assert.equal(diff.status, 1, diff.stderr);
      assert.equal((JSON.parse(diff.stdout) as { create: number }).create, COUNT + 100 - done);

      const again = await runCli(["apply", file, "--json", ...flags(prefix)]);
      assert.equal(again.status, 0, again.stderr);
      assert.equal((JSON.parse(again.stdout) as { create: number }).create, COUNT + 100 - done);
      assert.deepEqual(await content(prefix), wanted);
      assert.equal((await runCli(["diff", file, ...flags(prefix)])).status, 0);
    }
    assert.ok(cut > 0, "no run could be killed half-way");
  });
});

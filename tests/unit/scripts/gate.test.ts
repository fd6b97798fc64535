// What the gate reads from the three runners, taken from what they print.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readCounts } from "../../../scripts/gate/counts.ts";
import { toTestFile } from "../../../scripts/gate/files.ts";
import { type Job, runPool } from "../../../scripts/gate/pool.ts";
import { run } from "../../../scripts/gate/run.ts";
import { until } from "../../support/until.ts";

describe("readCounts()", () => {
  it("reads the totals of node --test", () => {
    const output = "✖ a (2.5ms)\nℹ tests 10\nℹ suites 2\nℹ pass 6\nℹ fail 1\nℹ cancelled 1\nℹ skipped 2\nℹ todo 1\n";
    assert.deepEqual(readCounts("node", output), { passed: 6, failed: 2, skipped: 3 });
  });

  it("takes the test that Node makes of a file without tests for none", () => {
    const output = "✔ tests/unit/empty.test.ts (57.3ms)\nℹ tests 1\nℹ suites 0\nℹ pass 1\nℹ fail 0\nℹ skipped 0\n";
    assert.deepEqual(readCounts("node", output), { passed: 0, failed: 0, skipped: 0 });
  });

  it("reads the totals of bun test, with what was thrown between tests", () => {
    const output =
      "(pass) sub [0.34ms]\n\n 5 pass\n 2 skip\n 1 todo\n 1 fail\n 1 error\nRan 9 tests across 1 file. [21.00ms]\n";
    assert.deepEqual(readCounts("bun", output), { passed: 5, failed: 2, skipped: 3 });
  });

  it("counts the tests of deno test, not the suites around them", () => {
    const report = `<testsuites name="deno test" tests="5" failures="3">
      <testcase name="a" time="0.006" line="3"><failure message="1 test step failed">1 test step failed.</failure></testcase>
      <testcase name="top" time="0.000" line="5"></testcase>
      <testcase name="a &gt; one" time="0.001"></testcase>
      <testcase name="a &gt; in" time="0.002"><failure message="1 test step failed">1 test step failed.</failure></testcase>
      <testcase name="a &gt; in &gt; bad" time="0.001"><failure message="Uncaught AssertionError">2</failure></testcase>
      <testcase name="a &gt; s" time="0.000"><skipped/></testcase></testsuites>`;
    assert.deepEqual(readCounts("deno", report), { passed: 2, failed: 1, skipped: 1 });
  });

  it("counts a suite of deno test that failed by itself, in its before or after", () => {
    const report = `<testcase name="a" time="1"><failure message="Uncaught Error: no etcd">x</failure></testcase>
      <testcase name="a &gt; one" time="1"></testcase>`;
    assert.deepEqual(readCounts("deno", report), { passed: 1, failed: 1, skipped: 0 });
  });

  it("reads nothing from a runner that crashed", () => {
    assert.deepEqual(readCounts("deno", ""), { passed: 0, failed: 0, skipped: 0 });
  });
});

describe("toTestFile()", () => {
  it("runs a file everywhere where it says nothing", () => {
    const file = toTestFile("tests/unit/x.test.ts", "import a;\n// alone\n");
    assert.deepEqual(file.runtimes, ["deno", "bun", "node"]);
    assert.equal(file.suite, "unit");
    assert.equal(file.alone, false);
    assert.equal(file.waits, false);
  });

  it("reads what the first comment lines ask for", () => {
    const file = toTestFile(
      "tests/e2e/x.test.ts",
      "// What it shows.\n// runtimes: bun, deno\n// alone\n// waits\n// limit: 300\nimport a;",
    );
    assert.deepEqual(file, {
      path: "tests/e2e/x.test.ts",
      suite: "e2e",
      runtimes: ["bun", "deno"],
      alone: true,
      waits: true,
      limit: 300,
    });
  });

  it("refuses a runtime that is none", () => {
    assert.throws(() => toTestFile("tests/e2e/x.test.ts", "// runtimes: bum"), /names "bum"/);
  });
});

describe("run()", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatewatch-gate-"));
  });
  after(() => rm(folder, { recursive: true }));

  const shell = (script: string, limit: number): ReturnType<typeof run> =>
    run({ command: "sh", args: ["-c", script], cwd: folder, log: join(folder, "log"), limit });

  it("keeps both outputs and the status", async () => {
    const result = await shell("echo out; echo err >&2; exit 3", 10);
    assert.equal(result.status, 3);
    assert.match(result.output, /out/);
    assert.match(result.output, /err/);
    assert.equal(await readFile(join(folder, "log"), "utf8"), result.output);
  });

  it("kills what takes too long, with all that it started", async () => {
    const result = await shell("sleep 60 & echo $!; wait", 0.2);
    assert.match(result.trouble ?? "", /killed after 0.2 s/);
    await assertGone(Number(result.output));
  });

  it("kills and tells of what was left behind", async () => {
    const result = await shell("sleep 60 >/dev/null 2>&1 & echo $!", 10);
    assert.equal(result.trouble, "left processes behind, which were killed");
    await assertGone(Number(result.output));
  });

  it("tells of a program that is not there", async () => {
    const result = await run({ command: "no-such-program", args: [], cwd: folder, log: join(folder, "log"), limit: 1 });
    assert.match(result.trouble ?? "", /could not be started/);
  });
});

/** A killed process is gone in a moment; one whose parent is gone may stay as a zombie. */
async function assertGone(pid: number): Promise<void> {
  const gone = async (): Promise<boolean> =>
    /^$|\) [ZX] /.test(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
  await until(gone, { what: `process ${pid} is gone` });
}

describe("runPool()", () => {
  it("runs jobs side by side up to the limit, and each that wants to be alone by itself", async () => {
    let [running, most] = [0, 0];
    const log: string[] = [];
    const job = (name: string, alone: boolean): Job => ({
      alone,
      waits: false,
      async run() {
        running++;
        most = Math.max(most, running);
        if (alone) assert.equal(running, 1);
        await Promise.resolve();
        running--;
        log.push(name);
      },
    });
    await runPool([job("alone 1", true), job("a", false), job("b", false), job("c", false), job("alone 2", true)], 2);
    assert.equal(most, 2);
    assert.deepEqual(log, ["a", "b", "c", "alone 1", "alone 2"]);
  });

  it("runs two that mostly wait in the room of one", async () => {
    let room = 0, most = 0;
    const job = (waits: boolean): Job => ({
      alone: false,
      waits,
      async run() {
        room += waits ? 1 : 2;
        most = Math.max(most, room);
        assert.ok(room <= 4, `${room} at once`);
        await new Promise((resolve) => setImmediate(resolve));
        room -= waits ? 1 : 2;
      },
    });
    await runPool([job(true), job(false), job(false), job(true), job(true), job(true), job(true)], 2);
    assert.equal(most, 4);
    assert.equal(room, 0);
  });
});

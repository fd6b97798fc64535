// The single file runs where there is nothing else: in an empty directory, with the node_modules that it was made from out of sight.
// runtimes: node
// waits
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { VERSION } from "../../src/version.ts";
import { type EtcdServer, freePorts, startEtcd } from "../support/etcd.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";
import { ROOT } from "../../scripts/root.ts";

interface Ended {
  readonly status: number;
  readonly output: string;
}

function run(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}${stderr}` });
    });
  });
}

/** A shell in a mount namespace of its own, in which the project's folder is empty; undefined where the system allows none. */
function hidingShell(): readonly string[] | undefined {
  const hide = `mount -t tmpfs none '${ROOT}'`;
  for (const flags of [["-m"], ["-r", "-m"]]) {
    const tried = spawnSync("unshare", [...flags, "sh", "-c", `${hide} && test ! -e '${ROOT}/node_modules'`]);
    if (tried.status === 0) return ["unshare", ...flags, "sh", "-c", `${hide} && exec "$0" "$@"`];
  }
  return undefined;
}

describe("the executable", () => {
  let folder = "", binary = "", empty = "";
  let etcd: EtcdServer, origin: Origin;
  const hide = hidingShell() ?? [];

  /** Starts it in the empty directory, as the process itself: signals reach it. */
  function start(args: readonly string[]): ChildProcess {
    const [program = binary, ...rest] = [...hide, binary, ...args];
    return spawn(program, rest, { cwd: empty, stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"] } });
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatewatch-executable-"));
    [binary, empty] = [join(folder, "bin/gatewatch"), join(folder, "empty")];
    await mkdir(empty);
    const bun = join(ROOT, "node_modules/.bin/bun");
    const made = await run(bun, ["scripts/compile.ts", "--outfile", binary], ROOT);
    assert.equal(made.status, 0, made.output);
    [etcd, origin] = [await startEtcd(), await startOrigin()];
  });

  after(async () => {
    await etcd?.close();
    await origin?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("tells its version", async () => {
    const { status, output } = await run(binary, ["--version"], empty);
    assert.equal(status, 0, output);
    assert.match(output, new RegExp(`^gatewatch ${VERSION.replaceAll(".", "\\.")} \\(bun `));
  });

  for (const carrier of ["grpc", "json"]) {
    it(`serves what a real etcd has, over ${carrier}, and stops on SIGTERM`, async () => {
      const prefix = `/${carrier}`;
      const upstream = { type: "roundrobin", nodes: { [`127.0.0.1:${origin.port}`]: 1 } };
      for (const id of ["a", "b", "c"]) {
        await etcd.put(`${prefix}/routes/${id}`, JSON.stringify({ uri: `/${id}/*`, upstream }));
      }
      const [port = 0, control = 0] = await freePorts(2);
      const gateway = new GatewayProcess(
        start([
          ...["run", "--etcd", etcd.url, "--etcd-transport", carrier, "--prefix", prefix],
          ...["--listen", `127.0.0.1:${port}`, "--control", `127.0.0.1:${control}`],
        ]),
        port,
        control,
      );
      try {
        await until(async () => gateway.exit !== undefined || (await gateway.control("/ready")).status === 200, {
          limit: 20_000,
          what: "the executable is ready",
        });
        assert.equal(gateway.exit, undefined, gateway.log);
        const status = await gateway.status();
        assert.equal(status.runtime.name, "bun");
        assert.equal(status.resources["routes"] ?? status.resources["route"], 3);
        assert.deepEqual([(await gateway.get("/b/x")).body, (await gateway.get("/z")).status], ["HelloWorld", 404]);
        await etcd.put(`${prefix}/routes/z`, JSON.stringify({ uri: "/z", upstream }));
        await until(async () => (await gateway.get("/z")).status === 200, { what: "the new route is served" });
        const health = await run(binary, ["health", "--control", `127.0.0.1:${control}`], empty);
        assert.equal(health.status, 0, health.output);
      } finally {
        const exit = await gateway.stop();
        assert.deepEqual(exit, { status: 0, signal: null }, gateway.log);
      }
    });
  }
});

const denoCompile = join(tmpdir(), `gatewatch-deno-${process.pid}`);
const made = await run(join(ROOT, "node_modules/.bin/deno"), ["task", "compile", "--output", denoCompile], ROOT);
const unavailable = made.status === 75 && "deno compile cannot download the runtime that it puts into the file";

describe("the executable of deno compile", () => {
  after(() => rm(denoCompile, { force: true }));

  it("tells its version", { skip: unavailable }, async () => {
    assert.equal(made.status, 0, made.output);
    const { status, output } = await run(denoCompile, ["--version"], tmpdir());
    assert.equal(status, 0, output);
    assert.match(output, new RegExp(`^gatewatch ${VERSION.replaceAll(".", "\\.")} \\(deno `));
  });
});

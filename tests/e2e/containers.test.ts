// What the Dockerfile starts and asks, started and asked without a container: its ENTRYPOINT, CMD and HEALTHCHECK lines, word by word.
// runtimes: node
// waits
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { ROOT } from "../../scripts/root.ts";
import { type EtcdServer, freePorts, startEtcd } from "../support/etcd.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";

interface Image {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly health: readonly string[];
  /** What ENV sets. */
  readonly variables: Readonly<Record<string, string>>;
}

const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8").replaceAll("\\\n", "");

function wordsOf(stage: string, instruction: RegExp): readonly string[] {
  const words = instruction.exec(stage)?.[1];
  assert.ok(words, `the stage has ${instruction}: ${stage}`);
  return JSON.parse(words) as string[];
}

function imageOf(target: string): Image {
  const stage = dockerfile.split(/^FROM /m).find((text) => new RegExp(`^\\S+ AS ${target}\n`).test(text)) ?? "";
  return {
    entrypoint: wordsOf(stage, /^ENTRYPOINT (\[.*\])$/m),
    command: wordsOf(stage, /^CMD (\[.*\])$/m),
    health: wordsOf(stage, /^HEALTHCHECK .*CMD (\[.*\])$/m),
    variables: Object.fromEntries(
      [...(/^ENV .*$/m.exec(stage)?.[0] ?? "").matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
    ),
  };
}

/** Where a program of the image is on this machine. */
function here(words: readonly string[]): [string, ...string[]] {
  const [program = "", ...args] = words;
  const name = program.replace("/usr/local/bin/", "");
  return [join(ROOT, name === "gatewatch" ? "build/gatewatch" : `node_modules/.bin/${name}`), ...args];
}

describe("the images", () => {
  let etcd: EtcdServer, app = "";

  before(async () => {
    etcd = await startEtcd();
    // As in /app: the sources and the settings of the runtimes, and the modules.
    app = await mkdtemp(join(tmpdir(), "gatewatch-image-"));
    for (const name of ["package.json", "deno.json", "bunfig.toml", "src"]) {
      await cp(join(ROOT, name), join(app, name), { recursive: true });
    }
    spawnSync("ln", ["-s", join(ROOT, "node_modules"), join(app, "node_modules")]);
  });

  after(async () => {
    await etcd?.close();
    await rm(app, { recursive: true, force: true });
  });

  for (const target of ["bun", "deno", "binary"]) {
    it(`${target}: runs on variables alone, is healthy once it is ready, and gets signals`, async () => {
      const image = imageOf(target);
      const [port = 0, control = 0] = await freePorts(2);
      const env = {
        ...image.variables,
        PATH: process.env["PATH"],
        HOME: app,
        GATEWATCH_ETCD: etcd.url,
        GATEWATCH_LISTEN: `127.0.0.1:${port}`,
        GATEWATCH_CONTROL: `127.0.0.1:${control}`,
      };
      const healthy = (): number | null => {
        const [program, ...args] = here(image.health);
        return spawnSync(program, args, { cwd: app, env }).status;
      };
      assert.equal(healthy(), 1, "nothing runs yet");
      const [program, ...args] = here([...image.entrypoint, ...image.command]);
      const gateway = new GatewayProcess(
        spawn(program, args, { cwd: app, env, stdio: ["ignore", "pipe", "pipe"] }),
        port,
        control,
      );
      try {
        await until(() => gateway.exit !== undefined || healthy() === 0, { limit: 20_000, what: "it is healthy" });
        assert.equal(gateway.exit, undefined, gateway.log);
        assert.equal((await gateway.get("/nothing")).status, 404);
      } finally {
        assert.deepEqual(await gateway.stop(), { status: 0, signal: null }, gateway.log);
      }
    });
  }

  it("copy only what the build context holds", () => {
    const ignore = readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n");
    const allowed = ignore.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = ""]) =>
      names.split(" ")
    );
    for (const name of copied.filter((name) => name !== ".")) {
      assert.ok(allowed.includes(name), `.dockerignore lets ${name} through`);
    }
    for (const name of allowed) assert.ok(existsSync(join(ROOT, name)), `there is ${name}`);
  });
});

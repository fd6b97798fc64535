// The package as somebody gets it who installs it: types without a gap, and every entry on every runtime.
// runtimes: node
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ROOT } from "../../scripts/root.ts";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}

const manifest = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as Manifest;

/** Every entry that a program imports, without those that one runtime alone can load. */
const entries = Object.keys(manifest.exports)
  .filter((name) => !["./package.json", "./bun", "./deno"].includes(name))
  .map((name) => name.replace(/^\./, "gatewatch"));

/** Imports every entry, uses the embedding, and closes it: the process must end by itself. */
const program = `${entries.map((name, index) => `import * as entry${index} from "${name}";`).join("\n")}
import { createGateway, memorySource } from "gatewatch";
import { Hono } from "hono";

for (const entry of [${entries.map((_, index) => `entry${index}`).join(", ")}]) {
  if (Object.keys(entry).length === 0) throw new Error("an entry without names");
}
const gateway = createGateway({ source: memorySource() });
await gateway.ready;
const app = new Hono().use(gateway.middleware).get("/health", (c) => c.text("ok"));
const response: Response = await app.request("/health");
console.log(String(response.status), await response.text());
await gateway.close();
`;

function run(command: string, args: readonly string[], cwd: string): Promise<{ failed: boolean; output: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ failed: error !== null, output: `${stdout}${stderr}` });
    });
  });
}

const bin = (name: string): string => join(ROOT, "node_modules/.bin", name);

describe("the package", () => {
  let folder = "", installed = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatewatch-package-"));
    installed = join(folder, "node_modules/gatewatch");
    await mkdir(installed, { recursive: true });
    const packed = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], ROOT);
    assert.equal(packed.failed, false, packed.output);
    const archive = (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "";
    const unpacked = await run("tar", ["-xzf", archive, "-C", installed, "--strip-components=1"], folder);
    assert.equal(unpacked.failed, false, unpacked.output);
    for (const name of [...Object.keys(manifest.dependencies), "@types/node", "undici-types"]) {
      const link = join(folder, "node_modules", name);
      await mkdir(join(link, ".."), { recursive: true });
      await symlink(join(ROOT, "node_modules", name), link);
    }
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", dependencies: { gatewatch: "*" } }));
    await writeFile(join(folder, "program.ts"), program);
    const compilerOptions = {
      module: "NodeNext",
      target: "ES2023",
      lib: ["ES2024", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
      types: ["node"],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  it("holds what it runs from, and nothing of the workshop", async () => {
    const files = await readdir(installed);
    assert.deepEqual(
      files.filter((name) => !/^(README|CHANGELOG|LICENSE)/.test(name)).sort(),
      ["dist", "package.json", "src"],
    );
  });

  it("has types that hold in somebody else's project", async () => {
    const { failed, output } = await run(bin("tsc"), ["-p", "."], folder);
    assert.equal(failed, false, output);
  });

  for (const [runtime, args] of [["node", []], ["bun", []], ["deno", ["run", "-A", "--no-check"]]] as const) {
    it(`works on ${runtime}, and lets the process end`, async () => {
      const { failed, output } = await run(bin(runtime), [...args, "program.ts"], folder);
      assert.equal(failed, false, output);
      assert.match(output, /^200 ok$/m);
    });
  }
});

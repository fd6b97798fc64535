// The lint of the floors bites: a tree with one violating file of each sort is reported file by file, and a clean file is not.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { floors } from "../../scripts/lint/floors.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Each file, its text, and what is said of it; undefined = nothing. */
const deno: readonly (readonly [path: string, text: string, expected: RegExp | undefined])[] = [
  ["src/errors.ts", `export const ok = { process: 1 };\nexport const read = ok.process;`, undefined],
  ["src/gateway/down.ts", `import { ok } from "../errors.ts";\nexport { ok };`, undefined],
  ["src/net/sideways.ts", `export { ok } from "../errors.ts";`, undefined],
  ["src/plugins/index.ts", `export * from "./one.ts";`, undefined],
  ["src/plugins/_shared/part.ts", `export const part = 1;`, undefined],
  ["src/plugins/three.ts", `export { part } from "./_shared/part.ts";`, undefined],
  ["src/plugins/one.ts", `export const one = 1;`, undefined],
  ["src/entries/entry.ts", `import process from "node:process";\nexport const id = process.pid;`, undefined],
  ["tests/any.ts", `export * from "../src/gateway/down.ts";`, undefined],
  ["src/net/up.ts", `import { ok } from "../gateway/down.ts";\nexport { ok };`, /floor 0 and may not import gateway/],
  ["src/store/up-type.ts", `import type { X } from "../match/tree.ts";\nexport type { X };`, /may not import match/],
  ["src/match/up-export.ts", `export * from "../pipeline/plugin.ts";`, /may not import pipeline/],
  ["src/match/up-export-type.ts", `export type { P } from "../pipeline/plugin.ts";`, /may not import pipeline/],
  ["src/forward/up-dynamic.ts", `export const x = await import("../sources/file.ts");`, /may not import sources/],
  ["src/forward/up-type-query.ts", `export type X = typeof import("../sources/file.ts");`, /may not import sources/],
  ["src/gateway/deep/up.ts", `export * from "../../cli/main.ts";`, /may not import cli/],
  ["src/plugins/two.ts", `export { one } from "./one.ts";`, /do not import one another/],
  ["src/gateway/public.ts", `export * from "../mod.ts";`, /lists public names/],
  ["src/gateway/outside.ts", `export * from "../../tests/any.ts";`, /from outside src/],
  ["src/elsewhere/file.ts", `export const x = 1;\nexport * from "../errors.ts";`, /is on no floor/],
  ["src/net/node.ts", `export { pid } from "node:process";`, /only web standards/],
  ["src/forward/package.ts", `export { Pool } from "undici7";`, /only web standards/],
  ["src/net/deno.ts", `export const v = Deno.version;`, /"Deno" belongs to a runtime/],
  ["src/net/bun.ts", `export const v = Bun.version;`, /"Bun" belongs to a runtime/],
  ["src/gateway/buffer.ts", `export const v = Buffer.from("x");`, /"Buffer" belongs to a runtime/],
  ["src/gateway/global.ts", `export const v = globalThis.process;`, /"process" belongs to a runtime/],
];

const ox: readonly (readonly [path: string, text: string, expected: RegExp | undefined])[] = [
  ["src/gateway/any.ts", `export const f = (x: any): void => x();`, /no-explicit-any/],
  ["src/gateway/ignore.ts", `// @ts-ignore\nexport const x: number = "";`, /ban-ts-comment/],
  ["src/store/a.ts", `import { b } from "./b.ts";\nexport const a = (): unknown => b;`, /no-cycle/],
  ["src/store/b.ts", `import { a } from "./a.ts";\nexport const b = (): unknown => a;`, /no-cycle/],
  ["src/net/c.ts", `import type { D } from "./d.ts";\nexport interface C {\n  d: D;\n}`, /no-cycle/],
  ["src/net/d.ts", `import type { C } from "./c.ts";\nexport interface D {\n  c: C;\n}`, /no-cycle/],
  ["src/net/clean.ts", `export const clean = 1;`, undefined],
];

/** Runs a program of this project in the tree and gives what it printed; both linters exit with 1 where they found something. */
function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(join(root, "node_modules/.bin", program), args, { cwd }, (_error, stdout) => resolve(stdout));
  });
}

describe("the floors", () => {
  let tree = "";
  /** What was said of each file. */
  const said = { deno: new Map<string, string>(), ox: new Map<string, string>() };

  before(async () => {
    tree = await mkdtemp(join(tmpdir(), "gatewatch-floors-"));
    await cp(join(root, "scripts/lint"), join(tree, "scripts/lint"), { recursive: true });
    await cp(join(root, "deno.json"), join(tree, "deno.json"));
    await cp(join(root, ".oxlintrc.json"), join(tree, ".oxlintrc.json"));
    await symlink(join(root, "node_modules"), join(tree, "node_modules"));
    for (const [path, text] of [...deno, ...ox]) {
      await mkdir(join(tree, dirname(path)), { recursive: true });
      await writeFile(join(tree, path), `${text}\n`);
    }
    const add = (map: Map<string, string>, file: string, text: string): void => {
      map.set(file, `${map.get(file) ?? ""}${text}\n`);
    };
    const lint = JSON.parse(await run("deno", ["lint", "--json", "src", "tests"], tree)) as {
      diagnostics: { filename: string; code: string; message: string }[];
    };
    for (const { filename, code, message } of lint.diagnostics) {
      if (code.startsWith("gatewatch/")) add(said.deno, fileURLToPath(filename).slice(tree.length + 1), message);
    }
    const oxlint = JSON.parse(await run("oxlint", ["-f", "json", "src"], tree)) as {
      diagnostics: { filename: string; code: string }[];
    };
    for (const { filename, code } of oxlint.diagnostics) add(said.ox, filename, code);
  });

  after(() => rm(tree, { recursive: true }));

  for (const [path, text, expected] of deno) {
    it(`${expected === undefined ? "allow" : "refuse"} ${path}: ${text.split("\n")[0]}`, () => {
      if (expected === undefined) assert.equal(said.deno.get(path), undefined);
      else assert.match(said.deno.get(path) ?? "(nothing)", expected);
    });
  }

  for (const [path, text, expected] of ox) {
    it(`${expected === undefined ? "allow" : "refuse"} ${path}: ${text.split("\n")[0]}`, () => {
      if (expected === undefined) assert.equal(said.ox.get(path), undefined);
      else assert.match(said.ox.get(path) ?? "(nothing)", expected);
    });
  }

  it("name every folder once", () => {
    const names = floors.flat();
    assert.equal(new Set(names).size, names.length);
  });
});

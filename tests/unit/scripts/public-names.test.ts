// The entries of the package are named in three places, since three programs read them; they must say the same.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ROOT } from "../../../scripts/root.ts";

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(ROOT, name), "utf8")) as T;
}

const exported = new Map(
  Object.entries(read<{ exports: Record<string, string | { bun: string }> }>("package.json").exports).flatMap((
    [name, entry],
  ) => typeof entry === "string" ? [] : [[name.replace(/^\./, "gatewatch"), entry.bun] as const]),
);

describe("the entries of the package", () => {
  it("exist", () => {
    for (const [name, path] of exported) assert.ok(existsSync(join(ROOT, path)), `${name} is ${path}`);
  });

  it("are the same for the compiler", () => {
    const { paths } = read<{ compilerOptions: { paths: Record<string, string[]> } }>("tsconfig.json").compilerOptions;
    assert.deepEqual(new Map(Object.entries(paths).map(([name, [path]]) => [name, path])), exported);
  });

  it("are the same for Deno, which cannot load that for Bun", () => {
    const { imports } = read<{ imports: Record<string, string> }>("deno.json");
    const expected = new Map(exported);
    expected.delete("gatewatch/bun");
    assert.deepEqual(new Map(Object.entries(imports)), expected);
  });
});

import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The steps that are no test suite, in their order. */
export const CHECKS = ["fmt", "deno-lint", "oxlint", "tsc", "deno-check", "lock", "build", "compile"] as const;
export type Check = (typeof CHECKS)[number];

/** What tests above the unit tests start: Node runs `dist/`, and the executable is a subject too. */
const MADE: readonly Check[] = ["build", "compile"];

/** The folders below `tests/`. */
export const PARTS: readonly string[] = ["unit", "types", "contracts", "plugins", "e2e", "faults"];

/** Folders that hold TypeScript. */
const FOLDERS: readonly string[] = ["src", "tests", "examples", "bench", "scripts"];

/** Files for Bun, whose types Deno does not know: `tsc` checks them. */
const FOR_BUN = /(?:^|[-/])bun\.ts$|^scripts\/compile\.ts$/;

function filesForDeno(root: string): readonly string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`)
  ).filter((path) => path.endsWith(".ts") && !FOR_BUN.test(path)).sort();
}

/** The checks that `--only` and the files on the command line leave: all where there are neither. */
export function checksOf(only: readonly string[] | undefined, files: readonly string[]): readonly Check[] {
  if (only === undefined) {
    if (files.length === 0) return CHECKS;
    return files.every((file) => file.includes("unit")) ? [] : [...MADE];
  }
  const made = only.some((name) => PARTS.includes(name) && name !== "unit");
  return CHECKS.filter((name) => only.includes(name) || only.includes("check") || (made && MADE.includes(name)));
}

/** What a check runs; programs come from node_modules/.bin. */
export function checkCommand(name: Check, root: string): { command: string; args: readonly string[] } {
  const bin = (program: string): string => join(root, "node_modules/.bin", program);
  switch (name) {
    case "fmt":
      return { command: bin("deno"), args: ["fmt", "--check"] };
    case "deno-lint":
      return { command: bin("deno"), args: ["lint"] };
    case "oxlint":
      return { command: bin("oxlint"), args: ["--deny-warnings"] };
    case "tsc":
      return { command: bin("tsc"), args: ["-p", "."] };
    case "deno-check":
      return { command: bin("deno"), args: ["check", ...filesForDeno(root)] };
    case "lock":
      return { command: process.execPath, args: ["scripts/check-lock.ts"] };
    case "build":
      return { command: process.execPath, args: ["scripts/build.ts"] };
    case "compile":
      return { command: bin("bun"), args: ["scripts/compile.ts"] };
  }
}

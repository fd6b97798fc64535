/**
 * Makes one file of the gateway on Deno: `deno task compile [--output FILE]`. `deno compile` downloads the runtime that goes into it.
 *
 * Exit status 75 (EX_TEMPFAIL): that runtime could not be downloaded, which says nothing about the gateway.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ROOT } from "./root.ts";

const { values } = parseArgs({ options: { output: { type: "string", default: join(ROOT, "build/gatewatch-deno") } } });

mkdirSync(dirname(values.output), { recursive: true });
const result = spawnSync(join(ROOT, "node_modules/.bin/deno"), [
  "compile",
  "--no-check",
  "--allow-net",
  "--allow-read",
  "--allow-env",
  ...["--output", values.output, "src/entries/deno.ts"],
], { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "inherit", "pipe"] });
process.stderr.write(result.stderr);
if (result.status !== 0 && /Setting up base binary|error sending request|dns error/.test(result.stderr)) {
  console.error("\nNo executable was made: the runtime that deno compile puts into it cannot be downloaded from here.");
  process.exit(75);
}
process.exit(result.status ?? 1);

/** Builds `dist/`: JavaScript and declarations of `src/`, for Node and for who installs the package. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./root.ts";

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

rmSync(join(ROOT, "dist"), { recursive: true, force: true });
const tsc = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", "tsconfig.build.json"], {
  cwd: ROOT,
  stdio: "inherit",
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;
const promised = [
  ...Object.values(manifest.bin),
  ...Object.values(manifest.exports).flatMap((entry) => typeof entry === "string" ? [entry] : Object.values(entry)),
];
const missing = promised.filter((path) => !existsSync(join(ROOT, path)));
for (const path of missing) console.error(`package.json promises ${path}, which the build did not make`);
if (missing.length > 0) process.exit(1);
for (const path of Object.values(manifest.bin)) chmodSync(join(ROOT, path), 0o755);

/**
 * Refuses a lock file that `npm ci` would refuse or that names a registry, so that `npm ci` takes every package from the one that the machine is set up for, and
 * a version that is not exact, so that package.json says what is installed.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./root.ts";

interface Lock {
  readonly packages: Readonly<Record<string, { readonly resolved?: string; readonly integrity?: string }>>;
}
interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(join(ROOT, name), "utf8")) as T;
}

const problems: string[] = [];
for (const [path, entry] of Object.entries(readJson<Lock>("package-lock.json").packages)) {
  if (path === "") continue;
  if (entry.resolved !== undefined) {
    problems.push(`package-lock.json: ${path} names where it came from: ${entry.resolved}`);
  }
  if (entry.integrity === undefined) problems.push(`package-lock.json: ${path} has no integrity`);
}
const { dependencies, devDependencies } = readJson<Manifest>("package.json");
for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
  if (!/^(?:npm:[^@]+@)?\d+\.\d+\.\d+$/.test(version)) problems.push(`package.json: ${name} is not exact: ${version}`);
}
const ci = spawnSync("npm", ["ci", "--dry-run", "--ignore-scripts"], {
  cwd: ROOT,
  encoding: "utf8",
});
if (ci.status !== 0) problems.push(`npm ci refuses package-lock.json: ${ci.stderr}`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** Programs that tests start, and the Debian package that has each. etcd is always needed, the others where a test names them. */
const PACKAGES: Readonly<Record<string, string>> = {
  etcd: "etcd-server",
  etcdctl: "etcd-client",
  nginx: "nginx-light",
  "redis-server": "redis-server",
  openssl: "openssl",
  curl: "curl",
  wrk: "wrk",
};
const ALWAYS: readonly string[] = ["etcd", "etcdctl"];

function has(tool: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, tool)));
}

/** The programs that the files below `tests/` name in quotes. */
function namedByTests(root: string): ReadonlySet<string> {
  const named = new Set<string>(ALWAYS);
  for (const path of readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".ts")) continue;
    const text = readFileSync(join(root, "tests", path), "utf8");
    for (const tool of Object.keys(PACKAGES)) {
      if (new RegExp(`["'\`/]${tool}["'\`]`).test(text)) named.add(tool);
    }
  }
  return named;
}

/**
 * Finds the programs that tests need, and installs what is missing where this is root on Debian.
 *
 * @returns what is still missing and how to get it; undefined where nothing is
 */
export function ensureTools(root: string): string | undefined {
  const missing = (): string[] => [...namedByTests(root)].filter((tool) => !has(tool));
  const packages = missing().map((tool) => PACKAGES[tool] ?? tool);
  if (packages.length === 0) return undefined;
  if (process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    console.log(`installing ${packages.join(", ")}`);
    // RUNLEVEL=1 keeps the packages from starting services of their own.
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    const options = { env, stdio: ["ignore", "ignore", "inherit"] as ("ignore" | "inherit")[] };
    spawnSync("apt-get", ["update", "-qq"], options);
    spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], options);
  }
  const left = missing();
  if (left.length === 0) return undefined;
  return `${left.join(", ")} not found on PATH. On Debian or Ubuntu: sudo apt-get install ${
    packages.join(" ")
  }. Elsewhere, ` +
    "install etcd 3.4 or newer (etcd.io/docs/latest/install) and put etcd and etcdctl on PATH.";
}

/**
 * Runs the contract suites of transports and listeners on every runtime and prints what each implementation keeps.
 *
 *     node tests/contracts/table.ts [--markdown] [transport|listener]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

interface Line {
  readonly contract: string;
  readonly group: string;
  readonly row: string;
  readonly column: string;
  readonly outcome: "yes" | "gap" | "FAILED";
}

const SUITES = [
  "transport.http1",
  "transport.undici",
  "transport.fetch",
  "listener.http1",
  "listener.node",
  "listener.native",
] as const;
const RUNTIMES: Readonly<Record<string, (file: string) => [string, string[]]>> = {
  deno: (file) => ["node_modules/.bin/deno", ["test", "-A", "--no-check", file]],
  bun: (file) => ["node_modules/.bin/bun", ["test", "--timeout=60000", `./${file}`]],
  node: (file) => ["node_modules/.bin/node", ["--test", file]],
};

const markdown = process.argv.includes("--markdown");
const wanted = process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? "";
const directory = mkdtempSync(join(tmpdir(), "contracts-"));
const file = join(directory, "lines");
let failed = false;

for (const suite of SUITES) {
  if (!suite.startsWith(wanted)) continue;
  for (const [runtime, command] of Object.entries(RUNTIMES)) {
    if (suite === "listener.native" && runtime === "node") continue;
    const [program, args] = command(`tests/contracts/${suite}.test.ts`);
    const { status, stdout, stderr } = spawnSync(program, args, {
      env: { ...process.env, CONTRACT_TABLE: file },
      encoding: "utf8",
    });
    if (status === 0) continue;
    failed = true;
    console.error(`${suite} on ${runtime} failed:\n${stdout}\n${stderr}`);
  }
}

const lines = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line) as Line);
rmSync(directory, { recursive: true });

for (const contract of ["transport", "listener"]) {
  const own = lines.filter((line) => line.contract === contract);
  if (own.length > 0) print(contract, own);
}
process.exitCode = failed ? 1 : 0;

function print(contract: string, own: readonly Line[]): void {
  const columns = [...new Set(own.map((line) => line.column))];
  const rows = [...new Set(own.map((line) => `${line.group}\n${line.row}`))];
  const width = Math.max(...own.map((line) => line.row.length));
  const cells = new Map(own.map((line) => [`${line.group}\n${line.row}\n${line.column}`, line.outcome]));
  const mark = (row: string, column: string) =>
    ({ yes: "yes", gap: "-", FAILED: "FAILED" })[cells.get(`${row}\n${column}`) ?? "FAILED"];
  if (markdown) {
    console.log(`| ${contract} | ${columns.join(" | ")} |\n|---|${columns.map(() => "---|").join("")}`);
  } else console.log(`\n${contract.padEnd(width)}  ${columns.join("  ")}`);
  let group = "";
  for (const row of rows) {
    const [rowGroup = "", name = ""] = row.split("\n");
    if (rowGroup !== group) {
      group = rowGroup;
      console.log(markdown ? `| **${group}** |${" |".repeat(columns.length)}` : `\n${group}`);
    }
    if (markdown) {
      console.log(`| ${name.replaceAll("|", "\\|")} | ${columns.map((column) => mark(row, column)).join(" | ")} |`);
    } else {
      console.log(
        `${name.padEnd(width)}  ${columns.map((column) => mark(row, column).padEnd(column.length)).join("  ")}`,
      );
    }
  }
}

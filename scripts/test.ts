/**
 * The whole gate, which `npm test` runs: format, lint, types, build, and every test on every runtime that it is for. It goes on
 * after a failed step, and its last line is `N passed, N failed`, with `, N skipped` where something was.
 *
 *     npm test -- [--only PART,...] [--runtime deno,bun,node] [--grep PATTERN] [--jobs N] [FILE...]
 *
 * `docs/testing.md` tells the rest.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { checkCommand, CHECKS, checksOf, PARTS } from "./gate/checks.ts";
import { addCounts, type Counts, NOTHING, type Runtime, RUNTIMES } from "./gate/counts.ts";
import { findTestFiles } from "./gate/files.ts";
import { type Job, runPool } from "./gate/pool.ts";
import { killAll, run } from "./gate/run.ts";
import { runTestFile } from "./gate/runner.ts";
import { ensureTools } from "./gate/tools.ts";
import { ROOT } from "./root.ts";

const work = join(ROOT, ".tmp/test");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    runtime: { type: "string" },
    grep: { type: "string" },
    jobs: { type: "string" },
    help: { type: "boolean" },
  },
});

if (values.help) {
  console.log(`npm test -- [--only PART,...] [--runtime ${RUNTIMES.join(",")}] [--grep PATTERN] [--jobs N] [FILE...]`);
  console.log(`parts: check (= ${CHECKS.join(", ")}), ${PARTS.join(", ")}`);
  process.exit(0);
}

const only = values.only?.split(",");
const runtimes = RUNTIMES.filter((name) => values.runtime?.split(",").includes(name) ?? true);
const jobs = Number(values.jobs ?? Math.max(1, Math.min(4, availableParallelism())));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    killAll();
    process.exit(130);
  });
}

/** One line of the table at the end. */
interface Row {
  readonly part: string;
  readonly runtime: Runtime | "";
  seconds: number;
  counts: Counts;
}
const rows = new Map<string, Row>();
const failures: string[] = [];
const skips: string[] = [];

function add(part: string, runtime: Runtime | "", seconds: number, counts: Counts): void {
  const key = `${part} ${runtime}`;
  const row = rows.get(key) ?? { part, runtime, seconds: 0, counts: NOTHING };
  row.seconds += seconds;
  row.counts = addCounts(row.counts, counts);
  rows.set(key, row);
}

function say(ok: boolean, what: string, seconds: number, detail: string, output: string): void {
  console.log(`${ok ? "ok    " : "FAILED"} ${what.padEnd(64)} ${seconds.toFixed(1).padStart(6)} s  ${detail}`);
  if (ok) return;
  failures.push(`${what}: ${detail}`);
  const lines = output.trimEnd().split("\n");
  const shown = lines.slice(-150);
  if (shown.length < lines.length) {
    console.log(`       | (${lines.length - shown.length} lines above are in .tmp/test)`);
  }
  for (const line of shown) console.log(`       | ${line}`);
}

function tell({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

// Debian keeps servers there, and a plain user's PATH lacks them.
process.env["PATH"] = [process.env["PATH"], "/usr/sbin", "/usr/local/sbin"].join(delimiter);
rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });

const wanted = checksOf(only, positionals);
for (const name of wanted) {
  const { command, args } = checkCommand(name, ROOT);
  const result = await run({
    command,
    args,
    cwd: ROOT,
    log: join(work, `${name}.log`),
    limit: 300,
    env: { NO_COLOR: "1", FORCE_COLOR: "0" },
  });
  const ok = result.status === 0 && result.trouble === undefined;
  add(name, "", result.seconds, ok ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 });
  say(ok, name, result.seconds, result.trouble ?? (ok ? "" : `exit status ${result.status}`), result.output);
}

const files = findTestFiles(ROOT).filter(({ path, suite }) =>
  (only === undefined || only.includes(suite)) &&
  (positionals.length === 0 || positionals.some((name) => path.includes(name.replace(/^\.\//, ""))))
);
const work1: Job[] = [];
const missing = files.length > 0 ? ensureTools(ROOT) : undefined;
if (missing !== undefined) {
  add("tools", "", 0, { ...NOTHING, failed: 1 });
  say(false, "tools", 0, missing, "");
}
for (const file of files) {
  for (const runtime of runtimes.filter((name) => file.runtimes.includes(name))) {
    work1.push({
      alone: file.alone,
      waits: file.waits,
      async run() {
        const result = await runTestFile(file, runtime, { root: ROOT, work, grep: values.grep });
        add(file.suite, runtime, result.seconds, result.counts);
        const ok = result.counts.failed === 0;
        const detail = result.trouble === undefined ? tell(result.counts) : `${tell(result.counts)}: ${result.trouble}`;
        say(ok, `${runtime.padEnd(5)} ${file.path}`, result.seconds, detail, result.output);
        skips.push(...result.skips.map((skip) => `${runtime.padEnd(5)} ${file.path}: ${skip}`));
      },
    });
  }
}
await runPool(work1, jobs);

for (const runtime of runtimes) {
  const mine = [...rows.values()].filter((row) => row.runtime === runtime);
  if (!files.some((file) => file.runtimes.includes(runtime))) continue;
  if (mine.every(({ counts }) => counts.passed + counts.failed === 0)) {
    add("nothing", runtime, 0, { ...NOTHING, failed: 1 });
    failures.push(`${runtime} executed no test`);
  }
}

console.log(
  `\n${"part".padEnd(12)} ${"runtime".padEnd(8)} ${"seconds".padStart(8)} ${"passed".padStart(8)} ` +
    `${"failed".padStart(8)} ${"skipped".padStart(8)}`,
);
let total = NOTHING;
for (const { part, runtime, seconds, counts } of rows.values()) {
  console.log(
    `${part.padEnd(12)} ${runtime.padEnd(8)} ${seconds.toFixed(1).padStart(8)} ${String(counts.passed).padStart(8)} ` +
      `${String(counts.failed).padStart(8)} ${String(counts.skipped).padStart(8)}`,
  );
  total = addCounts(total, counts);
}
if (skips.length > 0) console.log(`\nskipped:\n${skips.map((skip) => `  ${skip}`).join("\n")}`);
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((failure) => `  ${failure}`).join("\n")}`);
if (total.passed + total.failed === 0) {
  console.log("\nNothing was run: no part, file or test has that name.");
  total = { ...NOTHING, failed: 1 };
}
const summary = tell(total);
writeFileSync(join(work, "summary.txt"), `${summary}\n`);
console.log(`\nin ${(performance.now() / 1000).toFixed(0)} s; outputs are in .tmp/test\n${summary}`);
process.exitCode = total.failed > 0 ? 1 : 0;

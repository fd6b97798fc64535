import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { addCounts, type Counts, NOTHING, readCounts, type Runtime } from "./counts.ts";
import type { TestFile } from "./files.ts";
import { run, type RunResult } from "./run.ts";

export interface TestOptions {
  readonly root: string;
  /** Where outputs are kept. */
  readonly work: string;
  /** Runs only the tests whose name matches. */
  readonly grep: string | undefined;
}

export interface TestResult {
  readonly seconds: number;
  readonly counts: Counts;
  readonly output: string;
  readonly trouble: string | undefined;
  /** The lines that say what was skipped. */
  readonly skips: readonly string[];
}

function command(file: TestFile, runtime: Runtime, report: string, grep: string | undefined): [string, string[]] {
  switch (runtime) {
    case "node":
      return ["node", [
        "--test",
        // One process instead of two, which ends with its last test: what a file leaves open must not hold up the gate.
        "--test-isolation=none",
        "--test-force-exit",
        "--test-reporter=spec",
        ...(grep === undefined ? [] : [`--test-name-pattern=${grep}`]),
        file.path,
      ]];
    case "bun":
      // Bun's own limit for one test is 5 s; node:test has none, and the file as a whole has one here.
      return ["bun", [
        "test",
        `--timeout=${file.limit * 1000}`,
        ...(grep === undefined ? [] : ["-t", grep]),
        `./${file.path}`,
      ]];
    case "deno":
      return ["deno", [
        "test",
        "-A",
        "--no-check", // deno-check is a step of its own.
        `--junit-path=${report}`,
        ...(grep === undefined ? [] : ["--filter", `/${grep}/`]),
        file.path,
      ]];
  }
}

function readReport(report: string): string {
  try {
    return readFileSync(report, "utf8");
  } catch {
    return ""; // It crashed before it could write one.
  }
}

function skipLines(output: string): readonly string[] {
  return output.split("\n").filter((line) => /^\s*﹣ |^\(skip\) |\.\.\. ignored/.test(line)).map((line) => line.trim());
}

/** What a run counts as: a crash, a time-out, a process left behind and a file without tests are failures too. */
function judge(
  result: RunResult,
  counts: Counts,
  grep: string | undefined,
): { counts: Counts; trouble: string | undefined } {
  const { passed, failed, skipped } = counts;
  let trouble = result.trouble;
  if (trouble === undefined && result.status !== 0 && failed === 0 && grep === undefined) {
    trouble = `exit status ${result.status ?? "none"} though no test failed`;
  }
  if (trouble === undefined && passed + failed + skipped === 0 && grep === undefined) trouble = "executed no test";
  return { counts: trouble === undefined ? counts : addCounts(counts, { ...NOTHING, failed: 1 }), trouble };
}

/** Runs one test file on one runtime. */
export async function runTestFile(file: TestFile, runtime: Runtime, options: TestOptions): Promise<TestResult> {
  const log = join(options.work, runtime, `${file.path}.log`);
  const report = join(options.work, runtime, `${file.path}.xml`);
  mkdirSync(dirname(log), { recursive: true });
  const [program, args] = command(file, runtime, report, options.grep);
  const result = await run({
    command: join(options.root, "node_modules/.bin", program),
    args,
    cwd: options.root,
    log,
    limit: file.limit,
    env: { NO_COLOR: "1", FORCE_COLOR: "0" },
  });
  const own = readCounts(runtime, runtime === "deno" ? readReport(report) : result.output);
  const { counts, trouble } = judge(result, own, options.grep);
  return { seconds: result.seconds, counts, output: result.output, trouble, skips: skipLines(result.output) };
}

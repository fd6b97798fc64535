import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Runtime, RUNTIMES } from "./counts.ts";

export interface TestFile {
  /** From the root of the project, `tests/unit/x.test.ts`. */
  readonly path: string;
  /** The folder under `tests/`: `unit`, `contracts`, `e2e`, `faults`. */
  readonly suite: string;
  readonly runtimes: readonly Runtime[];
  /** Nothing else runs meanwhile: for what measures time. */
  readonly alone: boolean;
  /** It spends most of its time waiting. */
  readonly waits: boolean;
  /** Seconds that the whole file may take. */
  readonly limit: number;
}

/** Seconds for a file of a suite, where it names no limit of its own. */
const LIMITS: Readonly<Record<string, number>> = { unit: 60 };
const LIMIT = 240;

/** The order in which suites run, those that tell the most in the least time first; a suite not named comes last. */
const ORDER: readonly string[] = ["unit", "types", "contracts", "plugins", "e2e", "faults"];

function isRuntime(name: string): name is Runtime {
  return RUNTIMES.some((runtime) => runtime === name);
}

/**
 * Reads what a test file asks of the gate in the comment lines that it begins with: `// runtimes: bun, deno`, `// alone`,
 * `// waits`, `// limit: 300`.
 *
 * @throws Error where it names a runtime that is none, or a limit that is no number
 */
export function toTestFile(path: string, text: string): TestFile {
  const suite = path.split("/")[1] ?? "";
  let runtimes: readonly Runtime[] = RUNTIMES;
  let alone = false, waits = false, limit = LIMITS[suite] ?? LIMIT;
  for (const line of text.split("\n")) {
    if (!line.startsWith("//")) break;
    const [, key, value = ""] = /^\/\/ (runtimes|alone|waits|limit)(?::\s*(.*))?$/.exec(line.trimEnd()) ?? [];
    if (key === "alone") alone = true;
    if (key === "waits") waits = true;
    if (key === "limit") limit = Number(value);
    if (key === "runtimes") {
      runtimes = value.split(",").map((name) => name.trim()).map((name) => {
        if (!isRuntime(name)) throw new Error(`Cannot run ${path}: 'runtimes' names "${name}", not deno, bun or node`);
        return name;
      });
    }
  }
  if (!(limit > 0)) throw new Error(`Cannot run ${path}: 'limit' must be a number of seconds`);
  return { path, suite, runtimes, alone, waits, limit };
}

/** Every test file below `tests/`, in the order in which they run. */
export function findTestFiles(root: string): readonly TestFile[] {
  const rank = (suite: string): number => ORDER.includes(suite) ? ORDER.indexOf(suite) : ORDER.length;
  return readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => `tests/${path.replaceAll("\\", "/")}`)
    .sort()
    .map((path) => toTestFile(path, readFileSync(join(root, path), "utf8")))
    .sort((a, b) => rank(a.suite) - rank(b.suite));
}

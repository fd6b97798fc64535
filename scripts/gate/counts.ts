/** What a test runner says of its own tests. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const RUNTIMES = ["deno", "bun", "node"] as const;
export type Runtime = (typeof RUNTIMES)[number];

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

function lastNumber(output: string, pattern: RegExp): number {
  return Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
}

/** Reads the totals of `node --test` with the spec reporter. A file without tests counts as none, not as the one that Node makes of it. */
function nodeCounts(output: string): Counts {
  const total = (name: string): number => lastNumber(output, new RegExp(`^ℹ ${name} (\\d+)$`, "gm"));
  if (total("tests") === 1 && /^✔ \S+\.test\.ts \(/m.test(output)) return NOTHING;
  return {
    passed: total("pass"),
    failed: total("fail") + total("cancelled"),
    skipped: total("skipped") + total("todo"),
  };
}

/** Reads the totals of `bun test`. */
function bunCounts(output: string): Counts {
  const total = (name: string): number => lastNumber(output, new RegExp(`^ *(\\d+) ${name}$`, "gm"));
  // "1 error" counts what was thrown between tests, which no test answers for.
  const errors = lastNumber(output, /^ *(\d+) errors?$/gm);
  return { passed: total("pass"), failed: total("fail") + errors, skipped: total("skip") + total("todo") };
}

/**
 * Reads the JUnit report of `deno test`, since the totals that it prints count each `describe` as one more test. A case is a
 * test unless it is the parent of another.
 */
function denoCounts(report: string): Counts {
  const cases = [...report.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)]
    .map(([, name = "", inside = ""]) => ({ name, inside }));
  const parents = new Set<string>();
  for (const { name } of cases) {
    for (let at = name.indexOf(" &gt; "); at >= 0; at = name.indexOf(" &gt; ", at + 1)) parents.add(name.slice(0, at));
  }
  let counts = NOTHING;
  for (const { name, inside } of cases) {
    if (parents.has(name) && !/<failure(?! message="\d+ test steps? failed")/.test(inside)) continue;
    const [failed, skipped] = [inside.includes("<failure"), inside.includes("<skipped")];
    counts = addCounts(counts, {
      passed: failed || skipped ? 0 : 1,
      failed: failed ? 1 : 0,
      skipped: skipped && !failed ? 1 : 0,
    });
  }
  return counts;
}

/** Reads the counts from what a runner printed, for Deno from its JUnit report. Nothing readable counts as nothing. */
export function readCounts(runtime: Runtime, text: string): Counts {
  if (runtime === "node") return nodeCounts(text);
  if (runtime === "bun") return bunCounts(text);
  return denoCounts(text);
}

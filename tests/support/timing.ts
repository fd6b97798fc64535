import { performance } from "node:perf_hooks";

/** The middle one of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Milliseconds until `condition` holds, looking again at once each time. @throws Error after 5 s. */
export async function timeUntil(condition: () => Promise<boolean>): Promise<number> {
  const start = performance.now();
  while (!await condition()) {
    if (performance.now() - start > 5000) throw new Error("Not within 5 s");
  }
  return performance.now() - start;
}

import type { EtcdLimits } from "./limits.ts";

/** How long to wait before the next try. */
export interface Backoff {
  /** Another failure: milliseconds to wait. */
  fail(): number;
  /** What was tried works, and has for a while. */
  succeed(): void;
}

const FIRST_MS = 100;

/**
 * The first try after a loss waits a random time up to `spreadMs`; the others of the first round over all endpoints follow quickly, so that
 * another member is found at once; from then on the wait doubles per round, up to `backoffMaxMs`, a third of it at random.
 *
 * @param random From 0 to below 1.
 */
export function createBackoff(
  { spreadMs, backoffMaxMs }: Pick<EtcdLimits, "spreadMs" | "backoffMaxMs">,
  endpoints: number,
  random: () => number,
): Backoff {
  let failures = 0;
  return {
    fail() {
      failures++;
      if (failures === 1) return random() * spreadMs;
      const round = Math.min(Math.floor((failures - 1) / endpoints), 16);
      return Math.min(FIRST_MS * 2 ** round, backoffMaxMs) * (2 / 3 + random() / 3);
    },
    succeed() {
      failures = 0;
    },
  };
}

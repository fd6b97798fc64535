import { UsageError } from "../usage-error.ts";
import type { Target } from "./target.ts";

/** Reads and writes through the Admin API. @throws UsageError */
export function adminTarget(url: string, key: string | undefined): Target {
  throw new UsageError([`Cannot use ${url} yet${key === undefined ? "" : ""}`]);
}

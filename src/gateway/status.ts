import type { SourceStatus } from "../store/source.ts";

/** What one gateway is doing, as `GET /status` of the control API shows it; no field ever holds a secret. */
export interface GatewayStatus {
  readonly source: SourceStatus;
  /** Whether the first full list was applied. */
  readonly ready: boolean;
  /** Why it is not ready, or serves what may be out of date; absent where all is well. */
  readonly reason?: string;
  /** Revision of the configuration that requests are matched against; null before the first list. */
  readonly revision: number | null;
  /** Number of served resources by kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Number of keys by state (`active`, `stale`, `rejected`, `unsupported`, `pending`). */
  readonly keys: Readonly<Record<string, number>>;
}

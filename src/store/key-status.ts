import type { Issue } from "../config/issue.ts";
import type { Kind } from "../config/kinds.ts";

/**
 * - `active`: the stored value is served
 * - `stale`: the stored value is bad, an older good one is served
 * - `pending`: the stored value is served as far as it goes, but it refers to what is not there
 * - `rejected`: the stored value is bad, and nothing is served
 * - `unsupported`: the stored value asks for what this gateway cannot do, and nothing is served
 */
export type KeyState = "active" | "stale" | "rejected" | "unsupported" | "pending";

/** Every state, the good one first. */
export const KEY_STATES: readonly KeyState[] = ["active", "stale", "pending", "rejected", "unsupported"];

/** What became of one key; holds no secret. */
export interface KeyStatus {
  /** As the operator knows it, with the source's prefix. */
  readonly key: string;
  /** `unknown` where the key itself names nothing. */
  readonly kind: Kind | "unknown";
  readonly id: string;
  /** The store's revision that last wrote the key. */
  readonly revision: number;
  readonly state: KeyState;
  /** Why it is not `active`. */
  readonly issues: readonly Issue[];
  readonly warnings: readonly Issue[];
  /** Since when it is in this state: ISO 8601. */
  readonly since: string;
}

/** Which keys to tell of; what is absent does not filter. */
export interface KeyFilter {
  readonly kind?: Kind | "unknown";
  readonly states?: readonly KeyState[];
  /** Only keys with warnings, or only those without. */
  readonly warned?: boolean;
}

/** How many there are. */
export interface Counts {
  /** Served resources by kind; kinds without any are left out. */
  readonly kinds: Readonly<Partial<Record<Kind, number>>>;
  /** Keys by state; every state is there. */
  readonly states: Readonly<Record<KeyState, number>>;
}

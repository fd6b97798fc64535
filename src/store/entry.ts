import type { Issue } from "../config/issue.ts";
import type { Kind } from "../config/kinds.ts";
import type { Resource } from "../config/resource.ts";
import type { KeyState, KeyStatus } from "./key-status.ts";

/** One key of the store. There may be many thousands: what only troubled keys need is in {@link Trouble}. */
export interface Entry {
  readonly key: string;
  readonly kind: Kind | "unknown";
  readonly id: string;
  /** That last wrote the key. */
  revision: number;
  /** Of the stored bytes, good or bad. */
  hash: number;
  /** Bytes of the served value. */
  size: number;
  state: KeyState;
  /** Milliseconds since 1970. */
  since: number;
  /** What is served. */
  resource: Resource | undefined;
  trouble: Trouble | undefined;
}

/** What is odd about a key. */
export interface Trouble {
  /** Why the stored value is not served, and whether it ever could be. */
  readonly refusal?: { readonly state: "rejected" | "unsupported"; readonly issues: readonly Issue[] };
  /** The good value's hash, where the stored one is bad. */
  readonly goodHash?: number;
  /** References to what is not there. */
  readonly missing?: readonly Issue[];
  /** Why the served value is but an outline, which refuses its requests. */
  readonly unresolved?: readonly Issue[];
  /** Warnings of the served value. */
  readonly warnings?: readonly Issue[];
  /** Warnings of others, by topic. */
  readonly notes?: ReadonlyMap<string, readonly Issue[]>;
}

const NONE: readonly Issue[] = [];

/** The state that an entry's parts add up to. */
export function stateOf({ resource, trouble }: Pick<Entry, "resource" | "trouble">): KeyState {
  if (resource === undefined) return trouble?.refusal?.state ?? "rejected";
  if (trouble?.refusal !== undefined) return "stale";
  return trouble?.missing === undefined && trouble?.unresolved === undefined ? "active" : "pending";
}

/** Why an entry is not active. */
export function issuesOf({ trouble }: Pick<Entry, "trouble">): readonly Issue[] {
  const refused = trouble?.refusal?.issues ?? NONE;
  const missing = [...trouble?.unresolved ?? NONE, ...trouble?.missing ?? NONE];
  return missing.length === 0 ? refused : [...refused, ...missing];
}

/** What an entry warns of. */
export function warningsOf({ trouble }: Pick<Entry, "trouble">): readonly Issue[] {
  const own = trouble?.warnings ?? NONE;
  return trouble?.notes === undefined ? own : [...own, ...[...trouble.notes.values()].flat()];
}

/** Changes parts of an entry's trouble; parts set to `undefined` or to nothing at all go, and so does trouble without parts. */
export function withTrouble(
  trouble: Trouble | undefined,
  parts: { [P in keyof Trouble]?: Trouble[P] | undefined },
): Trouble | undefined {
  const merged = Object.entries({ ...trouble, ...parts }).filter(([, part]) =>
    part !== undefined && !(Array.isArray(part) && part.length === 0) && !(part instanceof Map && part.size === 0)
  );
  return merged.length === 0 ? undefined : Object.fromEntries(merged);
}

/** An entry as it is told to people. */
export function toStatus(entry: Entry, prefix: string = ""): KeyStatus {
  return {
    key: prefix + entry.key,
    kind: entry.kind,
    id: entry.id,
    revision: entry.revision,
    state: entry.state,
    issues: issuesOf(entry),
    warnings: warningsOf(entry),
    since: new Date(entry.since).toISOString(),
  };
}

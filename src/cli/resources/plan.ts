import { parseKey } from "../../config/key.ts";
import type { Kind } from "../../config/kinds.ts";
import type { StoredEntry, StoredList } from "../../store/writable.ts";
import { compareValues, type FieldChange } from "./compare.ts";
import type { Wanted } from "./document.ts";
import { hasLabels, rankOf } from "./kinds.ts";
import { REDACTED, restore } from "./secrets.ts";
import { contentOf, decodeValue, encodeValue, type Fields, isFields } from "./value.ts";

/** The label that says who manages a resource. */
export const OWNER_LABEL = "managed-by";

/** One thing to do. */
export interface Step {
  readonly action: "create" | "change" | "delete";
  readonly key: string;
  readonly kind: Kind;
  readonly id: string;
  /** What is to be stored; `undefined` for a delete. */
  readonly value: Uint8Array | undefined;
  /** The revision that the stored value must still have; 0: none may be there. */
  readonly modRevision: number;
  readonly fields: readonly FieldChange[];
  /** What is stored, and what is to be: JSON; `undefined` where there is none. */
  readonly before: unknown;
  readonly after: unknown;
}

/** What makes a store hold what a file asks for. */
export interface Plan {
  /** In the order of doing: what is referred to first, deletes last and the other way round. */
  readonly steps: readonly Step[];
  readonly unchanged: number;
  /** How many resources the owner has in the store. */
  readonly owned: number;
  /** Why it cannot be done, a line each. */
  readonly problems: readonly string[];
}

/** How a plan is made. */
export interface PlanOptions {
  /** The value of {@link OWNER_LABEL} on what is managed. */
  readonly owner: string;
  /** Whether what is managed and no longer wanted is deleted. */
  readonly prune: boolean;
  /** Whether resources that another owner manages may be changed. */
  readonly takeOver: boolean;
}

/**
 * Compares what is wanted with what is stored. Only what differs is in the plan, so that a plan carried out half-way is carried on by the next.
 *
 * @param valueOf The stored value as JSON. Default: as it is stored.
 */
export function createPlan(
  wanted: readonly Wanted[],
  stored: StoredList,
  options: PlanOptions,
  valueOf: (entry: StoredEntry) => unknown = ({ value }) => decodeValue(value)?.value,
): Plan {
  const held = new Map<string, StoredEntry>(stored.entries.map((entry) => [entry.key, entry]));
  const puts: Step[] = [];
  const deletes: Step[] = [];
  const problems: string[] = [];
  let unchanged = 0;
  for (const each of wanted) {
    const step = toStep(each, held.get(each.key), options, valueOf, problems);
    if (step === undefined) unchanged++;
    else puts.push(step);
  }
  const names = new Set(wanted.map(({ key }) => key));
  let owned = 0;
  for (const { key, value: bytes, modRevision } of stored.entries) {
    const parsed = parseKey(key, bytes);
    if (parsed === "ignored" || parsed.kind === "unknown" || parsed.kind === "upstream_node") continue;
    const { kind, id } = parsed;
    if (ownerOf(decodeValue(bytes)?.value) !== options.owner) continue;
    owned++;
    if (!options.prune || names.has(key)) continue;
    deletes.push({
      action: "delete",
      key,
      kind,
      id,
      value: undefined,
      modRevision,
      fields: [],
      before: decodeValue(bytes)?.value,
      after: undefined,
    });
  }
  puts.sort((a, b) => rankOf(a.kind) - rankOf(b.kind));
  deletes.sort((a, b) => rankOf(b.kind) - rankOf(a.kind));
  return { steps: [...puts, ...deletes], unchanged, owned, problems };
}

/** Who manages a stored value; `undefined` where it does not say. */
export function ownerOf(value: unknown): string | undefined {
  const labels = isFields(value) ? value.labels : undefined;
  const owner = isFields(labels) ? labels[OWNER_LABEL] : undefined;
  return typeof owner === "string" ? owner : undefined;
}

/** A value without the owner's label; a value that has no other label then has no `labels`. */
export function withoutOwner(value: unknown, owner: string): unknown {
  if (!isFields(value) || !isFields(value.labels)) return value;
  const labels = Object.entries(value.labels).filter(([name, text]) => name !== OWNER_LABEL || text !== owner);
  if (labels.length > 0) return { ...value, labels: Object.fromEntries(labels) };
  const { labels: _, ...rest } = value;
  return rest;
}

function toStep(
  { key, kind, id, value }: Wanted,
  entry: StoredEntry | undefined,
  { owner, takeOver }: PlanOptions,
  valueOf: (entry: StoredEntry) => unknown,
  problems: string[],
): Step | undefined {
  const before = entry === undefined ? undefined : valueOf(entry);
  const { value: whole, missing } = restore(value, before);
  for (const path of missing) {
    problems.push(`Cannot write ${key}: ${path} is ${REDACTED}, and no secret can be read there: write it itself`);
  }
  const after = hasLabels(kind) ? withOwner(whole, owner) : whole;
  if (entry === undefined) {
    const fields = compareValues(undefined, contentOf(kind, after));
    return { action: "create", key, kind, id, value: encodeValue(after), modRevision: 0, fields, before, after };
  }
  // What the store does not show cannot be compared.
  const fields = compareValues(contentOf(kind, before), contentOf(kind, after)).filter((field) =>
    field.before !== REDACTED
  );
  if (fields.length === 0) return undefined;
  const other = ownerOf(before);
  if (other !== undefined && other !== owner && !takeOver) {
    problems.push(`Cannot change ${key}: '${other}' manages it; give --take-over to manage it from now on`);
  }
  const bytes = encodeValue(withStamps(after, before));
  return { action: "change", key, kind, id, value: bytes, modRevision: entry.modRevision, fields, before, after };
}

function withOwner(value: unknown, owner: string): unknown {
  if (!isFields(value)) return value;
  const labels = isFields(value.labels) ? value.labels : {};
  return { ...value, labels: { ...labels, [OWNER_LABEL]: owner } };
}

/** Keeps when a resource was made, where the store knows that. */
function withStamps(after: unknown, before: unknown): unknown {
  if (!isFields(after) || !isFields(before) || before.create_time === undefined) return after;
  const stamps: Fields = { create_time: before.create_time, update_time: Math.floor(Date.now() / 1000) };
  return { ...stamps, ...after };
}

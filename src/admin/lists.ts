import { parseKey } from "../config/key.ts";
import { compileRegex, type Regex } from "../match/regex.ts";
import type { StoredList } from "../store/writable.ts";
import { AdminError } from "./answer.ts";
import type { Fields } from "./check.ts";
import { toFields } from "./node.ts";
import type { StoredEntry } from "../store/writable.ts";
import type { ResourceType } from "./resource-types.ts";

/** An entry with its value. */
export interface Listed {
  readonly entry: StoredEntry;
  readonly fields: Fields;
}

/** Fields of references that lists may be filtered by, as `filter=service_id%3D1`. */
const FILTERED: readonly string[] = ["service_id", "upstream_id"];

/**
 * The resources of a list that a query asks for, oldest first: `name` and `uri` are regular expressions, `label` is the key of one,
 * `filter` compares references. Placeholders, and what is kept below others, are left out.
 *
 * @throws AdminError 400 where the query cannot be used.
 */
export function select(type: ResourceType, { entries }: StoredList, query: Readonly<Record<string, string>>): Listed[] {
  const name = pattern("name", query["name"]);
  const uri = pattern("uri", query["uri"]);
  const { label } = query;
  const references = type.kind === "route"
    ? [...new URLSearchParams(query["filter"] ?? "")].filter(([field]) => FILTERED.includes(field))
    : [];
  const found: Listed[] = [];
  for (const entry of entries) {
    const parsed = parseKey(entry.key, entry.value);
    if (parsed === "ignored" || parsed.kind !== type.kind) continue;
    const fields = toFields(entry);
    if (fields === undefined) continue;
    if (name !== undefined && !matches(name, fields["name"])) continue;
    if (uri !== undefined && !matches(uri, fields["uri"]) && !matches(uri, fields["uris"])) continue;
    if (label !== undefined && label !== "" && !hasLabel(fields, label)) continue;
    if (!references.every(([field, id]) => fields[field] !== undefined && String(fields[field]) === id)) continue;
    found.push({ entry, fields });
  }
  return found.sort((a, b) => a.entry.createRevision - b.entry.createRevision);
}

/** The page that a query asks for; all of it where it asks for none. @throws AdminError 400 */
export function pageOf<T>(items: readonly T[], query: Readonly<Record<string, string>>): readonly T[] {
  const { page, page_size: size } = query;
  if (page === undefined || size === undefined) return items;
  const at = Number(page), count = Number(size);
  if (!Number.isInteger(at) || page === "") throw new AdminError(400, "page must be an integer");
  if (!Number.isInteger(count) || count < 10 || count > 500) {
    throw new AdminError(400, "page_size must be between 10 and 500");
  }
  const from = (Math.max(1, at) - 1) * count;
  return items.slice(from, from + count);
}

function pattern(name: string, text: string | undefined): Regex | undefined {
  if (text === undefined || text === "") return undefined;
  const compiled = compileRegex(text, false);
  if (typeof compiled === "string") throw new AdminError(400, `invalid argument ${name}: ${compiled}`);
  return compiled;
}

function matches(regex: Regex, value: unknown): boolean {
  if (Array.isArray(value)) return value.some((each) => matches(regex, each));
  return typeof value === "string" && regex.search(value);
}

function hasLabel({ labels }: Fields, label: string): boolean {
  return typeof labels === "object" && labels !== null && Object.hasOwn(labels, label);
}

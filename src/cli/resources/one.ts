import { parseResource } from "../../config/parse.ts";
import { quote } from "../../config/issue.ts";
import { parseKey, toKey } from "../../config/key.ts";
import { type Reference, referencesOf } from "../../store/references.ts";
import type { StoredEntry, WritableSource } from "../../store/writable.ts";
import type { Checker } from "./catalogue.ts";
import type { Named } from "./flags.ts";
import { judge, mentions } from "./judge.ts";
import { decodeValue, isFields } from "./value.ts";
import { Failure } from "./with-target.ts";

/**
 * Refuses a value that a gateway would not serve, or that refers to what is not stored.
 *
 * @throws Failure that names every issue.
 * @throws WriteError
 */
export async function refuseBad(
  target: WritableSource,
  { kind, id, key }: Named,
  value: unknown,
  checker: Checker,
): Promise<void> {
  const { resource, errors } = judge(kind, id, value, checker);
  const lines = errors.map(({ path, message }) => `${path} ${message}`.trim());
  for (const { kind: to, id: other, path } of mentions(kind, id, value, resource, checker)) {
    const { entry } = await target.get(toKey(to, other));
    if (entry === undefined) lines.push(`${path} refers to ${to} ${quote(other, 64)}, which is not there`.trim());
  }
  if (lines.length > 0) throw new Failure(`Cannot write ${key}: ${lines.join("; ")}`);
}

/** Keys of the resources that refer to one, in the order of their keys. */
export function dependentsOf(entries: readonly StoredEntry[], { kind, id }: Named, checker: Checker): string[] {
  const found: string[] = [];
  for (const { key, references } of mentionsOf(entries, checker)) {
    if (references.some((reference) => reference.kind === kind && String(reference.id) === id)) found.push(key);
  }
  return found;
}

/**
 * Why resources must not be deleted: others that stay refer to them.
 *
 * @param gone What is to be deleted, as in `upstream u1`.
 */
export function brokenBy(entries: readonly StoredEntry[], gone: ReadonlySet<string>, checker: Checker): string[] {
  const lines: string[] = [];
  for (const { key, name, references } of mentionsOf(entries, checker)) {
    if (gone.has(name)) continue;
    const target = references.find(({ kind, id }) => gone.has(`${kind} ${String(id)}`));
    if (target === undefined) continue;
    lines.push(`Cannot delete ${toKey(target.kind, String(target.id))}: ${key} refers to it, and stays`);
  }
  return lines;
}

interface Mentions {
  readonly key: string;
  /** As in `route 1`. */
  readonly name: string;
  readonly references: readonly Reference[];
}

function* mentionsOf(entries: readonly StoredEntry[], checker: Checker): Generator<Mentions> {
  for (const { key, value: bytes } of entries) {
    const parsed = parseKey(key, bytes);
    // A node that registered itself at an upstream does not keep that.
    if (parsed === "ignored" || parsed.kind === "unknown" || parsed.kind === "upstream_node") continue;
    const { kind, id } = parsed;
    const read = parseResource(kind, id, bytes, { ...checker.parse, mode: "lenient" });
    const value = decodeValue(bytes)?.value;
    // What a gateway does not serve depends on nothing, except in what it plainly says.
    const references = read.ok
      ? [...referencesOf(kind, read.resource), ...checker.references(kind, read.resource)]
      : isFields(value)
      ? referencesOf(kind, value as unknown as Parameters<typeof referencesOf>[1])
      : [];
    yield { key, name: `${kind} ${id}`, references };
  }
}

import { parseResource } from "../../config/parse.ts";
import { quote } from "../../config/issue.ts";
import { parseKey, toKey } from "../../config/key.ts";
import { referencesOf } from "../../store/references.ts";
import type { StoredEntry, WritableSource } from "../../store/writable.ts";
import type { Checker } from "./catalogue.ts";
import type { Named } from "./flags.ts";
import { decodeValue, encodeValue } from "./value.ts";
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
  const parsed = parseResource(kind, id, encodeValue(value), checker.parse);
  const lines: string[] = [];
  if (!parsed.ok) { for (const { path, message } of parsed.issues) lines.push(`${path} ${message}`.trim()); }
  else {
    for (
      const { kind: to, id: other, path } of [
        ...referencesOf(kind, parsed.resource),
        ...checker.references(kind, parsed.resource),
      ]
    ) {
      const { entry } = await target.get(toKey(to, other));
      if (entry === undefined) lines.push(`${path} refers to ${to} ${quote(other, 64)}, which is not there`.trim());
    }
  }
  if (lines.length > 0) throw new Failure(`Cannot write ${key}: ${lines.join("; ")}`);
}

/** Keys of the resources that refer to one, in the order of their keys. */
export function dependentsOf(entries: readonly StoredEntry[], { kind, id }: Named, checker: Checker): string[] {
  const found: string[] = [];
  for (const { key, value: bytes } of entries) {
    const parsed = parseKey(key, bytes);
    if (parsed === "ignored" || parsed.kind === "unknown") continue;
    const read = parseResource(parsed.kind, parsed.id, bytes, { ...checker.parse, mode: "lenient" });
    // What a gateway does not serve depends on nothing, except in what it plainly says.
    const value = decodeValue(bytes)?.value;
    const references = read.ok
      ? [...referencesOf(parsed.kind, read.resource), ...checker.references(parsed.kind, read.resource)]
      : typeof value === "object" && value !== null
      ? referencesOf(parsed.kind, value as Parameters<typeof referencesOf>[1])
      : [];
    if (references.some((reference) => reference.kind === kind && String(reference.id) === id)) found.push(key);
  }
  return found;
}

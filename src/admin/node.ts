import type { StoredEntry, WritableSource } from "../store/writable.ts";
import type { Checker, Fields } from "./check.ts";
import { isObject } from "./patch.ts";
import type { ResourceType } from "./resource-types.ts";

/** A resource as the Admin API shows it. */
export interface ResourceNode {
  /** With the source's prefix. */
  readonly key: string;
  readonly value: unknown;
  /** The revision that made it. */
  readonly createdIndex: number;
  /** The revision that last wrote it: what `If-Match` takes. */
  readonly modifiedIndex: number;
}

/** A stored value as JSON; undefined where it is none, as APISIX's placeholders are. */
export function toFields({ value }: StoredEntry): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(value));
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** What a resource shows of itself: plugins' secrets decrypted, private keys of certificates left out, as in APISIX. */
export async function toNode(
  { kind }: ResourceType,
  entry: StoredEntry,
  fields: Fields,
  source: Pick<WritableSource, "prefix">,
  checker: Checker,
): Promise<ResourceNode> {
  let value = fields;
  if (kind === "ssl") {
    const { key: _, keys: __, ...shown } = fields;
    value = shown;
  }
  await checker.unseal(kind, value);
  return {
    key: source.prefix + entry.key,
    value,
    createdIndex: entry.createRevision,
    modifiedIndex: entry.modRevision,
  };
}

import type { Catalogue } from "../../pipeline/catalogue.ts";
import { parseKey } from "../../config/key.ts";
import { KINDS } from "../../config/kinds.ts";
import type { StoredEntry } from "../../store/writable.ts";
import { sectionOf } from "./kinds.ts";
import { withoutOwner } from "./plan.ts";
import { redact } from "./secrets.ts";
import { contentOf, decodeValue, isFields } from "./value.ts";

/** A store's content as a resources file. */
export interface Dump {
  readonly sections: Readonly<Record<string, unknown>>;
  readonly resources: number;
  /** What is not in it, and why, a line each. */
  readonly left: readonly string[];
}

/** How a dump is made. */
export interface DumpOptions {
  readonly catalogue: Catalogue;
  /** Whose label is left out, since `apply` writes it again. */
  readonly owner: string;
  readonly showSecrets: boolean;
}

/**
 * Makes the file that `apply` would make the same store from. Fields keep their order; what a store keeps for itself (times, ids inside of values
 * whose key tells them) is left out.
 */
export function toDump(entries: readonly StoredEntry[], { catalogue, owner, showSecrets }: DumpOptions): Dump {
  const sections = new Map<string, unknown>();
  for (const kind of KINDS) sections.set(sectionOf(kind), undefined);
  const consumers = new Map<string, { credentials?: unknown[] }>();
  const left: string[] = [];
  let resources = 0, registered = 0;
  for (const { key, value: bytes } of entries) {
    const parsed = parseKey(key, bytes);
    if (parsed === "ignored") continue;
    if (parsed.kind === "unknown") {
      left.push(`${key}: ${parsed.reason}`);
      continue;
    }
    const { kind, id } = parsed;
    if (kind === "upstream_node") {
      registered++;
      continue;
    }
    const decoded = decodeValue(bytes);
    if (decoded === undefined || !(isFields(decoded.value) || kind === "plugin_list")) {
      left.push(`${key}: its value is no JSON object`);
      continue;
    }
    const plain = withoutOwner(contentOf(kind, decoded.value), owner);
    const value = showSecrets ? plain : redact(kind, plain, catalogue);
    resources++;
    if (kind === "node" || kind === "plugin_list") {
      sections.set(sectionOf(kind), value);
      continue;
    }
    const own = kind === "credential" ? id.slice(id.lastIndexOf("/") + 1) : id;
    // A consumer's name is in its value already.
    const entry: { id?: string; credentials?: unknown[] } = {
      ...(kind === "consumer" ? {} : { id: own }),
      ...value as object,
    };
    if (kind === "credential") {
      const consumer = consumers.get(id.slice(0, id.indexOf("/")));
      if (consumer !== undefined) {
        (consumer.credentials ??= []).push(entry);
        continue;
      }
      Object.assign(entry, { id });
    }
    if (kind === "consumer") consumers.set(id, entry);
    const list = sections.get(sectionOf(kind)) as unknown[] | undefined;
    if (list === undefined) sections.set(sectionOf(kind), [entry]);
    else list.push(entry);
  }
  if (registered > 0) left.push(`${registered} nodes that registered themselves at an upstream: they come and go`);
  const present = [...sections].filter(([, content]) => content !== undefined);
  return { sections: Object.fromEntries(present.length > 0 ? present : [["routes", []]]), resources, left };
}

/** A dump as YAML, which `parseLayout` reads as the same values. */
export async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, version: "1.2" });
}

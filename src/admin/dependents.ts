import { parseKey, toKey } from "../config/key.ts";
import type { Kind } from "../config/kinds.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { WritableSource } from "../store/writable.ts";
import { isObject } from "./patch.ts";
import { toFields } from "./node.ts";

/** What may refer to a kind, in the order in which APISIX looks, and by which field; plugins name upstreams. */
const REFERRERS: Readonly<Partial<Record<Kind, { readonly kinds: readonly Kind[]; readonly field: string }>>> = {
  upstream: {
    kinds: ["route", "service", "plugin_config", "consumer", "consumer_group", "global_rule"],
    field: "upstream_id",
  },
  service: { kinds: ["route"], field: "service_id" },
  plugin_config: { kinds: ["route"], field: "plugin_config_id" },
  consumer_group: { kinds: ["consumer"], field: "group_id" },
  ssl: { kinds: ["route", "service", "upstream"], field: "tls.client_cert_id" },
};

/**
 * Who keeps a resource from being deleted, in words such as `route [1]` or `plugin in service [2]`. Everything that is stored counts, also what a
 * gateway would reject.
 *
 * @throws WriteError
 */
export async function findDependent(
  source: WritableSource,
  catalogue: Catalogue,
  kind: Kind,
  id: string,
): Promise<string | undefined> {
  const referrers = REFERRERS[kind];
  if (referrers === undefined) return undefined;
  const decoder = new TextDecoder();
  for (const from of referrers.kinds) {
    const { entries } = await source.list(toKey(from, ""));
    for (const entry of entries) {
      // Most values do not hold the id at all, and need not be read.
      if (!decoder.decode(entry.value).includes(id)) continue;
      const parsed = parseKey(entry.key);
      const fields = toFields(entry);
      if (parsed === "ignored" || parsed.kind !== from || fields === undefined) continue;
      if (kind === "upstream" && pluginNames(fields, catalogue, id)) return `plugin in ${from} [${parsed.id}]`;
      if (refersTo(fields, referrers.field, id)) return `${from} [${parsed.id}]`;
    }
  }
  return undefined;
}

function refersTo(fields: Readonly<Record<string, unknown>>, field: string, id: string): boolean {
  if (field !== "tls.client_cert_id") return isSame(fields[field], id);
  return [fields, fields["upstream"]].some((upstream) =>
    isObject(upstream) && isObject(upstream["tls"]) && isSame(upstream["tls"]["client_cert_id"], id)
  );
}

/** Ids are stored as texts or as numbers. */
function isSame(value: unknown, id: string): boolean {
  return (typeof value === "string" || typeof value === "number") && String(value) === id;
}

function pluginNames({ plugins }: Readonly<Record<string, unknown>>, catalogue: Catalogue, id: string): boolean {
  if (!isObject(plugins)) return false;
  return Object.entries(plugins).some(([name, config]) => {
    try {
      return [...catalogue.get(name)?.upstreamIds(config) ?? []].some((each) => isSame(each, id));
    } catch {
      // A configuration that is not valid refers to nothing.
      return false;
    }
  });
}

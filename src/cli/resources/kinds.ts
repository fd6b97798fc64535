import { DIRECTORIES, type Kind } from "../../config/kinds.ts";

/**
 * Kinds in the order in which they are written: what is referred to comes before what refers to it, so that no gateway ever sees a reference
 * to what is not there yet. They are deleted the other way round.
 */
const ORDER: readonly Kind[] = [
  "plugin_list",
  "plugin_metadata",
  "secret",
  "ssl",
  "upstream",
  "upstream_node",
  "service",
  "plugin_config",
  "consumer_group",
  "consumer",
  "credential",
  "global_rule",
  "route",
  "node",
  "proto",
  "stream_route",
];

const RANKS: ReadonlyMap<Kind, number> = new Map(ORDER.map((kind, rank) => [kind, rank]));

/** Where a kind stands in the order of writing. */
export function rankOf(kind: Kind): number {
  return RANKS.get(kind) ?? ORDER.length;
}

/** Kinds whose values may have `labels`, as in Apache APISIX (`schema_def.lua`). */
const LABELLED: ReadonlySet<Kind> = new Set<Kind>([
  "route",
  "service",
  "upstream",
  "plugin_config",
  "consumer",
  "credential",
  "consumer_group",
  "ssl",
]);

/** Whether a resource of this kind can say whose it is. */
export function hasLabels(kind: Kind): boolean {
  return LABELLED.has(kind);
}

const SECTIONS: ReadonlyMap<Kind, string> = new Map(
  Object.entries(DIRECTORIES).map(([section, kind]) => [kind, section]),
);

/** The section of a resources file that holds a kind. */
export function sectionOf(kind: Kind): string {
  if (kind === "plugin_list") return "plugins";
  if (kind === "credential") return "consumers";
  if (kind === "upstream_node") return "upstreams";
  return SECTIONS.get(kind) ?? kind;
}

/** What the value itself calls its id; `undefined` for kinds whose value has none, since the key alone tells. */
export function ownId(kind: Kind, id: string): string | undefined {
  switch (kind) {
    case "credential":
      return id.slice(id.lastIndexOf("/") + 1);
    case "consumer":
    case "secret":
    case "plugin_metadata":
    case "plugin_list":
    case "node":
    case "upstream_node":
      return undefined;
    default:
      return id;
  }
}

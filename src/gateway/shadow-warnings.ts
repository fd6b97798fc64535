import type { Issue } from "../config/issue.ts";
import type { Store } from "../store/store.ts";
import { LONE_NODE_ID } from "./entry.ts";
import type { RouteTable } from "./table.ts";

const TOPIC = "shadowed";

/**
 * Makes what writes warnings of shadowed routes into their keys' status. That is asked for only when somebody looks: to find them takes a walk over
 * the whole tree, and no request is the slower for it.
 */
export function createShadowWarnings(table: RouteTable, store: Pick<Store, "annotate" | "revision">): () => void {
  let revision: number | undefined;
  let warned = new Set<string>();
  return () => {
    if (revision === store.revision) return;
    revision = store.revision;
    const issues = new Map<string, Issue[]>();
    for (const { id, by, host, uri } of table.shadowed()) {
      if (id === LONE_NODE_ID) continue;
      const place = host === undefined ? uri : `${host} ${uri}`;
      const issue = { path: "", message: `never takes ${place}: route '${by}' is equal there and stands before it` };
      const list = issues.get(id);
      if (list === undefined) issues.set(id, [issue]);
      else list.push(issue);
    }
    for (const id of warned) if (!issues.has(id)) store.annotate("route", id, TOPIC, []);
    for (const [id, list] of issues) store.annotate("route", id, TOPIC, list);
    warned = new Set(issues.keys());
  };
}

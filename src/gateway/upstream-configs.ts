import type { InlineUpstream } from "../config/upstream.ts";
import type { Delta } from "../store/delta.ts";
import type { Store } from "../store/store.ts";

type ConfigStore = Pick<Store, "get" | "dependents">;

/** Names of upstreams at work (`upstream/1`, `route/7`, `service/2`, `node/node`) whose configuration a batch may have changed. */
export function touchedUpstreams(delta: Delta, store: ConfigStore): Set<string> {
  const keys = new Set<string>();
  for (const change of delta.changes) {
    const { kind, id } = change;
    switch (kind) {
      case "upstream":
      case "node":
        keys.add(`${kind}/${id}`);
        break;
      case "route":
      case "service":
        if (change.before?.upstream !== undefined || change.after?.upstream !== undefined) keys.add(`${kind}/${id}`);
        break;
      case "upstream_node":
        keys.add(`upstream/${id.slice(0, id.indexOf("/"))}`);
        break;
      case "ssl":
        // A client certificate of upstreams; who has none of it is left as it is.
        for (const dependent of store.dependents("ssl", id)) keys.add(`${dependent.kind}/${dependent.id}`);
        break;
    }
  }
  return keys;
}

/** The configuration of an upstream at work; undefined where there is none. Nodes that registered themselves are added to those that are written. */
export function upstreamConfig(key: string, store: ConfigStore): InlineUpstream | undefined {
  const slash = key.indexOf("/");
  const id = key.slice(slash + 1);
  switch (key.slice(0, slash)) {
    case "route":
      return store.get("route", id)?.upstream;
    case "service":
      return store.get("service", id)?.upstream;
    case "node": {
      const node = store.get("node", id);
      return node && loneUpstream(node.host, node.port);
    }
    default: {
      const config = store.get("upstream", id);
      return config && withRegisteredNodes(config, id, store);
    }
  }
}

function withRegisteredNodes(config: InlineUpstream, id: string, store: ConfigStore): InlineUpstream {
  const registered = store.dependents("upstream", id)
    .filter(({ kind }) => kind === "upstream_node")
    .map((name) => store.get("upstream_node", name.id))
    .filter((node) => node !== undefined)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (registered.length === 0) return config;
  const nodes = registered.map(({ host, port, weight, priority }) => ({ host, port, weight, priority }));
  return { ...config, nodes: [...config.nodes ?? [], ...nodes] };
}

function loneUpstream(host: string, port: number): InlineUpstream {
  return {
    nodes: [{ host, port, weight: 1, priority: 0 }],
    type: "roundrobin",
    hash_on: "vars",
    retry_timeout: 0,
    scheme: "http",
    pass_host: "pass",
  };
}

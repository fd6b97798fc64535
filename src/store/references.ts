import type { Kind } from "../config/kinds.ts";
import type { Resource, ResourceOf } from "../config/resource.ts";
import type { InlineUpstream } from "../config/upstream.ts";

/** Names a resource. */
export interface ResourceName {
  readonly kind: Kind;
  readonly id: string;
}

/** One resource's mention of another. */
export interface Reference extends ResourceName {
  /** Where it stands, as in `upstream.tls.client_cert_id`. */
  readonly path: string;
}

/** Finds references that only a plugin's owner knows, as traffic-split's `upstream_id`s. */
export type ReferenceExtractor = (kind: Kind, resource: Resource) => Iterable<Reference>;

/** What a resource refers to, plugins left aside. */
export function referencesOf(kind: Kind, resource: Resource): Reference[] {
  const found: Reference[] = [];
  const add = (target: Kind, id: string | undefined, path: string): void => {
    if (id !== undefined) found.push({ kind: target, id, path });
  };
  const addTls = (upstream: InlineUpstream | undefined, path: string): void =>
    add("ssl", upstream?.tls?.client_cert_id, path);
  switch (kind) {
    case "route": {
      const route = resource as ResourceOf<"route">;
      add("service", route.service_id, "service_id");
      add("upstream", route.upstream_id, "upstream_id");
      add("plugin_config", route.plugin_config_id, "plugin_config_id");
      addTls(route.upstream, "upstream.tls.client_cert_id");
      break;
    }
    case "service": {
      const service = resource as ResourceOf<"service">;
      add("upstream", service.upstream_id, "upstream_id");
      addTls(service.upstream, "upstream.tls.client_cert_id");
      break;
    }
    case "upstream":
      addTls(resource as ResourceOf<"upstream">, "tls.client_cert_id");
      break;
    case "upstream_node":
      add("upstream", (resource as ResourceOf<"upstream_node">).upstream_id, "");
      break;
    case "consumer":
      add("consumer_group", (resource as ResourceOf<"consumer">).group_id, "group_id");
      break;
    case "credential":
      add("consumer", (resource as ResourceOf<"credential">).username, "");
      break;
  }
  return found;
}

/** Who refers to whom, also to what is not there. */
export class ReferenceIndex {
  /** By target. One referrer, which is the most common case, stands alone: a set of one costs ten times as much. */
  readonly #referrers = new Map<string, string | Set<string>>();

  add(from: ResourceName, targets: readonly ResourceName[]): void {
    const referrer = toText(from);
    for (const target of targets) {
      const key = toText(target);
      const held = this.#referrers.get(key);
      if (held === undefined) this.#referrers.set(key, referrer);
      else if (typeof held !== "string") held.add(referrer);
      else if (held !== referrer) this.#referrers.set(key, new Set([held, referrer]));
    }
  }

  remove(from: ResourceName, targets: readonly ResourceName[]): void {
    const referrer = toText(from);
    for (const target of targets) {
      const key = toText(target);
      const held = this.#referrers.get(key);
      if (held === referrer) this.#referrers.delete(key);
      else if (held instanceof Set && held.delete(referrer) && held.size === 0) this.#referrers.delete(key);
    }
  }

  /** Who refers to a resource directly. */
  direct(kind: Kind, id: string): ResourceName[] {
    const held = this.#referrers.get(toText({ kind, id }));
    if (held === undefined) return [];
    return typeof held === "string" ? [toName(held)] : Array.from(held, toName);
  }

  /** Who refers to a resource, directly or through others; nobody twice, and never the resource itself. */
  transitive(kind: Kind, id: string): ResourceName[] {
    const seen = new Set([toText({ kind, id })]);
    const found: ResourceName[] = [];
    for (const next of this.#walk(kind, id, seen)) found.push(next);
    return found;
  }

  *#walk(kind: Kind, id: string, seen: Set<string>): Generator<ResourceName> {
    for (const name of this.direct(kind, id)) {
      const text = toText(name);
      if (seen.has(text)) continue;
      seen.add(text);
      yield name;
      // As deep as kinds refer to kinds: route to service to upstream to ssl.
      yield* this.#walk(name.kind, name.id, seen);
    }
  }
}

/** No kind's name holds a slash. */
const toText = ({ kind, id }: ResourceName): string => `${kind}/${id}`;

function toName(text: string): ResourceName {
  const slash = text.indexOf("/");
  return { kind: text.slice(0, slash) as Kind, id: text.slice(slash + 1) };
}

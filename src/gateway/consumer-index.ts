import type { ResourceOf } from "../config/resource.ts";
import type { PluginUses } from "../config/plugins.ts";
import type { Issue } from "../config/issue.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { ConsumerDirectory, ConsumerIdentity } from "../pipeline/consumers.ts";
import type { Delta } from "../store/delta.ts";
import type { Store } from "../store/store.ts";
import type { PluginLayer } from "./chain.ts";

/** A consumer as the chain needs it: with the plugins that join a route's. */
export interface IndexedConsumer extends ConsumerIdentity {
  /** The consumer's plugins, then its group's; empty where nothing joins. */
  readonly layers: readonly PluginLayer[];
  /** Its group is named and not there: 503, as in APISIX. */
  readonly groupMissing: boolean;
}

/** Where a key of an authentication plugin comes from. */
interface Claim {
  readonly kind: "consumer" | "credential";
  readonly id: string;
  readonly identity: IndexedConsumer;
}

type ConsumerStore = Pick<Store, "get" | "all" | "annotate">;

/**
 * Finds consumers by what they prove themselves with, in constant time: indexed when the configuration changes. Where two have the same key, the
 * one whose name sorts first has it, on every instance, and the status warns of both.
 */
export class ConsumerIndex {
  readonly #store: ConsumerStore;
  readonly #catalogue: Catalogue;
  /** By plugin, then by key. */
  readonly #claims: Map<string, Map<string, Claim[]>> = new Map();
  /** Keys that a resource claims, to take them back. */
  readonly #claimed: Map<string, { plugin: string; key: string }[]> = new Map();
  readonly #named: Map<string, IndexedConsumer> = new Map();

  constructor(store: ConsumerStore, catalogue: Catalogue) {
    this.#store = store;
    this.#catalogue = catalogue;
  }

  directory(plugin: string): ConsumerDirectory {
    return {
      find: (key) => this.#claims.get(plugin)?.get(key)?.[0]?.identity,
      named: (username) => this.#named.get(username),
    };
  }

  /** Takes up what a batch changed in consumers, their credentials and their groups. */
  apply(delta: Delta): void {
    const consumers = new Set<string>();
    for (const { kind, id } of delta.changes) {
      if (kind === "consumer") consumers.add(id);
      else if (kind === "credential") consumers.add(id.slice(0, id.indexOf("/")));
    }
    const groups = new Set(delta.changes.filter(({ kind }) => kind === "consumer_group").map(({ id }) => id));
    if (groups.size > 0) {
      for (const { username, group_id: group } of this.#store.all("consumer")) {
        if (group !== undefined && groups.has(group)) consumers.add(username);
      }
    }
    const credentials = consumers.size === 0 ? new Map() : this.#credentialsOf(consumers);
    for (const username of consumers) this.#index(username, credentials.get(username) ?? []);
  }

  #credentialsOf(consumers: ReadonlySet<string>): Map<string, ResourceOf<"credential">[]> {
    const found = new Map<string, ResourceOf<"credential">[]>();
    for (const credential of this.#store.all("credential")) {
      if (!consumers.has(credential.username)) continue;
      const list = found.get(credential.username);
      if (list === undefined) found.set(credential.username, [credential]);
      else list.push(credential);
    }
    return found;
  }

  #index(username: string, credentials: readonly ResourceOf<"credential">[]): void {
    this.#withdraw(username);
    const consumer = this.#store.get("consumer", username);
    if (consumer === undefined) return;
    const groupId = consumer.group_id;
    const group = groupId === undefined ? undefined : this.#store.get("consumer_group", groupId);
    const common = {
      layers: [
        ...this.#layer(`consumer/${username}`, consumer.plugins),
        ...this.#layer(`consumer_group/${groupId}`, group?.plugins),
      ],
      groupMissing: groupId !== undefined && group === undefined,
    };
    const facts = {
      username,
      ...(groupId === undefined ? {} : { groupId }),
      labels: consumer.labels ?? {},
    };
    this.#named.set(username, { ...common, facts, config: undefined });
    this.#claim(username, "consumer", username, consumer.plugins, (config) => ({ ...common, facts, config }));
    for (const { id, credential_id: credentialId, plugins } of credentials) {
      const own = { ...facts, credentialId };
      this.#claim(username, "credential", id, plugins, (config) => ({ ...common, facts: own, config }));
    }
  }

  /** What proves who a consumer is does not run on the route; where nothing else is left, there is no layer. */
  #layer(from: string, uses: PluginUses = {}): PluginLayer[] {
    const rest = Object.entries(uses).filter(([name]) => this.#catalogue.get(name)?.consumerSchema === undefined);
    return rest.length === 0 ? [] : [{ from, uses: Object.fromEntries(rest) }];
  }

  #claim(
    username: string,
    kind: Claim["kind"],
    id: string,
    uses: PluginUses | undefined,
    toIdentity: (config: unknown) => IndexedConsumer,
  ): void {
    for (const [name, { config, meta }] of Object.entries(uses ?? {})) {
      const plugin = this.#catalogue.get(name);
      if (plugin?.consumerKey === undefined || meta.disable === true) continue;
      const key = plugin.consumerKey(config);
      let byKey = this.#claims.get(name);
      if (byKey === undefined) this.#claims.set(name, byKey = new Map());
      const claims = byKey.get(key) ?? [];
      claims.push({ kind, id, identity: toIdentity(config) });
      claims.sort((a, b) => (a.id < b.id ? -1 : 1));
      byKey.set(key, claims);
      const claimed = this.#claimed.get(username);
      if (claimed === undefined) this.#claimed.set(username, [{ plugin: name, key }]);
      else claimed.push({ plugin: name, key });
      this.#warn(name, claims);
    }
  }

  #withdraw(username: string): void {
    this.#named.delete(username);
    for (const { plugin, key } of this.#claimed.get(username) ?? []) {
      const byKey = this.#claims.get(plugin);
      const rest = (byKey?.get(key) ?? []).filter(({ identity }) => identity.facts.username !== username);
      if (rest.length === 0) byKey?.delete(key);
      else {
        byKey?.set(key, rest);
        this.#warn(plugin, rest);
      }
    }
    this.#claimed.delete(username);
  }

  /** Says on each key who else has the same; the key itself is a secret. */
  #warn(plugin: string, claims: readonly Claim[]): void {
    const names = claims.map(({ kind, id }) => `${kind} '${id}'`);
    for (const [index, { kind, id }] of claims.entries()) {
      const others = names.filter((_, other) => other !== index);
      const warnings: Issue[] = others.length === 0 ? [] : [{
        path: `plugins.${plugin}`,
        message: `is the same as that of ${others.join(", ")}: ${names[0]} is the one that is found`,
      }];
      this.#store.annotate(kind, id, `duplicate-${plugin}`, warnings);
    }
  }
}

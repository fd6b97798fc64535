import type { PluginUses } from "../config/plugins.ts";
import type { ResourceChange } from "../store/delta.ts";

/** One piece of a plugin's state, and how many resources hold it. */
interface Held {
  readonly value: unknown;
  readonly dispose: (() => void) | undefined;
  readonly holders: Set<string>;
}

/** Who asks for a piece of state: a plugin, and the resource that its configuration comes from. */
export interface StateHolder {
  readonly name: string;
  readonly from: string;
}

/**
 * State of plugins (counters, breakers), which outlives changes of the configuration that do not concern it. A resource that is compiled anew keeps what it
 * asks for again; what it no longer asks for, and what a deleted resource had, is released.
 */
export class PluginStates {
  readonly #held: Map<string, Held> = new Map();
  /** By resource; which plugin asked for each key. */
  readonly #keys: Map<string, Map<string, string>> = new Map();

  /**
   * Begins to compile a resource; returns what ends it, releasing what was not asked for in between.
   *
   * @param kept Plugins whose state stays though nobody asked for it yet: {@link unchangedPlugins}.
   */
  begin(resource: string, kept: ReadonlySet<string>): () => void {
    const before = this.#keys.get(resource);
    if (before === undefined) return nothing;
    this.#keys.delete(resource);
    return () => {
      for (const [key, plugin] of before) {
        if (kept.has(plugin)) this.#keysOf(resource).set(key, plugin);
        else if (this.#keys.get(resource)?.has(key) !== true) this.#leave(key, resource);
      }
    };
  }

  /** The state of that key, made if nobody holds it yet. */
  hold<T>(key: string, { name, from }: StateHolder, make: () => T, dispose?: (state: T) => void): T {
    let held = this.#held.get(key);
    if (held === undefined) {
      const value = make();
      held = { value, dispose: dispose && (() => dispose(value)), holders: new Set() };
      this.#held.set(key, held);
    }
    held.holders.add(from);
    this.#keysOf(from).set(key, name);
    return held.value as T;
  }

  /** Releases all that a resource holds. */
  release(resource: string): void {
    const keys = this.#keys.get(resource);
    if (keys === undefined) return;
    this.#keys.delete(resource);
    for (const key of keys.keys()) this.#leave(key, resource);
  }

  close(): void {
    for (const resource of [...this.#keys.keys()]) this.release(resource);
  }

  #keysOf(resource: string): Map<string, string> {
    let keys = this.#keys.get(resource);
    if (keys === undefined) this.#keys.set(resource, keys = new Map());
    return keys;
  }

  #leave(key: string, resource: string): void {
    const held = this.#held.get(key);
    if (held === undefined || !held.holders.delete(resource) || held.holders.size > 0) return;
    this.#held.delete(key);
    held.dispose?.();
  }
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Plugins of a consumer or a consumer group that a change leaves as they were. Their chains are composed when the next request of the consumer comes,
 * so that it is not yet seen during the change what they will ask for again. Of other resources nothing needs to be told.
 */
export function unchangedPlugins({ kind, before, after }: ResourceChange): ReadonlySet<string> {
  if ((kind !== "consumer" && kind !== "consumer_group") || before === undefined || after === undefined) return NONE;
  const earlier = (before as { readonly plugins?: PluginUses }).plugins ?? {};
  const later = (after as { readonly plugins?: PluginUses }).plugins ?? {};
  return new Set(
    Object.keys(later).filter((name) => JSON.stringify(earlier[name]?.config) === JSON.stringify(later[name]?.config)),
  );
}

function nothing(): void {}

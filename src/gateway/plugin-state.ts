/** One piece of a plugin's state, and how many resources hold it. */
interface Held {
  readonly value: unknown;
  readonly dispose: (() => void) | undefined;
  readonly holders: Set<string>;
}

/**
 * State of plugins (counters, breakers), which outlives changes of the configuration that do not concern it. A resource that is compiled anew keeps what it
 * asks for again; what it no longer asks for, and what a deleted resource had, is released.
 */
export class PluginStates {
  readonly #held: Map<string, Held> = new Map();
  /** By resource. */
  readonly #keys: Map<string, Set<string>> = new Map();

  /** Begins to compile a resource; returns what ends it, releasing what was not asked for in between. */
  begin(resource: string): () => void {
    const before = this.#keys.get(resource);
    this.#keys.delete(resource);
    return () => {
      if (before === undefined) return;
      const now = this.#keys.get(resource);
      for (const key of before) if (now?.has(key) !== true) this.#leave(key, resource);
    };
  }

  /** The state of that key, made if nobody holds it yet. */
  hold<T>(key: string, resource: string, make: () => T, dispose?: (state: T) => void): T {
    let held = this.#held.get(key);
    if (held === undefined) {
      const value = make();
      held = { value, dispose: dispose && (() => dispose(value)), holders: new Set() };
      this.#held.set(key, held);
    }
    held.holders.add(resource);
    const keys = this.#keys.get(resource);
    if (keys === undefined) this.#keys.set(resource, new Set([key]));
    else keys.add(key);
    return held.value as T;
  }

  /** Releases all that a resource holds. */
  release(resource: string): void {
    const keys = this.#keys.get(resource);
    if (keys === undefined) return;
    this.#keys.delete(resource);
    for (const key of keys) this.#leave(key, resource);
  }

  close(): void {
    for (const resource of [...this.#keys.keys()]) this.release(resource);
  }

  #leave(key: string, resource: string): void {
    const held = this.#held.get(key);
    if (held === undefined || !held.holders.delete(resource) || held.holders.size > 0) return;
    this.#held.delete(key);
    held.dispose?.();
  }
}

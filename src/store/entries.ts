import type { Kind } from "../config/kinds.ts";
import type { Resource } from "../config/resource.ts";
import type { Entry } from "./entry.ts";
import type { Counts, KeyState } from "./key-status.ts";

/** Every key that the store knows of, by kind and id. */
export class Entries {
  readonly #kinds = new Map<Kind | "unknown", Map<string, Entry>>();

  get(kind: Kind | "unknown", id: string): Entry | undefined {
    return this.#kinds.get(kind)?.get(id);
  }

  set(entry: Entry): void {
    let byId = this.#kinds.get(entry.kind);
    if (byId === undefined) this.#kinds.set(entry.kind, byId = new Map());
    byId.set(entry.id, entry);
  }

  delete(entry: Entry): void {
    this.#kinds.get(entry.kind)?.delete(entry.id);
  }

  *all(kind?: Kind | "unknown"): Generator<Entry> {
    if (kind !== undefined) {
      yield* this.#kinds.get(kind)?.values() ?? [];
      return;
    }
    for (const byId of this.#kinds.values()) yield* byId.values();
  }

  *served(kind: Kind): Generator<Resource> {
    for (const { resource } of this.all(kind)) if (resource !== undefined) yield resource;
  }

  /** The highest revision among the keys of each kind. */
  revisions(): Partial<Record<Kind, number>> {
    const revisions: Partial<Record<Kind, number>> = {};
    for (const { kind, revision } of this.all()) {
      if (kind !== "unknown" && revision > (revisions[kind] ?? 0)) revisions[kind] = revision;
    }
    return revisions;
  }

  counts(): Counts {
    const kinds: Partial<Record<Kind, number>> = {};
    const states: Record<KeyState, number> = { active: 0, stale: 0, pending: 0, rejected: 0, unsupported: 0 };
    for (const entry of this.all()) {
      states[entry.state]++;
      if (entry.kind !== "unknown" && entry.resource !== undefined) kinds[entry.kind] = (kinds[entry.kind] ?? 0) + 1;
    }
    return { kinds, states };
  }
}

import { type Guard, type StoredEntry, type StoredList, WriteError } from "../store/writable.ts";
import type { WriteLimits } from "../store/writable.ts";
import type { Edit, Revision } from "./batch-queue.ts";

/** One process holds the content, so that a write is bounded only against mistakes. */
const LIMITS: WriteLimits = { operations: 100_000, bytes: 256 << 20 };

/** Keys with their values and revisions, as a source that holds them in its own memory keeps them. */
export class MemoryContent {
  readonly limits: WriteLimits = LIMITS;
  readonly #items = new Map<string, StoredEntry>();
  #revision = 0;

  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Everything, as the first revision of a reader. */
  all(): Revision {
    const edits = Array.from(
      this.#items.values(),
      ({ key, value, modRevision }): Edit => ({ key, value, revision: modRevision, fresh: true }),
    );
    return { revision: this.#revision, edits };
  }

  get(key: string): StoredEntry | undefined {
    return this.#items.get(key);
  }

  list(prefix: string): StoredList {
    const entries = [...this.#items.values()].filter(({ key }) => key.startsWith(prefix));
    return { entries: entries.sort((a, b) => a.key < b.key ? -1 : 1), revision: this.#revision };
  }

  holds(guards: readonly Guard[]): boolean {
    return guards.every(({ key, modRevision }) => (this.#items.get(key)?.modRevision ?? 0) === modRevision);
  }

  /**
   * Writes all of it in one revision; a key that is deleted and not there changes nothing.
   *
   * @param always Makes a revision also where nothing changed.
   * @returns undefined where there is no new revision.
   */
  change(
    changes: Iterable<readonly [key: string, value: Uint8Array | undefined]>,
    always = false,
  ): Revision | undefined {
    const next = this.#revision + 1;
    const edits: Edit[] = [];
    for (const [key, value] of changes) {
      const held = this.#items.get(key);
      if (value === undefined) {
        if (held === undefined) continue;
        this.#items.delete(key);
      } else {
        this.#items.set(key, { key, value, createRevision: held?.createRevision ?? next, modRevision: next });
      }
      edits.push({ key, value, revision: next, fresh: held === undefined });
    }
    if (edits.length === 0 && !always) return undefined;
    this.#revision = next;
    return { revision: next, edits };
  }
}

/** Refuses to read the past where only the present is kept. @throws WriteError */
export function onlyNow(revision: number | undefined, now: number, what: string): void {
  if (revision === undefined || revision === now) return;
  throw new WriteError("unsupported", `Cannot read revision ${revision}: ${what} keeps only the last one, ${now}`);
}

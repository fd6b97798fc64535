import type { Batch, Change } from "../store/source.ts";

/** A change as a source makes it: with what is needed to join it to others. */
export interface Edit extends Change {
  /** The key did not exist before this edit. Then an edit that deletes it again leaves nothing behind. */
  readonly fresh: boolean;
}

/** What one revision changed. No key twice. */
export interface Revision {
  readonly revision: number;
  readonly edits: readonly Edit[];
  readonly reset?: string;
}

interface Pending {
  revision: number;
  readonly edits: Map<string, Edit>;
  reset: string | undefined;
}

/**
 * Holds the revisions that the reader has not taken yet. When more than `limit` wait, further ones are joined to the last: it then
 * holds each key once, and no key that came and went meanwhile, so that it never outgrows the content of the store before and after.
 */
export class BatchQueue {
  readonly #limit: number;
  readonly #pending: Pending[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  /** @param limit Revisions that may wait each on its own. Default 32. */
  constructor(limit = 32) {
    this.#limit = limit;
  }

  /** Revisions, or joined revisions, that wait. */
  get size(): number {
    return this.#pending.length;
  }

  push(revision: Revision): void {
    if (this.#closed) return;
    const last = this.#pending.at(-1);
    if (last && this.#pending.length >= this.#limit) {
      join(last, revision);
    } else {
      this.#pending.push({
        revision: revision.revision,
        edits: new Map(revision.edits.map((edit) => [edit.key, edit])),
        reset: revision.reset,
      });
    }
    this.#wake?.();
  }

  /** Ends the queue: what waits is dropped, and {@link BatchQueue.take} gives `undefined`. */
  close(): void {
    this.#closed = true;
    this.#pending.length = 0;
    this.#wake?.();
  }

  /** The next batch; `undefined` once the queue is closed. For one reader. */
  async take(): Promise<Batch | undefined> {
    while (!this.#closed) {
      const next = this.#pending.shift();
      if (next) return toBatch(next);
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
    return undefined;
  }
}

function join(target: Pending, { revision, edits, reset }: Revision): void {
  target.revision = revision;
  if (reset !== undefined) target.reset = target.reset === undefined ? reset : `${target.reset}; then ${reset}`;
  for (const edit of edits) {
    const before = target.edits.get(edit.key);
    if (!before) target.edits.set(edit.key, edit);
    else if (before.fresh && edit.value === undefined) target.edits.delete(edit.key);
    else target.edits.set(edit.key, { ...edit, fresh: before.fresh });
  }
}

function toBatch({ revision, edits, reset }: Pending): Batch {
  const changes = Array.from(
    edits.values(),
    ({ key, value, revision }): Change => ({ key, value, revision }),
  );
  return reset === undefined ? { revision, changes } : { revision, changes, reset };
}

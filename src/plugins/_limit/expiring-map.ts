/** What an {@link ExpiringMap} holds. */
export interface Expiring {
  /** When it ends, on the clock that the map is asked with. */
  readonly expires: number;
}

/** About what an entry takes besides its key, in UTF-16 units. */
const ENTRY_COST = 100;

/** Room for about 120,000 keys of a usual length. */
const DEFAULT_ROOM = 16 * 1024 * 1024;

/** Entries that each use looks at for some that have ended. Two a use outrun what uses add. */
const SWEEP = 2;

/**
 * A map that forgets what has ended, and is bounded whatever clients send as keys. There is no timer: each use looks at a few entries, in turn,
 * and drops those that have ended. Where live entries fill it, the one that was put in first makes room.
 */
export class ExpiringMap<T extends Expiring> {
  readonly #entries: Map<string, T> = new Map();
  readonly #room: number;
  readonly #onFull: () => void;
  #taken = 0;
  #hand: Iterator<string>;

  /**
   * @param onFull Told when an entry that has not ended is dropped.
   * @param room Bound of all keys' lengths together, each counted with 100 on top.
   */
  constructor(onFull: () => void = () => {}, room: number = DEFAULT_ROOM) {
    this.#onFull = onFull;
    this.#room = room;
    this.#hand = this.#entries.keys();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The entry of that key, unless it has ended. */
  get(key: string, now: number): T | undefined {
    this.#sweep(now);
    const entry = this.#entries.get(key);
    return entry === undefined || entry.expires <= now ? undefined : entry;
  }

  set(key: string, entry: T, now: number): void {
    this.#drop(key);
    const cost = key.length + ENTRY_COST;
    while (this.#taken + cost > this.#room && this.#entries.size > 0) this.#makeRoom(now);
    this.#entries.set(key, entry);
    this.#taken += cost;
  }

  #makeRoom(now: number): void {
    const [oldest] = this.#entries;
    if (oldest === undefined) return;
    if (oldest[1].expires > now) this.#onFull();
    this.#drop(oldest[0]);
  }

  #sweep(now: number): void {
    for (let i = 0; i < SWEEP; i++) {
      const next = this.#hand.next();
      if (next.done === true) {
        this.#hand = this.#entries.keys();
        return;
      }
      if (this.#entries.get(next.value)!.expires <= now) this.#drop(next.value);
    }
  }

  #drop(key: string): void {
    if (this.#entries.delete(key)) this.#taken -= key.length + ENTRY_COST;
  }
}

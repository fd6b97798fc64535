/** The first of many by an order, without a sort of all of them; of equals those that came first. */
export class Best<T> {
  readonly #most: number;
  readonly #compare: (a: T, b: T) => number;
  #kept: T[] = [];
  /** The last that is kept, once there are enough: what is no better need not be. */
  #last: T | undefined;

  constructor(most: number, compare: (a: T, b: T) => number) {
    this.#most = most;
    this.#compare = compare;
  }

  /** How many there are, at most those that are asked for. */
  get size(): number {
    return Math.min(this.#kept.length, this.#most);
  }

  add(one: T): void {
    if (this.#last !== undefined && this.#compare(one, this.#last) >= 0) return;
    this.#kept.push(one);
    // Twice as many, so that a sort is due rarely.
    if (this.#kept.length >= 2 * this.#most) this.#last = this.inOrder().at(-1);
  }

  /** Best first. */
  inOrder(): readonly T[] {
    return this.#kept = this.#kept.sort(this.#compare).slice(0, this.#most);
  }
}

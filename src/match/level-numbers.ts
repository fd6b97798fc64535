/** Numbers that are kept of a level: its exact paths, how many lengths of prefixes there are, and the longest of them. */
const STRIDE = 8;
/** Lengths that stand in the numbers themselves. */
export const MAX_LENGTHS: number = STRIDE - 2;

/**
 * What a match has to know of each host's routes before it looks for a path: whether any path is exact, and which lengths its prefixes have. All
 * hosts share one array, so that a match among many need not read an object and a list of each.
 */
export class LevelNumbers {
  #numbers: Int32Array = new Int32Array(STRIDE * 8);
  #count = 0;
  readonly #unused: number[] = [];

  /** The number of a new level, without any path. */
  add(): number {
    const level = this.#unused.pop() ?? this.#count++;
    if (level * STRIDE >= this.#numbers.length) {
      const grown = new Int32Array(this.#numbers.length * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers.fill(0, level * STRIDE, (level + 1) * STRIDE);
    return level;
  }

  /** Lets a level's number be used anew. */
  remove(level: number): void {
    this.#unused.push(level);
  }

  exact(level: number): number {
    return this.#numbers[level * STRIDE]!;
  }

  /** How many lengths there are; the first {@link MAX_LENGTHS} can be had here. */
  lengths(level: number): number {
    return this.#numbers[level * STRIDE + 1]!;
  }

  /** One of the lengths, longest first, as `PathIndex.lengths` codes them. */
  length(level: number, i: number): number {
    return this.#numbers[level * STRIDE + 2 + i]!;
  }

  setExact(level: number, count: number): void {
    this.#numbers[level * STRIDE] = count;
  }

  setLengths(level: number, lengths: readonly number[]): void {
    const at = level * STRIDE;
    this.#numbers[at + 1] = lengths.length;
    for (let i = 0; i < Math.min(lengths.length, MAX_LENGTHS); i++) this.#numbers[at + 2 + i] = lengths[i]!;
  }
}

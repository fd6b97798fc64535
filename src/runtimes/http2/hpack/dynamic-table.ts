/** Bytes of a table that both sides start with, whatever is announced later (RFC 9113 section 6.5.2). */
export const DEFAULT_TABLE_SIZE = 4096;

/** What a field counts besides its name and value (RFC 7541 section 4.1, RFC 9113 section 6.5.2). */
const OVERHEAD = 32;

/** Bytes that a field counts. */
export function fieldSize(name: string, value: string): number {
  return name.length + value.length + OVERHEAD;
}

/** The fields that were sent last (RFC 7541 section 2.3.2), in a ring: adding one moves none. */
export class DynamicTable {
  readonly #onEvict: ((name: string, value: string) => void) | undefined;
  #names: string[] = places(8);
  #values: string[] = places(8);
  #length = 0;
  #inserted = 0;
  #size = 0;
  #capacity: number = DEFAULT_TABLE_SIZE;

  /** @param onEvict Is told each field that is dropped, oldest first. */
  constructor(onEvict?: (name: string, value: string) => void) {
    this.#onEvict = onEvict;
  }

  /** Entries. */
  get length(): number {
    return this.#length;
  }

  /** How many entries there ever were. */
  get inserted(): number {
    return this.#inserted;
  }

  /** Bytes that it may count. */
  get capacity(): number {
    return this.#capacity;
  }

  /** @param age 0 for the entry that came last; less than {@link DynamicTable.length}. */
  name(age: number): string {
    return this.#names[this.#slot(age)]!;
  }

  /** As {@link DynamicTable.name}. */
  value(age: number): string {
    return this.#values[this.#slot(age)]!;
  }

  /** Adds a field, and drops old ones for it; one that is too large empties the table and is left out (RFC 7541 section 4.4). */
  insert(name: string, value: string): void {
    const size = fieldSize(name, value);
    this.#shrink(this.#capacity - size);
    if (size > this.#capacity) return;
    if (this.#length === this.#names.length) this.#grow();
    const slot = this.#inserted++ & this.#names.length - 1;
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.#length++;
    this.#size += size;
  }

  /** Changes how many bytes it may count (RFC 7541 section 4.3). */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#shrink(capacity);
  }

  #slot(age: number): number {
    return this.#inserted - 1 - age & this.#names.length - 1;
  }

  #shrink(bytes: number): void {
    while (this.#size > bytes && this.#length > 0) {
      const slot = this.#slot(--this.#length);
      const name = this.#names[slot]!, value = this.#values[slot]!;
      this.#size -= fieldSize(name, value);
      // A long one would live on until its place is needed.
      this.#names[slot] = this.#values[slot] = "";
      this.#onEvict?.(name, value);
    }
  }

  /** Lengths are powers of two, so that a place is found with a mask. */
  #grow(): void {
    const names = places(this.#length * 2), values = places(this.#length * 2);
    for (let age = 0; age < this.#length; age++) {
      const slot = this.#inserted - 1 - age & names.length - 1;
      names[slot] = this.name(age);
      values[slot] = this.value(age);
    }
    this.#names = names;
    this.#values = values;
  }
}

function places(length: number): string[] {
  return Array.from({ length }, () => "");
}

import { hashPrefixes, type PrefixHashes } from "./prefix-hashes.ts";

/** Marks a slot whose key was deleted: a search goes on there. */
const DELETED = -1;
/** Numbers that are kept of a key: its owner, where its text begins, its length, and how much room is there. */
const FIELDS = 4;
/** Characters of deleted keys that are not worth a tidying up. */
const MIN_GARBAGE = 4096;

/**
 * Values by a number and a text, for very many keys: a hash table whose keys lie one behind the other in a few arrays of numbers. In a `Map` each key is
 * an object of its own somewhere in memory, as each node of a tree is, and among 50,000 of them the processor waits for memory at every one that it looks at.
 *
 * @example
 * ```ts
 * const table = new PathTable<string>();
 * table.update(1, "/a/", () => "the value");
 * table.find(1, hashPrefixes("/a/b"), "/a/b", 3); // "the value"
 * ```
 */
export class PathTable<V> {
  /** For each slot a hash and the number of a key plus one; 0 = free. */
  #slots: Int32Array = new Int32Array(2 * 16);
  #mask = 15;
  /** Slots that are not free. */
  #used = 0;
  #keys: Int32Array = new Int32Array(FIELDS * 8);
  readonly #values: (V | undefined)[] = [];
  /** Numbers of keys that were deleted, with their room. */
  #unused: number[] = [];
  #text: Uint16Array = new Uint16Array(256);
  #textEnd = 0;
  #garbage = 0;

  /** Number of keys. */
  get size(): number {
    return this.#values.length - this.#unused.length;
  }

  /** The value of the first `length` characters of a text. */
  find(owner: number, hashes: PrefixHashes, text: string, length: number): V | undefined {
    const slot = this.#slotOf(owner, hashes, text, length);
    return slot < 0 ? undefined : this.#values[this.#slots[slot + 1]! - 1];
  }

  get(owner: number, text: string): V | undefined {
    return this.find(owner, hashPrefixes(text), text, text.length);
  }

  /** Puts what `change` makes of the present value (undefined = none) in its place; undefined deletes it. */
  update(owner: number, text: string, change: (value: V | undefined) => V | undefined): void {
    const hashes = hashPrefixes(text), hash = mix(hashes[text.length]!, owner);
    const slot = this.#slotOf(owner, hashes, text, text.length);
    if (slot < 0) {
      const value = change(undefined);
      if (value !== undefined) this.#insert(hash, owner, text, value);
      return;
    }
    const key = this.#slots[slot + 1]! - 1;
    const value = change(this.#values[key]);
    this.#values[key] = value;
    if (value === undefined) this.#delete(slot, key);
  }

  /** All values, in no particular order. */
  *values(): Generator<V> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }

  #slotOf(owner: number, hashes: PrefixHashes, text: string, length: number): number {
    const slots = this.#slots, mask = this.#mask;
    const hash = mix(hashes[length]!, owner);
    for (let at = hash & mask;; at = (at + 1) & mask) {
      const key = slots[2 * at + 1]!;
      if (key === 0) return -1;
      if (slots[2 * at] === hash && key !== DELETED && this.#is(key - 1, owner, text, length)) return 2 * at;
    }
  }

  #is(key: number, owner: number, text: string, length: number): boolean {
    const keys = this.#keys, at = key * FIELDS;
    if (keys[at] !== owner || keys[at + 2] !== length) return false;
    const texts = this.#text, start = keys[at + 1]!;
    for (let i = 0; i < length; i++) if (texts[start + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  #insert(hash: number, owner: number, text: string, value: V): void {
    if (4 * (this.#used + 1) > 3 * (this.#mask + 1)) this.#rehash();
    const key = this.#unused.pop() ?? this.#values.length;
    this.#values[key] = value;
    this.#place(key, owner, text);
    this.#fill(hash, key);
  }

  #fill(hash: number, key: number): void {
    const slots = this.#slots, mask = this.#mask;
    let at = hash & mask;
    while (slots[2 * at + 1]! > 0) at = (at + 1) & mask;
    if (slots[2 * at + 1] === 0) this.#used++;
    slots[2 * at] = hash;
    slots[2 * at + 1] = key + 1;
  }

  /** Writes a key's numbers and text; a number that was used before has room for one, perhaps enough. */
  #place(key: number, owner: number, text: string): void {
    const { length } = text, at = key * FIELDS;
    if (at >= this.#keys.length) this.#keys = grown(this.#keys, new Int32Array(this.#keys.length * 2));
    if (this.#keys[at + 3]! < length) {
      this.#garbage += this.#keys[at + 3]!;
      if (this.#garbage > MIN_GARBAGE && this.#garbage * 2 > this.#textEnd) this.#tidy();
      this.#keys[at + 1] = this.#textEnd;
      this.#keys[at + 3] = length;
      this.#textEnd += length;
      if (this.#textEnd > this.#text.length) this.#text = grown(this.#text, new Uint16Array(this.#textEnd * 2));
    }
    this.#keys[at] = owner;
    this.#keys[at + 2] = length;
    const start = this.#keys[at + 1]!;
    for (let i = 0; i < length; i++) this.#text[start + i] = text.charCodeAt(i);
  }

  #delete(slot: number, key: number): void {
    this.#slots[slot + 1] = DELETED;
    this.#unused.push(key);
    if (this.size > 0) return;
    // Nothing is left to be searched for: all begins anew.
    this.#slots.fill(0);
    this.#used = 0;
  }

  /** Makes room for more keys, without the slots of deleted ones. */
  #rehash(): void {
    const before = this.#slots;
    let slots = 16;
    while (slots < 4 * (this.size + 1)) slots *= 2;
    this.#slots = new Int32Array(2 * slots);
    this.#mask = slots - 1;
    this.#used = 0;
    for (let i = 0; i < before.length; i += 2) if (before[i + 1]! > 0) this.#fill(before[i]!, before[i + 1]! - 1);
  }

  /** Moves the texts together; what was deleted loses its room. */
  #tidy(): void {
    const text = new Uint16Array(this.#text.length), keys = this.#keys;
    let end = 0;
    for (let key = 0; key < this.#values.length; key++) {
      const at = key * FIELDS, start = keys[at + 1]!;
      const length = this.#values[key] === undefined ? 0 : keys[at + 2]!;
      text.set(this.#text.subarray(start, start + length), end);
      keys[at + 1] = end;
      keys[at + 3] = length;
      end += length;
    }
    this.#text = text;
    this.#textEnd = end;
    this.#garbage = 0;
  }
}

/** Spreads a hash over all bits, with the owner (the finalizer of MurmurHash3). */
function mix(hash: number, owner: number): number {
  let mixed = hash ^ Math.imul(owner, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function grown<A extends Int32Array | Uint16Array>(before: A, after: A): A {
  after.set(before);
  return after;
}

import { hashText } from "./prefix-hashes.ts";

/** Marks a slot whose key was deleted: a search goes on there. */
const DELETED = -1;
/** Numbers of a slot: a hash, the number of a key plus one (0 = free), where its text begins and how long it is. */
const SLOT = 4;
/** Numbers that are kept of a key: where its room begins, and how much that is. */
const ROOM = 2;
/** Characters in front of a key's text that hold its owner. */
const OWNER = 2;
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
 * table.find(1, hashText("/a/b", 0, 3), "/a/b", 0, 3); // "the value"
 * ```
 */
export class PathTable<V> {
  #slots: Int32Array = new Int32Array(SLOT * 16);
  #mask = 15;
  /** Slots that are not free. */
  #used = 0;
  #keys: Int32Array = new Int32Array(ROOM * 8);
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

  /**
   * The value of `length` characters of a text, from `start` on.
   *
   * @param hash Theirs, as `hashText` has it.
   */
  find(owner: number, hash: number, text: string, start: number, length: number): V | undefined {
    const slot = this.#slotOf(owner, mix(hash, owner), text, start, length);
    return slot < 0 ? undefined : this.#values[this.#slots[slot + 1]! - 1];
  }

  get(owner: number, text: string): V | undefined {
    return this.find(owner, hashText(text, 0, text.length), text, 0, text.length);
  }

  /** Puts what `change` makes of the present value (undefined = none) in its place; undefined deletes it. */
  update(owner: number, text: string, change: (value: V | undefined) => V | undefined): void {
    const hash = mix(hashText(text, 0, text.length), owner);
    const slot = this.#slotOf(owner, hash, text, 0, text.length);
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

  #slotOf(owner: number, hash: number, text: string, start: number, length: number): number {
    const slots = this.#slots, mask = this.#mask;
    for (let at = hash & mask;; at = (at + 1) & mask) {
      const slot = SLOT * at, key = slots[slot + 1]!;
      if (key === 0) return -1;
      if (slots[slot] !== hash || slots[slot + 3] !== length || key === DELETED) continue;
      if (this.#is(slots[slot + 2]!, owner, text, start, length)) return slot;
    }
  }

  #is(at: number, owner: number, text: string, start: number, length: number): boolean {
    const texts = this.#text;
    if (texts[at - 2] !== (owner & 0xffff) || texts[at - 1] !== (owner >>> 16)) return false;
    for (let i = 0; i < length; i++) if (texts[at + i] !== text.charCodeAt(start + i)) return false;
    return true;
  }

  #insert(hash: number, owner: number, text: string, value: V): void {
    if (4 * (this.#used + 1) > 3 * (this.#mask + 1)) this.#rehash();
    const key = this.#unused.pop() ?? this.#values.length;
    this.#values[key] = value;
    this.#fill(hash, key, this.#place(key, owner, text), text.length);
  }

  #fill(hash: number, key: number, start: number, length: number): void {
    const slots = this.#slots, mask = this.#mask;
    let at = hash & mask;
    while (slots[SLOT * at + 1]! > 0) at = (at + 1) & mask;
    const slot = SLOT * at;
    if (slots[slot + 1] === 0) this.#used++;
    slots[slot] = hash;
    slots[slot + 1] = key + 1;
    slots[slot + 2] = start;
    slots[slot + 3] = length;
  }

  /** Writes a key's owner and text; a number that was used before has room for one, perhaps enough. Answers where the text begins. */
  #place(key: number, owner: number, text: string): number {
    const needed = text.length + OWNER, at = key * ROOM;
    if (at >= this.#keys.length) this.#keys = grown(this.#keys, new Int32Array(this.#keys.length * 2));
    if (this.#keys[at + 1]! < needed) {
      this.#garbage += this.#keys[at + 1]!;
      if (this.#garbage > MIN_GARBAGE && this.#garbage * 2 > this.#textEnd) this.#tidy();
      this.#keys[at] = this.#textEnd;
      this.#keys[at + 1] = needed;
      this.#textEnd += needed;
      if (this.#textEnd > this.#text.length) this.#text = grown(this.#text, new Uint16Array(this.#textEnd * 2));
    }
    const start = this.#keys[at]! + OWNER;
    this.#text[start - 2] = owner & 0xffff;
    this.#text[start - 1] = owner >>> 16;
    for (let i = 0; i < text.length; i++) this.#text[start + i] = text.charCodeAt(i);
    return start;
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
    this.#slots = new Int32Array(SLOT * slots);
    this.#mask = slots - 1;
    this.#used = 0;
    for (let i = 0; i < before.length; i += SLOT) {
      if (before[i + 1]! > 0) this.#fill(before[i]!, before[i + 1]! - 1, before[i + 2]!, before[i + 3]!);
    }
  }

  /** Moves the texts together; what was deleted loses its room. */
  #tidy(): void {
    const text = new Uint16Array(this.#text.length), keys = this.#keys, slots = this.#slots;
    // Also of the key that is about to be written: it has no slot yet.
    for (let at = 1; at < keys.length; at += ROOM) keys[at] = 0;
    let end = 0;
    for (let slot = 0; slot < slots.length; slot += SLOT) {
      const key = slots[slot + 1]! - 1;
      if (key < 0) continue;
      const from = slots[slot + 2]! - OWNER, length = slots[slot + 3]! + OWNER;
      text.set(this.#text.subarray(from, from + length), end);
      keys[key * ROOM] = end;
      keys[key * ROOM + 1] = length;
      slots[slot + 2] = end + OWNER;
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

import type { RawHeaders } from "./raw-headers.ts";

/** RFC 9110 section 5.6.2 (token). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/**
 * What must not stand in a field value: control characters, which would end the field and could begin another (RFC 9110 section 5.5), and what is no
 * byte, which could become one when it is written.
 */
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** Names that were found good: nearly all are written in a configuration, or in a plugin. */
const goodNames = new Set<string>();
/** How many of them are remembered. */
const MAX_NAMES = 256;

/**
 * Header fields that can be changed and still keep the order, the case and the duplicates of those that were not. Names are
 * compared without regard to case.
 *
 * @example
 * ```ts
 * const headers = new HeaderList(["Accept", "text/html", "X-Tag", "a", "X-Tag", "b"]);
 * headers.set("x-tag", "c");
 * headers.raw(); // ["Accept", "text/html", "x-tag", "c"]
 * ```
 */
export class HeaderList implements Iterable<[name: string, value: string]> {
  #raw: RawHeaders;
  /** The list is somebody else's until the first change. */
  #owned = false;

  constructor(raw: RawHeaders = []) {
    this.#raw = raw;
  }

  /** The first value of that name. */
  get(name: string): string | undefined {
    const at = indexOf(this.#raw, name, 0);
    return at < 0 ? undefined : this.#raw[at + 1];
  }

  /** All values of that name, in order. */
  getAll(name: string): string[] {
    const values: string[] = [];
    for (let at = indexOf(this.#raw, name, 0); at >= 0; at = indexOf(this.#raw, name, at + 2)) {
      values.push(this.#raw[at + 1]!);
    }
    return values;
  }

  has(name: string): boolean {
    return indexOf(this.#raw, name, 0) >= 0;
  }

  /** Replaces every field of that name by this one. @throws {TypeError} where name or value cannot be sent. */
  set(name: string, value: string): void {
    const raw = this.#own();
    checkField(name, value);
    const at = indexOf(raw, name, 0);
    if (at < 0) {
      raw.push(name, value);
      return;
    }
    raw[at] = name;
    raw[at + 1] = value;
    removeFrom(raw, name, at + 2);
  }

  /** Adds a field, beside those of that name. @throws {TypeError} where name or value cannot be sent. */
  append(name: string, value: string): void {
    checkField(name, value);
    this.#own().push(name, value);
  }

  delete(name: string): void {
    if (this.has(name)) removeFrom(this.#own(), name, 0);
  }

  /** The fields as they are to be sent. Not to be kept across a change. */
  raw(): RawHeaders {
    return this.#raw;
  }

  *[Symbol.iterator](): Iterator<[name: string, value: string]> {
    for (let i = 0; i + 1 < this.#raw.length; i += 2) yield [this.#raw[i]!, this.#raw[i + 1]!];
  }

  #own(): string[] {
    if (!this.#owned) {
      this.#raw = [...this.#raw];
      this.#owned = true;
    }
    return this.#raw as string[];
  }
}

/** Whether two field names are the same, but for the case of ASCII letters. The length is compared first, since most names differ in it. */
export function sameName(a: string, b: string): boolean {
  const { length } = a;
  if (length !== b.length) return false;
  // By characters, since lower-case copies would have to be made for every name.
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x === y) continue;
    const letter = x | 0x20;
    if ((x ^ y) !== 0x20 || letter < 0x61 || letter > 0x7a) return false;
  }
  return true;
}

/** Where the first field of that name stands at or after `from`, or -1. */
export function indexOf(raw: RawHeaders, name: string, from: number): number {
  for (let i = from; i + 1 < raw.length; i += 2) if (sameName(raw[i]!, name)) return i;
  return -1;
}

function removeFrom(raw: string[], name: string, from: number): void {
  let write = from;
  for (let i = from; i + 1 < raw.length; i += 2) {
    if (sameName(raw[i]!, name)) continue;
    raw[write] = raw[i]!;
    raw[write + 1] = raw[i + 1]!;
    write += 2;
  }
  raw.length = write;
}

function checkField(name: string, value: string): void {
  if (!goodNames.has(name)) checkName(name);
  if (BAD_VALUE.test(value)) {
    throw new TypeError(
      `Cannot send the header field '${name}' as its value must hold neither control characters nor what is no byte`,
    );
  }
}

function checkName(name: string): void {
  if (!NAME.test(name)) {
    throw new TypeError(`Cannot send the header field ${JSON.stringify(name)} as its name must be an RFC 9110 token`);
  }
  if (goodNames.size < MAX_NAMES && name.length <= 64) goodNames.add(name);
}

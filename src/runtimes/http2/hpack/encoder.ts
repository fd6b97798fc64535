import { Buffer } from "node:buffer";
import type { RawHeaders } from "../../../net/raw-headers.ts";
import { huffmanLength, writeHuffman } from "./huffman.ts";
import { writeInteger } from "./integer.ts";
import { sizeOf, STATIC } from "./static-table.ts";

/** Bytes of the table, unless the other side wants less; the protocol's own default. */
const TABLE = 4096;
/** Fields that no table may hold, here or further on (RFC 7541 section 7.1.3). */
const SECRET: ReadonlySet<string> = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie"]);
/** Fields whose values hardly come twice: they would push out what does. */
const ONCE: ReadonlySet<string> = new Set([
  ":path",
  "age",
  "content-length",
  "content-range",
  "date",
  "etag",
  "expires",
  "last-modified",
  "location",
  "x-request-id",
]);

/** Writes the header blocks of one direction of a connection (RFC 7541), one after the other: they share a table. */
export class HpackEncoder {
  readonly #numbers: Map<string, number> = new Map();
  /** Keys of {@link HpackEncoder.#numbers} with their sizes, the newest last. */
  #entries: { readonly key: string; readonly size: number }[] = [];
  #first = 0;
  /** Fields that were ever put into the table: the number of the next. */
  #inserted = 0;
  #size = 0;
  #capacity = TABLE;
  /** The smallest size since the last block, where it was changed. */
  #smallest: number | undefined;

  /** The size of the table that the other side allows, of which no more than 4096 bytes are used. */
  setMaxTableSize(bytes: number): void {
    const capacity = Math.min(bytes, TABLE);
    if (capacity === this.#capacity) return;
    this.#smallest = Math.min(this.#smallest ?? capacity, capacity);
    this.#capacity = capacity;
    this.#evict(capacity);
  }

  /** @param fields Names in lower case; Latin-1. */
  encode(fields: RawHeaders): Uint8Array {
    let most = 16;
    // A text is never longer than it is, since it is only coded where that makes it shorter.
    for (let i = 0; i < fields.length; i++) most += fields[i]!.length + 12;
    const bytes = Buffer.allocUnsafe(most);
    let at = 0;
    if (this.#smallest !== undefined) {
      if (this.#smallest < this.#capacity) at = writeInteger(bytes, at, 0x20, 5, this.#smallest);
      at = writeInteger(bytes, at, 0x20, 5, this.#capacity);
      this.#smallest = undefined;
    }
    for (let i = 0; i + 1 < fields.length; i += 2) at = this.#field(bytes, at, fields[i]!, fields[i + 1]!);
    return bytes.subarray(0, at);
  }

  #field(bytes: Uint8Array, at: number, name: string, value: string): number {
    const nameIndex = NAMES.get(name) ?? 0;
    if (SECRET.has(name)) return writeLiteral(bytes, at, 0x10, 4, nameIndex, name, value);
    const key = keyOf(name, value);
    const index = FIELDS.get(key) ?? this.#indexOf(key);
    if (index !== undefined) return writeInteger(bytes, at, 0x80, 7, index);
    const size = sizeOf(name, value);
    if (ONCE.has(name) || size * 2 > this.#capacity) {
      return writeLiteral(bytes, at, 0, 4, nameIndex, name, value);
    }
    const end = writeLiteral(bytes, at, 0x40, 6, nameIndex, name, value);
    this.#evict(this.#capacity - size);
    this.#entries.push({ key, size });
    this.#numbers.set(key, this.#inserted++);
    this.#size += size;
    return end;
  }

  #indexOf(key: string): number | undefined {
    const number = this.#numbers.get(key);
    return number === undefined ? undefined : STATIC.length + this.#inserted - number;
  }

  #evict(bytes: number): void {
    while (this.#size > bytes && this.#first < this.#entries.length) {
      const { key, size } = this.#entries[this.#first++]!;
      this.#size -= size;
      this.#numbers.delete(key);
    }
    if (this.#first * 2 <= this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}

const NAMES: ReadonlyMap<string, number> = new Map(
  STATIC.map(([name], i): [string, number] => [name, i + 1]).reverse(),
);
const FIELDS: ReadonlyMap<string, number> = new Map(STATIC.map(([name, value], i) => [keyOf(name, value), i + 1]));

function keyOf(name: string, value: string): string {
  return `${name}\n${value}`;
}

function writeLiteral(
  bytes: Uint8Array,
  at: number,
  first: number,
  prefix: number,
  nameIndex: number,
  name: string,
  value: string,
): number {
  const next = writeInteger(bytes, at, first, prefix, nameIndex);
  return writeText(bytes, nameIndex === 0 ? writeText(bytes, next, name) : next, value);
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  const length = huffmanLength(text);
  if (length < text.length) return writeHuffman(bytes, writeInteger(bytes, at, 0x80, 7, length), text);
  const start = writeInteger(bytes, at, 0, 7, text.length);
  for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
  return start + text.length;
}

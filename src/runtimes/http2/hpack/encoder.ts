import { Buffer } from "node:buffer";
import type { RawHeaders } from "../../../net/raw-headers.ts";
import { DEFAULT_TABLE_SIZE, DynamicTable, fieldSize } from "./dynamic-table.ts";
import { huffmanLength, toByte, writeHuffman } from "./huffman.ts";
import { MAX_INTEGER_BYTES, writeInteger } from "./integer.ts";
import { STATIC_LENGTH, STATIC_NAMES, STATIC_VALUES } from "./static-table.ts";

/** What may be done with a field's value: added to the table, sent as it is, or that, and by those who pass it on as well (RFC 7541 section 7.1.3). */
type Indexing = "add" | "plain" | "never";

const NEVER: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization", "set-cookie"]);
/** Values that seldom come again, and would push out those that do. */
const PLAIN: ReadonlySet<string> = new Set([
  ":path",
  "age",
  "content-length",
  "content-range",
  "etag",
  "if-modified-since",
  "if-none-match",
  "last-modified",
  "location",
]);

/** How many values of a name may come in a row that never come again, before only one in so many is tried. */
const PATIENCE = 4, RETRY = 16;

/** What is known of a name at all times. */
interface StaticName {
  readonly index: number;
  readonly values: ReadonlyMap<string, number>;
  readonly indexing: Indexing;
}

/** What the table holds of a name. */
interface TableName {
  /** Numbers of entries by their values: how many were inserted before them. */
  readonly values: Map<string, number>;
  newest: number;
  /** Values in a row that were not in the table. */
  misses: number;
}

const STATIC: ReadonlyMap<string, StaticName> = makeStatic();
const UNKNOWN: StaticName = { index: 0, values: new Map(), indexing: "add" };

/** Encodes the header blocks that this side of a connection sends (RFC 7541). They share a table, so that each one must be sent, in their order. */
export class HpackEncoder {
  readonly #names: Map<string, TableName> = new Map();
  readonly #table: DynamicTable = new DynamicTable((name, value) => this.#forget(name, value));
  /** The smallest size of the table since the last block, where it was changed (RFC 7541 section 4.2). */
  #smallest: number | undefined;

  /** @param bytes What the other side announces as SETTINGS_HEADER_TABLE_SIZE; no more than 4096 of them are used. The next block tells the change. */
  setMaxTableSize(bytes: number): void {
    const capacity = Math.min(bytes, DEFAULT_TABLE_SIZE);
    if (capacity === this.#table.capacity) return;
    this.#smallest = Math.min(this.#smallest ?? capacity, capacity);
    this.#table.resize(capacity);
  }

  /** @param fields Names in lower case; Latin-1. What could be a secret is put into no table. */
  encode(fields: RawHeaders): Uint8Array {
    // Before fields: two sizes. Each string has a length, and is never longer than it is as it stands. Each field has an index or a first byte.
    let most = 2 * MAX_INTEGER_BYTES + fields.length * 2 * MAX_INTEGER_BYTES;
    for (let i = 0; i < fields.length; i++) most += fields[i]!.length;
    const bytes = Buffer.allocUnsafe(most);
    let at = this.#writeSizeUpdates(bytes);
    for (let i = 0; i + 1 < fields.length; i += 2) at = this.#writeField(bytes, at, fields[i]!, fields[i + 1]!);
    return bytes.subarray(0, at);
  }

  #writeSizeUpdates(bytes: Uint8Array): number {
    if (this.#smallest === undefined) return 0;
    const { capacity } = this.#table;
    const at = this.#smallest < capacity ? writeInteger(bytes, 0, 0x20, 5, this.#smallest) : 0;
    this.#smallest = undefined;
    return writeInteger(bytes, at, 0x20, 5, capacity);
  }

  #writeField(bytes: Uint8Array, at: number, name: string, value: string): number {
    const known = STATIC.get(name) ?? UNKNOWN;
    if (known.indexing === "never") return writeLiteral(bytes, at, 0x10, 4, known.index, name, value);
    const index = known.values.get(value);
    if (index !== undefined) return writeInteger(bytes, at, 0x80, 7, index);
    if (known.indexing === "plain") return writeLiteral(bytes, at, 0, 4, known.index, name, value);
    const held = this.#names.get(name);
    const number = held?.values.get(value);
    if (number !== undefined) {
      held!.misses = 0;
      return writeInteger(bytes, at, 0x80, 7, this.#indexOf(number));
    }
    const nameIndex = known.index !== 0 || held === undefined ? known.index : this.#indexOf(held.newest);
    if (!this.#isWorthAdding(held, fieldSize(name, value))) {
      return writeLiteral(bytes, at, 0, 4, nameIndex, name, value);
    }
    this.#add(name, value);
    return writeLiteral(bytes, at, 0x40, 6, nameIndex, name, value);
  }

  #indexOf(number: number): number {
    return STATIC_LENGTH + this.#table.inserted - number;
  }

  #isWorthAdding(held: TableName | undefined, size: number): boolean {
    if (size > this.#table.capacity / 2) return false;
    if (held === undefined) return true;
    const misses = held.misses++;
    return misses < PATIENCE || misses % RETRY === 0;
  }

  #add(name: string, value: string): void {
    const number = this.#table.inserted;
    // This may drop all that is held of the name.
    this.#table.insert(name, value);
    const held = this.#names.get(name);
    if (held === undefined) {
      this.#names.set(name, { values: new Map([[value, number]]), newest: number, misses: 0 });
      return;
    }
    held.values.set(value, number);
    held.newest = number;
  }

  #forget(name: string, value: string): void {
    const held = this.#names.get(name)!;
    held.values.delete(value);
    if (held.values.size === 0) this.#names.delete(name);
  }
}

function writeLiteral(
  bytes: Uint8Array,
  at: number,
  flags: number,
  prefix: number,
  nameIndex: number,
  name: string,
  value: string,
): number {
  at = writeInteger(bytes, at, flags, prefix, nameIndex);
  if (nameIndex === 0) at = writeString(bytes, at, name);
  return writeString(bytes, at, value);
}

function writeString(bytes: Uint8Array, at: number, text: string): number {
  const { length } = text;
  const coded = huffmanLength(text);
  if (coded < length) return writeHuffman(bytes, writeInteger(bytes, at, 0x80, 7, coded), text);
  at = writeInteger(bytes, at, 0, 7, length);
  for (let i = 0; i < length; i++) bytes[at++] = toByte(text.charCodeAt(i));
  return at;
}

function makeStatic(): ReadonlyMap<string, StaticName> {
  const names = new Map<string, StaticName & { readonly values: Map<string, number> }>();
  for (let index = 1; index <= STATIC_LENGTH; index++) {
    const name = STATIC_NAMES[index]!, value = STATIC_VALUES[index]!;
    const indexing = NEVER.has(name) ? "never" : PLAIN.has(name) ? "plain" : "add";
    if (!names.has(name)) names.set(name, { index, values: new Map(), indexing });
    names.get(name)!.values.set(value, index);
  }
  return names;
}

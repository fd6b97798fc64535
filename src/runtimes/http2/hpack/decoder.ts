import { Buffer } from "node:buffer";
import { HpackError } from "./error.ts";
import { readHuffman } from "./huffman.ts";
import { BlockReader } from "./integer.ts";
import { sizeOf, STATIC } from "./static-table.ts";

/** A list of fields that was read. */
export interface FieldList {
  /** Name, value, name, value, ...; Latin-1. */
  readonly fields: string[];
  /** Whether fields are missing, since there were more than are taken. */
  readonly tooLarge: boolean;
}

/** Reads the header blocks of one direction of a connection (RFC 7541), one after the other: they share a table. */
export class HpackDecoder {
  readonly #most: number;
  readonly #maxListBytes: number;
  /** Names and values, the newest last; those before {@link HpackDecoder.#first} are gone. */
  #table: string[] = [];
  #first = 0;
  #size = 0;
  /** What the encoder says that it uses of it. */
  #capacity: number;

  /**
   * @param maxTableSize Bytes of the table, as was announced.
   * @param maxListBytes Bytes of a list, counted as in RFC 9113 section 6.5.2. What is more is left out: a block of indexes can be much shorter than
   * what they stand for.
   */
  constructor(maxTableSize: number, maxListBytes: number) {
    this.#most = maxTableSize;
    this.#capacity = maxTableSize;
    this.#maxListBytes = maxListBytes;
  }

  /** Reads one whole block. @throws {HpackError} where it is malformed. */
  decode(block: Uint8Array): FieldList {
    const reader = new BlockReader(block);
    const fields: string[] = [];
    let left = this.#maxListBytes, begun = false, tooLarge = false;
    while (!reader.done) {
      const first = reader.peek();
      if (first >= 0x20 && first < 0x40) {
        if (begun) throw new HpackError("Size update within a block");
        this.#resize(reader.integer(5));
        continue;
      }
      begun = true;
      let name: string, value: string;
      if (first >= 0x80) {
        const index = reader.integer(7);
        name = this.#at(index, 0);
        value = this.#at(index, 1);
      } else {
        const indexed = first >= 0x40;
        const index = reader.integer(indexed ? 6 : 4);
        name = index === 0 ? readString(reader) : this.#at(index, 0);
        value = readString(reader);
        if (indexed) this.#insert(name, value);
      }
      left -= sizeOf(name, value);
      if (left < 0) tooLarge = true;
      else if (!tooLarge) fields.push(name, value);
    }
    return { fields, tooLarge };
  }

  #at(index: number, part: 0 | 1): string {
    if (index === 0) throw new HpackError("Index 0");
    if (index <= STATIC.length) return STATIC[index - 1]![part];
    const at = this.#table.length - 2 * (index - STATIC.length);
    if (at < this.#first) throw new HpackError("Index beyond the table");
    return this.#table[at + part]!;
  }

  #insert(name: string, value: string): void {
    const size = sizeOf(name, value);
    this.#evict(this.#capacity - size);
    if (size > this.#capacity) return;
    this.#table.push(name, value);
    this.#size += size;
  }

  #resize(capacity: number): void {
    if (capacity > this.#most) throw new HpackError("Table that is larger than allowed");
    this.#capacity = capacity;
    this.#evict(capacity);
  }

  /** Takes out the oldest, until no more bytes are used. */
  #evict(bytes: number): void {
    const table = this.#table;
    while (this.#size > bytes && this.#first < table.length) {
      this.#size -= sizeOf(table[this.#first]!, table[this.#first + 1]!);
      this.#first += 2;
    }
    if (this.#first * 2 <= table.length) return;
    this.#table = table.slice(this.#first);
    this.#first = 0;
  }
}

function readString(reader: BlockReader): string {
  const huffman = reader.peek() >= 0x80;
  const bytes = reader.part(reader.integer(7));
  if (huffman) return readHuffman(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

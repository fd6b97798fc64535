import { Buffer } from "node:buffer";
import { latin1 } from "../../wire/fields.ts";
import { DynamicTable, fieldSize } from "./dynamic-table.ts";
import { HpackError } from "./error.ts";
import { readHuffman } from "./huffman.ts";
import { BlockReader } from "./integer.ts";
import { STATIC_LENGTH, STATIC_NAMES, STATIC_VALUES } from "./static-table.ts";

/** First bytes of what a block is made of begin with these bits (RFC 7541 section 6); less than the last is a literal that is not added to the table. */
const INDEXED = 0x80, ADDED = 0x40, SIZE_UPDATE = 0x20;

/** A list of fields that was decoded. */
export interface DecodedFields {
  /** Name, value, name, value, ...; each character is one byte. Nothing is said of what names and values may be made of. */
  readonly fields: string[];
  /** Whether the list is larger than what is taken, so that fields are missing at its end. */
  readonly tooLarge: boolean;
}

/** Decodes the header blocks that one side of a connection sends (RFC 7541). They share a table, so that each one must be decoded, in their order. */
export class HpackDecoder {
  readonly #maxTableSize: number;
  readonly #maxListBytes: number;
  /** Has the protocol's own size until the other side says that it uses another: its first blocks may be older than what is announced. */
  readonly #table: DynamicTable = new DynamicTable();

  /**
   * @param maxTableSize Bytes of the table that are announced as SETTINGS_HEADER_TABLE_SIZE.
   * @param maxListBytes Bytes that a list may count (RFC 9113 section 6.5.2). A block of some bytes can stand for any number of them: each byte for a whole
   * entry of the table.
   */
  constructor(maxTableSize: number, maxListBytes: number) {
    this.#maxTableSize = maxTableSize;
    this.#maxListBytes = maxListBytes;
  }

  /**
   * Decodes one whole header block. Fields beyond the limit are dropped, but the table is the other side's all the same.
   *
   * @throws {HpackError} where it is malformed; nothing can be decoded after it.
   */
  decode(block: Uint8Array): DecodedFields {
    const bytes = Buffer.isBuffer(block) ? block : Buffer.from(block.buffer, block.byteOffset, block.byteLength);
    const reader = new BlockReader(bytes);
    const fields: string[] = [];
    let left = this.#maxListBytes;
    this.#readSizeUpdates(reader);
    while (!reader.done) {
      const first = reader.peek();
      let name: string, value: string;
      if (first >= INDEXED) {
        const index = reader.integer(7);
        name = this.#name(index);
        value = index <= STATIC_LENGTH ? STATIC_VALUES[index]! : this.#table.value(index - STATIC_LENGTH - 1);
      } else {
        if (first >= SIZE_UPDATE && first < ADDED) throw new HpackError("Size update that is not at the beginning");
        const index = reader.integer(first >= ADDED ? 6 : 4);
        name = index === 0 ? readString(bytes, reader) : this.#name(index);
        value = readString(bytes, reader);
        if (first >= ADDED) this.#table.insert(name, value);
      }
      // Below zero it stays there: a field that is smaller than one that was dropped is dropped as well.
      left -= fieldSize(name, value);
      if (left >= 0) fields.push(name, value);
    }
    return { fields, tooLarge: left < 0 };
  }

  /** RFC 7541 section 4.2: only at the beginning; there can be two. */
  #readSizeUpdates(reader: BlockReader): void {
    while (!reader.done) {
      const first = reader.peek();
      if (first < SIZE_UPDATE || first >= ADDED) return;
      const size = reader.integer(5);
      if (size > this.#maxTableSize) throw new HpackError("Table that is larger than allowed");
      this.#table.resize(size);
    }
  }

  #name(index: number): string {
    if (index === 0) throw new HpackError("Index 0");
    if (index <= STATIC_LENGTH) return STATIC_NAMES[index]!;
    const age = index - STATIC_LENGTH - 1;
    if (age >= this.#table.length) throw new HpackError("Index that is not in the table");
    return this.#table.name(age);
  }
}

/** RFC 7541 section 5.2. */
function readString(bytes: Buffer, reader: BlockReader): string {
  const isHuffman = reader.peek() >= 0x80;
  const length = reader.integer(7), from = reader.at, end = reader.skip(length);
  return isHuffman ? readHuffman(bytes, from, end) : latin1(bytes, from, end);
}

import { HpackError } from "./error.ts";

/** Reads what a header block is made of, one thing after the other. */
export class BlockReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.bytes.byteLength;
  }

  /** The byte that comes next, which stays the next. */
  peek(): number {
    return this.bytes[this.at]!;
  }

  /**
   * An integer (RFC 7541 section 5.1).
   *
   * @param prefix Bits of the first byte that belong to it.
   */
  integer(prefix: number): number {
    const most = (1 << prefix) - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    // Three bytes more are two million; nothing here is larger.
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new HpackError("Integer that is too large");
  }

  /** So many bytes, as a view. */
  part(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.byteLength) throw new HpackError("String that is longer than its block");
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  #byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new HpackError("Block that ends within a field");
    return byte;
  }
}

/**
 * Writes an integer.
 *
 * @param first What the first byte holds besides.
 * @returns Where the next byte goes.
 */
export function writeInteger(bytes: Uint8Array, at: number, first: number, prefix: number, value: number): number {
  const most = (1 << prefix) - 1;
  if (value < most) {
    bytes[at++] = first | value;
    return at;
  }
  bytes[at++] = first | most;
  let rest = value - most;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = rest & 0x7f | 0x80;
  bytes[at++] = rest;
  return at;
}

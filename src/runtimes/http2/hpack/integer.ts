import { HpackError } from "./error.ts";

/** Nothing that can be meant is larger, and it stays exact. */
const MAX_INTEGER = 2 ** 31 - 1;
/** Of the last byte of seven bits that may follow a prefix; five of them hold any such integer. */
const MAX_SHIFT = 28;

/** Reads what a header block is made of, from its beginning to its end. */
export class BlockReader {
  readonly #bytes: Uint8Array;
  /** Where the next byte is. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether all of it was read. */
  get done(): boolean {
    return this.at >= this.#bytes.byteLength;
  }

  /**
   * The next byte, which stays the next.
   *
   * @throws {HpackError} where there is none.
   */
  peek(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new HpackError("Header block that ends within a field");
    return byte;
  }

  /**
   * An integer (RFC 7541 section 5.1).
   *
   * @param prefix How many bits of the first byte belong to it.
   * @throws {HpackError} where it does not end, or is 2^31 or more.
   */
  integer(prefix: number): number {
    const most = (1 << prefix) - 1;
    const first = this.peek() & most;
    this.at++;
    return first < most ? first : this.#rest(first);
  }

  #rest(value: number): number {
    for (let shift = 0; shift <= MAX_SHIFT; shift += 7) {
      const byte = this.peek();
      this.at++;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > MAX_INTEGER) break;
        return value;
      }
    }
    throw new HpackError("Integer that is too large");
  }

  /**
   * Goes past so many bytes.
   *
   * @returns Where they end.
   * @throws {HpackError} where there are fewer.
   */
  skip(length: number): number {
    const end = this.at + length;
    if (end > this.#bytes.byteLength) throw new HpackError("String that is longer than its header block");
    this.at = end;
    return end;
  }
}

/** Bytes that an integer below 2^31 takes at most. */
export const MAX_INTEGER_BYTES = 6;

/**
 * Writes an integer (RFC 7541 section 5.1).
 *
 * @param flags What stands before the prefix in the first byte.
 * @returns Where the next byte goes.
 */
export function writeInteger(bytes: Uint8Array, at: number, flags: number, prefix: number, value: number): number {
  const most = (1 << prefix) - 1;
  if (value < most) {
    bytes[at++] = flags | value;
    return at;
  }
  bytes[at++] = flags | most;
  for (value -= most; value >= 0x80; value >>>= 7) bytes[at++] = value & 0x7f | 0x80;
  bytes[at++] = value;
  return at;
}

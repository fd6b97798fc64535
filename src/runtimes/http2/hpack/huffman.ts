import { Buffer } from "node:buffer";
import { latin1 } from "../../wire/fields.ts";
import { HpackError } from "./error.ts";

/**
 * How many bits the code of each byte has (RFC 7541 appendix B), and that of the end of a string, as digits of base 36. The code is canonical: by length,
 * and then by byte, each code is the one before it plus one, so that the lengths tell all.
 */
const LENGTHS = "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq" +
  "u";
/** The end of a string: nothing sends it (RFC 7541 section 5.2). */
const END = 256;
/** Fewest bits of a code. */
const SHORTEST = 5;
/** Bits of padding that a string may end with: all ones, as the code of the end begins. */
const MAX_PADDING = 7;

/** In {@link Tables.steps}: these four bits finish a byte, or can stand in no string. */
const EMITS = 0x1_0000, WRONG = 0x2_0000;

interface Tables {
  /** Codes and their lengths by byte. */
  readonly codes: Uint32Array;
  readonly lengths: Uint8Array;
  /**
   * What four bits lead to from where the bits before them have led: `steps[state << 4 | bits]` is the next state, in the lower eight bits, the byte that
   * they finish, in the next eight, and flags. No code is shorter than four bits, so that they finish no more than one.
   */
  readonly steps: Uint32Array;
  /** Whether a string may end in a state. */
  readonly ends: Uint8Array;
  /** Where strings of the usual length are made. */
  readonly scratch: Buffer;
}

/** Made at first use: most processes start without a connection that needs it. */
let tables: Tables | undefined;

/** Bytes that a Latin-1 text takes; a character beyond Latin-1 counts as a question mark. */
export function huffmanLength(text: string): number {
  const { lengths } = tables ??= makeTables();
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += lengths[toByte(text.charCodeAt(i))]!;
  return bits + 7 >>> 3;
}

/** Writes a Latin-1 text. @returns Where the next byte goes. */
export function writeHuffman(bytes: Uint8Array, at: number, text: string): number {
  const { codes, lengths } = tables ??= makeTables();
  let pending = 0, bits = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = toByte(text.charCodeAt(i));
    let code = codes[byte]!, length = lengths[byte]!;
    // At most 7 bits wait, and 32 are what the operators work on.
    if (length > 24) {
      length -= 8;
      pending = pending << length | code >>> 8;
      for (bits += length; bits >= 8;) bytes[at++] = pending >>> (bits -= 8);
      code &= 0xff;
      length = 8;
    }
    pending = pending << length | code;
    for (bits += length; bits >= 8;) bytes[at++] = pending >>> (bits -= 8);
  }
  if (bits > 0) bytes[at++] = pending << 8 - bits | 0xff >>> bits;
  return at;
}

/**
 * Reads a part of bytes as Latin-1 text.
 *
 * @throws {HpackError} where it holds the end's code, or does not end with a whole byte and less than 8 bits of padding.
 */
export function readHuffman(bytes: Uint8Array, from: number, end: number): string {
  const { steps, ends, scratch } = tables ??= makeTables();
  const most = Math.floor((end - from) * 8 / SHORTEST);
  const text = most <= scratch.byteLength ? scratch : Buffer.allocUnsafe(most);
  let state = 0, length = 0, flags = 0;
  for (let i = from; i < end; i++) {
    const byte = bytes[i]!;
    const high = steps[state << 4 | byte >>> 4]!;
    if ((high & EMITS) !== 0) text[length++] = high >>> 8;
    const low = steps[(high & 0xff) << 4 | byte & 0x0f]!;
    if ((low & EMITS) !== 0) text[length++] = low >>> 8;
    flags |= high | low;
    state = low & 0xff;
  }
  if ((flags & WRONG) !== 0) throw new HpackError("Huffman code of the end within a string");
  if (ends[state] === 0) throw new HpackError("Invalid padding of a Huffman string");
  return latin1(text, 0, length);
}

/** A character's byte. Cut off, those beyond Latin-1 could become a line break. */
export function toByte(code: number): number {
  return code > 0xff ? 0x3f : code;
}

function makeTables(): Tables {
  const lengths = Uint8Array.from(LENGTHS, (digit) => parseInt(digit, 36));
  const codes = new Uint32Array(lengths.length);
  const symbols = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  let next = 0, length = 0;
  for (const symbol of symbols) {
    next <<= lengths[symbol]! - length;
    length = lengths[symbol]!;
    codes[symbol] = next++;
  }
  const tree = makeTree(codes, lengths);
  return { codes, lengths, steps: makeSteps(tree), ends: makeEnds(tree), scratch: Buffer.allocUnsafeSlow(4096) };
}

/** The code as a tree: `tree[node << 1 | bit]` is the next node, or, below zero, `~symbol`. Its nodes are the states. */
function makeTree(codes: Uint32Array, lengths: Uint8Array): Int16Array {
  // A tree with this many leaves has one node less; node 0 is the root, which nothing leads to.
  const tree = new Int16Array(END * 2);
  let nodes = 1;
  for (let symbol = 0; symbol <= END; symbol++) {
    const code = codes[symbol]!;
    let node = 0;
    for (let bit = lengths[symbol]! - 1; bit > 0; bit--) {
      const edge = node << 1 | code >>> bit & 1;
      node = tree[edge]! || (tree[edge] = nodes++);
    }
    tree[node << 1 | code & 1] = ~symbol;
  }
  return tree;
}

function makeSteps(tree: Int16Array): Uint32Array {
  return Uint32Array.from({ length: END << 4 }, (_, at) => {
    let node = at >>> 4, emitted = 0;
    for (let bit = 3; bit >= 0; bit--) {
      node = tree[node << 1 | at >>> bit & 1]!;
      if (node === ~END) return WRONG;
      if (node >= 0) continue;
      emitted = EMITS | ~node << 8;
      node = 0;
    }
    return emitted | node;
  });
}

function makeEnds(tree: Int16Array): Uint8Array {
  const ends = new Uint8Array(END);
  for (let node = 0, padding = 0; padding <= MAX_PADDING; padding++) {
    ends[node] = 1;
    node = tree[node << 1 | 1]!;
  }
  return ends;
}

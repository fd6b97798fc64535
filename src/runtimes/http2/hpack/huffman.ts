import { Buffer } from "node:buffer";
import { HpackError } from "./error.ts";

/**
 * Bits of each byte's code, and of the end's, which is the last (RFC 7541 appendix B), in base 36. The code is canonical: codes of one length follow each
 * other in the order of their bytes, the longer ones after the shorter, so that the lengths are all there is to it.
 */
const LENGTHS: string = "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq" +
  "u";

/** Symbol of the end, which nothing contains. */
const END = 256;
/** Of an entry of {@link Codes.steps}: the step ends a byte's code, or is none. */
const EMITS = 0x1_0000, WRONG = 0x2_0000;

/** What is made of the lengths, once somebody needs it. */
interface Codes {
  readonly codes: Uint32Array;
  readonly lengths: Uint8Array;
  /** By state (a node of the code's tree) and four bits: the next state, and the byte in the second eight bits where {@link EMITS}. */
  readonly steps: Uint32Array;
  /** Whether the bytes may end in a state: all ones, and fewer than eight (RFC 7541 section 5.2). */
  readonly ends: Uint8Array;
}

let made: Codes | undefined;

/** Bytes that a text takes. */
export function huffmanLength(text: string): number {
  const { lengths } = made ??= make();
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += lengths[text.charCodeAt(i)]!;
  return bits + 7 >> 3;
}

/** @returns Where the next byte goes. */
export function writeHuffman(bytes: Uint8Array, at: number, text: string): number {
  const { codes, lengths } = made ??= make();
  let held = 0, bits = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    let code = codes[byte]!, length = lengths[byte]!;
    // Never more than 7 + 16 bits at once: numbers have 32 for this.
    if (length > 16) {
      held = held << length - 16 | code >>> 16;
      for (bits += length - 16; bits >= 8; bits -= 8) bytes[at++] = held >>> bits - 8;
      code &= 0xffff;
      length = 16;
    }
    held = held << length | code;
    for (bits += length; bits >= 8; bits -= 8) bytes[at++] = held >>> bits - 8;
  }
  if (bits > 0) bytes[at++] = held << 8 - bits | 0xff >> bits;
  return at;
}

const scratch: Buffer = Buffer.allocUnsafe(4096);

/** @throws {HpackError} where the bytes are not a whole text. */
export function readHuffman(bytes: Uint8Array): string {
  const { steps, ends } = made ??= make();
  // The shortest code has five bits.
  const most = Math.ceil(bytes.byteLength * 8 / 5);
  const text = most <= scratch.byteLength ? scratch : Buffer.allocUnsafe(most);
  let state = 0, length = 0;
  for (let i = 0; i < bytes.byteLength; i++) {
    const byte = bytes[i]!;
    let step = steps[state << 4 | byte >> 4]!;
    if ((step & EMITS) !== 0) text[length++] = step >> 8;
    const wrong = step & WRONG;
    step = steps[(step & 0xff) << 4 | byte & 15]!;
    if ((step & EMITS) !== 0) text[length++] = step >> 8;
    if (((step | wrong) & WRONG) !== 0) throw new HpackError("Text with the end's code in it");
    state = step & 0xff;
  }
  if (ends[state] === 0) throw new HpackError("Text with more than its padding at its end");
  return text.toString("latin1", 0, length);
}

function make(): Codes {
  const lengths = Uint8Array.from(LENGTHS, (digit) => parseInt(digit, 36));
  const codes = new Uint32Array(lengths.length);
  const order = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  let code = 0, length = 0;
  for (const symbol of order) {
    code <<= lengths[symbol]! - length;
    length = lengths[symbol]!;
    codes[symbol] = code++;
  }
  return { codes, lengths, ...makeSteps(codes, lengths) };
}

/** The tree as a table, which is walked by four bits at a time: no code is shorter, so that each step ends one code at the most. */
function makeSteps(codes: Uint32Array, lengths: Uint8Array): Pick<Codes, "steps" | "ends"> {
  // Children by node and bit: another node, or a symbol as a number below zero.
  const tree: number[][] = [[]];
  for (const [symbol, code] of codes.entries()) {
    let node = 0;
    for (let bit = lengths[symbol]! - 1; bit > 0; bit--) {
      const which = code >>> bit & 1;
      node = tree[node]![which] ??= tree.push([]) - 1;
    }
    tree[node]![code & 1] = ~symbol;
  }
  const steps = new Uint32Array(tree.length << 4);
  for (let state = 0; state < tree.length; state++) {
    for (let bits = 0; bits < 16; bits++) steps[state << 4 | bits] = stepOf(tree, state, bits);
  }
  const ends = new Uint8Array(tree.length);
  for (let node = 0, depth = 0; depth < 8; depth++) {
    ends[node] = 1;
    node = tree[node]![1]!;
  }
  return { steps, ends };
}

function stepOf(tree: readonly (readonly number[])[], state: number, bits: number): number {
  let node = state, emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = tree[node]![bits >> bit & 1]!;
    if (next >= 0) node = next;
    else if (~next === END) return WRONG;
    else {
      emitted = EMITS | ~next << 8;
      node = 0;
    }
  }
  return emitted | node;
}

/** Hashes of a text's prefixes, by their length. */
export type PrefixHashes = Int32Array;

/** Not to be told from outside, so that nobody can choose texts that fall together. */
const SEED: number = crypto.getRandomValues(new Int32Array(1))[0]!;
/** Longer texts get an array of their own, so that one long path does not hold memory for ever. */
const MAX_KEPT = 16 * 1024;

let kept: PrefixHashes = new Int32Array(512);

/**
 * Hashes every prefix of a text in one pass (FNV-1a), the empty one and the text itself included.
 *
 * @returns Valid until the next call.
 */
export function hashPrefixes(text: string): PrefixHashes {
  const { length } = text;
  let hashes = kept;
  if (length >= hashes.length) {
    hashes = new Int32Array(length + 1 <= MAX_KEPT ? Math.max(length + 1, hashes.length * 2) : length + 1);
    if (hashes.length <= MAX_KEPT) kept = hashes;
  }
  let hash = SEED;
  hashes[0] = hash;
  for (let i = 0; i < length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hashes[i + 1] = hash;
  }
  return hashes;
}

/** The hash of a part of a text, the same that {@link hashPrefixes} has of it where it begins the text. */
export function hashText(text: string, start: number, end: number): number {
  let hash = SEED;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

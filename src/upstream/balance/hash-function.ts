/**
 * A 32-bit hash of a text, the same on every instance and runtime: FNV-1a over the UTF-16 code units (each XORed in whole, prime 16777619, offset
 * 2166136261 XOR `seed`), then the finalizer of MurmurHash3, since FNV alone leaves the hashes of texts that differ at their end
 * close to one another. Not meant to withstand somebody who looks for collisions.
 */
export function hash32(text: string, seed: number = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash);
}

/** The finalizer of MurmurHash3: a bijection on 32-bit numbers that spreads every bit over all others. */
export function mix32(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

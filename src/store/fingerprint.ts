/**
 * 53 bits that two different values practically never share, so that the store can tell an unchanged value without keeping its bytes.
 * Not cryptographic: whoever may write the store gains nothing from a collision but that their own change is not seen.
 */
export function fingerprint(bytes: Uint8Array): number {
  let low = 0x9e3779b9 ^ bytes.length;
  let high = 0x85ebca6b ^ bytes.length;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x5bd1e995);
    high ^= high >>> 15;
  }
  low = Math.imul(low ^ (low >>> 16), 0x45d9f3b) ^ Math.imul(high ^ (high >>> 13), 0x27d4eb2f);
  high = Math.imul(high ^ (high >>> 16), 0x2c1b3c6d) ^ Math.imul(low ^ (low >>> 13), 0x297a2d39);
  return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0);
}

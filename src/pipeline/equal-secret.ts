/**
 * Whether two texts are the same, in a time that depends on their lengths alone: how long a refusal takes tells nothing of how much of a
 * guess was right.
 */
export function equalSecret(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  // As many steps as the given text has: its length is the caller's own.
  for (let i = 0; i < given.length; i++) {
    difference |= given.charCodeAt(i) ^ (i < expected.length ? expected.charCodeAt(i) : 0);
  }
  return difference === 0;
}

let seeds: Uint32Array | undefined;

/**
 * Stands for a secret in an index. It differs from process to process and cannot be told from outside, so that the time of a look-up
 * by it tells nothing of the secret; what is found is compared by {@link equalSecret}.
 */
export function fingerprintSecret(secret: string): string {
  seeds ??= crypto.getRandomValues(new Uint32Array(4));
  let a = seeds[0]!, b = seeds[1]!, c = seeds[2]!, d = seeds[3]!;
  for (let i = 0; i < secret.length; i++) {
    const unit = secret.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x9e3779b1) ^ (b >>> 13);
    b = Math.imul(b ^ unit, 0x85ebca77) ^ (c >>> 11);
    c = Math.imul(c ^ unit, 0xc2b2ae3d) ^ (d >>> 15);
    d = Math.imul(d ^ unit, 0x27d4eb2f) ^ (a >>> 14);
  }
  // 16 bits a unit: to write numbers as digits would take longer than all of the above.
  return String.fromCharCode(
    a & 0xffff,
    a >>> 16,
    b & 0xffff,
    b >>> 16,
    c & 0xffff,
    c >>> 16,
    d & 0xffff,
    d >>> 16,
    secret.length & 0xffff,
  );
}

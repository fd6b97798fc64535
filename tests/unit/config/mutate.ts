/** Numbers from 0 up to (not including) 1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What JSON can hold and a schema may not expect; texts of JSON, since some cannot be made from values. */
const ODD: readonly string[] = [
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "1.5",
  "1e400",
  "-1e400",
  "9007199254740993",
  "1e-400",
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\u202e"',
  '"$env://PATH"',
  '"$secret://vault/1/x"',
  '"__proto__"',
  "[]",
  "{}",
  "[[]]",
  "[null]",
  '{"":{}}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"length":1e9,"0":1}',
  '{"toString":1,"valueOf":1,"hasOwnProperty":1}',
  '{"then":1,"~run":1,"~standard":1}',
  '{"nodes":{"a":1},"nodes":{"b:0":1}}',
  `"${"x".repeat(5000)}"`,
  `"${"::".repeat(5000)}"`,
  `{"${"a:".repeat(3000)}":1}`,
  `${"[".repeat(40)}${"]".repeat(40)}`,
  `${'{"a":'.repeat(40)}1${"}".repeat(40)}`,
];

/** Deep enough to overflow the stack of whoever walks it by recursion. */
const DEEP = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;

const encoder = new TextEncoder();

/** The bytes of a value with something wrong in it, most of the time. */
export function mutate(value: unknown, random: () => number): Uint8Array {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const odd = (): string => random() < 0.002 ? DEEP : pick(ODD);
  /** Writes JSON, replacing, dropping, doubling and adding here and there. */
  const write = (part: unknown, depth: number): string => {
    if (random() < 0.06) return odd();
    if (Array.isArray(part)) {
      const items = part.filter(() => random() > 0.05).map((item) => write(item, depth + 1));
      if (random() < 0.1) items.push(odd());
      return `[${items.join(",")}]`;
    }
    if (typeof part !== "object" || part === null) return JSON.stringify(part);
    const fields: string[] = [];
    for (const [name, field] of Object.entries(part)) {
      if (random() < 0.05) continue;
      fields.push(`${JSON.stringify(name)}:${write(field, depth + 1)}`);
      if (random() < 0.03) fields.push(`${JSON.stringify(name)}:${odd()}`);
    }
    if (random() < 0.05) {
      fields.push(`${JSON.stringify(pick(["__proto__", "constructor", "prototype", "x", ""]))}:${odd()}`);
    }
    return `{${fields.join(",")}}`;
  };
  const bytes = encoder.encode(write(value, 0));
  const damage = random();
  if (damage < 0.03) return bytes.slice(0, Math.floor(random() * bytes.length));
  if (damage < 0.1 && bytes.length > 0) {
    // Often no UTF-8, or no JSON.
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  }
  return bytes;
}

/** Numbers that look random and are the same for the same seed (xorshift32). */
export function createRandom(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** What attackers put in, and what breaks readers. */
const TOKENS = [
  "\r\n",
  "\n",
  "\r",
  "\r\n\r\n",
  "\n\n",
  " ",
  "\t",
  "\0",
  ":",
  ";",
  ",",
  "0",
  "0\r\n\r\n",
  "ffffffffffff",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: x\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "HTTP/1.1 200 OK\r\n",
  "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
  "Host: b\r\n",
  "Expect: 100-continue\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 101 X\r\n\r\n",
  "HTTP/1.0 ",
  "\x80",
  "\xff",
  "\u000b",
];

/**
 * One to four changes to a message.
 *
 * @param others What it may be crossed with.
 */
export function mutate(wire: string, others: readonly string[], random: (below: number) => number): string {
  const changes = 1 + random(4);
  let changed = wire;
  for (let i = 0; i < changes; i++) changed = change(changed, others, random);
  return changed;
}

function change(wire: string, others: readonly string[], random: (below: number) => number): string {
  const at = random(wire.length + 1), to = Math.min(wire.length, at + 1 + random(8));
  switch (random(8)) {
    case 0:
      return wire.slice(0, at) + String.fromCharCode(random(256)) + wire.slice(at + 1);
    case 1:
      return wire.slice(0, at) + wire.slice(to);
    case 2:
      return wire.slice(0, at) + TOKENS[random(TOKENS.length)] + wire.slice(at);
    case 3:
      return wire.slice(0, to) + wire.slice(at);
    case 4: {
      const other = others[random(others.length)]!;
      return wire.slice(0, at) + other.slice(random(other.length));
    }
    case 5:
      return wire.replace(/\d/g, (digit) => (random(4) === 0 ? String(random(10)) : digit));
    case 6: {
      const line = wire.indexOf("\r\n", at);
      return line < 0 ? wire : wire.slice(0, line + 2) + TOKENS[random(TOKENS.length)] + wire.slice(line + 2);
    }
    default:
      return wire.slice(0, at);
  }
}

/** Up to four offsets, in order. */
export function offsets(length: number, random: (below: number) => number): number[] {
  return Array.from({ length: random(5) }, () => random(length + 1)).sort((a, b) => a - b);
}

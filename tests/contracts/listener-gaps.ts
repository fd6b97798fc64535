import type { Gap, Gaps, RuntimeName } from "./contract.ts";

/** What the listener over `node:http` does not keep. */
export const nodeGaps: Readonly<Record<RuntimeName, Gaps>> = {
  deno: [],
  bun: [
    // Bun's parser has a limit of its own, between 110 and 210 fields.
    { row: "a thousand fields, where that many are allowed, arrive", how: /431 !== 200/ },
    { row: "Set-Cookie stay where they were among the fields", how: /'set-cookie',\n\+ +'set-cookie'/ },
    { row: "a client that is reset breaks the tunnel", how: /'ended' !== 'broken'/ },
  ],
  node: [],
};

/** What gatewatch's own listener does not keep. */
export const http1Gaps: Readonly<Record<RuntimeName, Gaps>> = { deno: [], bun: [], node: [] };

/** There is no hook for upgrades with the runtimes' own servers: they speak WebSocket's messages and not its bytes. */
const NO_UPGRADES: Gaps = [
  "an upgrade yields the connection, with the bytes that came with the request",
  "8 MB both ways through a tunnel arrive as they were",
  "a client of a tunnel that does not read stops the other side",
  "a client that is reset breaks the tunnel",
  "a tunnel that is aborted cuts the client",
  "close cuts open tunnels when its time is over, and counts them",
].map((row) => ({ row, how: /501 Not Implemented/ }));

/** The server has no timeout that could be set for this. */
function open(row: string): Gap {
  return { row, how: /to end within|is still open|the answer is given up/ };
}

const NATIVE: Gaps = [
  ...NO_UPGRADES,
  { row: "a thousand fields, where that many are allowed, arrive", how: /4\d\d !== 200/ },
  { row: "case and order of field names", how: /\+ +'x-a'/ },
  { row: "fields of one name stay apart", how: /'a, b'/ },
  { row: "a body with GET", how: /'' !== 'abc'/ },
  { row: "the reason phrase", how: /\+ 'HTTP\/1.1 299 (?:HM)?'/ },
  { row: "Set-Cookie stay where they were among the fields", how: /'set-cookie',\n\+ +'set-cookie'/ },
  { row: "other fields of one name stay apart in the answer", how: /'a, b'/ },
  { row: "trailers", how: /\+ \[\]/ },
  open("a connection that says nothing is closed"),
  open("a head that stops is closed"),
  open("a head that drips is closed"),
  open("a late head on a connection that was used before is closed"),
  open("a connection that idles is closed"),
  open("a client that takes nothing of its answer is cut"),
  open("a client that was answered early and sends on without end is cut"),
];

/** Refused, but Deno keeps the connection whatever the answer says. */
function served(row: string): Gap {
  return { row, how: /what came after it reached the handler/ };
}

/** What the listeners over `Deno.serve` and `Bun.serve` do not keep. */
export const nativeGaps: Readonly<Record<"deno" | "bun", Gaps>> = {
  deno: [
    ...NATIVE,
    served("refused: two equal Content-Length"),
    served("refused: Transfer-Encoding: gzip, chunked"),
    served("refused: no Host"),
    served("refused: an empty Host"),
    served("refused: a Host that is none"),
    served("refused: absolute form of another host"),
    served("refused: CONNECT"),
    served("refused: an unknown method"),
    served("refused: a method in lower case"),
    served("refused: a fragment in the target"),
    served("refused: bytes outside ASCII in the target"),
    served("a target that is too long: 414 or 431"),
    served("a field that is too long: 431"),
    { row: "refused: a head with bare line feeds", how: /the request reached the handler/ },
    { row: "refused: a chunk size that is none", how: /was taken for a body/ },
    { row: "refused: OPTIONS *", how: /the request reached the handler/ },
    { row: "too many fields: 431", how: /answered with 400/ },
    { row: "case and order of the answer's fields", how: /\+ +'x-a'/ },
    // It is sent with neither length nor end.
    { row: "205", how: /to end within/ },
    { row: "broken transfer: body fails towards an HTTP/1.0 client", how: /saw a whole answer/ },
    { row: "close cuts what is not done in time, and says how many", how: /to end within/ },
    { row: "an offer of another protocol with a body is an ordinary request", how: /'' !== 'hello'/ },
  ],
  bun: [
    ...NATIVE,
    { row: "refused: absolute form of another host", how: /the request reached the handler/ },
    { row: "refused: bytes outside ASCII in the target", how: /the request reached the handler/ },
    { row: "target: dot segments", how: /\+ '\/b\/c'/ },
    { row: "target: encoded dot segments", how: /'\/x' !== / },
    { row: "target: quotes, braces, backslash and others that URLs escape", how: /%22d%3Ce%3Ef/ },
    { row: "two requests in one packet are answered in order", how: /connection ended \(fin\)/ },
    // The head's last line comes with the first byte of the body.
    { row: "Latin-1 bytes in values, with a head that is sent before its body", how: /No "\\r\\n\\r\\n"/ },
    { row: "the head is sent before there is a body", how: /No head/ },
    { row: "close lets an answer in flight finish", how: /No "\\r\\n\\r\\n"/ },
    // A stream that is at hand as a whole is measured, whatever its announced length.
    { row: "broken transfer: body is shorter than announced", how: /saw a whole answer/ },
    { row: "a body that is longer than announced sends no byte more", how: /Content-Length: 9/ },
  ],
};

/** What it does not keep behind TLS. */
export const http1TlsGaps: Readonly<Record<RuntimeName, Gaps>> = { deno: [], bun: [], node: [] };

import type { Gaps, RuntimeName } from "./contract.ts";

/** A write that fails ends the connection before the answer is read, if it comes first. */
const HURRIED: Gaps = ["with its length", "in chunks"].map((what) => ({
  row: `an answer that comes before the body has been sent, and then the end: a body ${what}`,
  how: /ECONNRESET|EPIPE|other side closed|reset by peer|Broken pipe/,
  sometimes: true,
}));

const UNDICI: Gaps = [
  ...HURRIED,
  // undici takes it for a broken answer, since it never asks for one.
  { row: "a 100 Continue that nobody asked for is passed over", how: /bad response/ },
];

/** What the transport over undici does not keep. */
export const undiciGaps: Readonly<Record<RuntimeName, Gaps>> = { deno: UNDICI, bun: UNDICI, node: UNDICI };

/** What the Fetch standard itself takes away, on every runtime. */
const FETCH: Gaps = [
  { row: "no field is added but Host, Connection and the body's length", how: /accept/i },
  { row: "no User-Agent where the client sent none", how: /\+ +''/ },
  { row: "target: dot segments", how: /\+ 'GET \/b\/c HTTP/ },
  { row: "target: encoded dot segments", how: /\+ 'GET \/x HTTP/ },
  { row: "target: quotes, braces, backslash and others that URLs escape", how: /%22d%3Ce%3Ef%7Bg%7Dh%60i/ },
  { row: "GET with a body", how: /fetch cannot send a body with GET/ },
  { row: "other fields of one name stay apart in the answer", how: /'a, b'/ },
  { row: "case and order of the answer's fields", how: /\+ +'content-length'/ },
  { row: "trailers", how: /\+ \[\]/ },
  { row: "keepAlive.requests ends a connection after so many requests", how: /[12] !== 3/ },
  { row: "an upstream that takes nothing: send_timeout, sent", how: /\+ 'read_timeout sent=true'/ },
  { row: "an upgrade yields the connection, with the bytes that came with the answer", how: /cannot upgrade/ },
  { row: "an upgrade that is answered otherwise is an ordinary answer", how: /cannot upgrade/ },
  { row: "8 MB both ways through a tunnel arrive as they were", how: /cannot upgrade/ },
  { row: "a reader of the tunnel that does not read stops the upstream", how: /cannot upgrade/ },
  { row: "a reset upstream breaks the tunnel", how: /cannot upgrade/ },
  { row: "a tunnel that is aborted cuts the upstream's connection", how: /cannot upgrade/ },
];

const DENO: Gaps = [
  ...FETCH,
  ...HURRIED,
  { row: "the case of field names", how: /'x-upper'/ },
  { row: "method TRACE", how: /Deno's fetch cannot send TRACE/ },
  { row: "Content-Length of a streamed body", how: /undefined !== '6'/ },
  { row: "a body shorter than its Content-Length fails, and the upstream sees a cut", how: /saw a whole request/ },
  { row: "ports that browsers block", how: /\+ 'unsupported'/ },
  { row: "HTTP_PROXY of the environment is not obeyed", how: /Connection refused/ },
  { row: "a compressed body is passed on untouched", how: /- 'gzip'|hello hello/ },
  { row: "the client's Accept-Encoding goes on", how: /'identity'/ },
  { row: "the reason phrase", how: /\+ '299 '/ },
  { row: "refused: Content-Length with Transfer-Encoding", how: /was accepted/ },
  { row: "refused: two equal Content-Length", how: /was accepted/ },
  { row: "refused: a head with bare line feeds", how: /was accepted/ },
  { row: "an answer of a thousand fields", how: /message head is too large/ },
  { row: "GET: reset after delivery on a reused connection arrives once", how: /3 !== 2/ },
  { row: "POST: reset after delivery on a reused connection arrives once", how: /3 !== 2/ },
  { row: "not verified where that was asked for", how: /always verifies/ },
  {
    row: "the name that was asked for is indicated and verified, whatever the address",
    how: /cannot name another server/,
  },
  { row: "an upstream that does not speak TLS: tls_failed, not sent", how: /unsupported/ },
  { row: "no TLS handshake in time: connect_timeout, not sent", how: /unsupported/ },
];

const BUN: Gaps = [
  ...FETCH,
  { row: "the case of field names", how: /'x-lower'/ },
  { row: "the order of fields", how: /'x-c'/ },
  { row: "fields of one name stay apart", how: /'a, b'/ },
  { row: "two Cookie fields stay apart", how: /'a=1; b=2'/ },
  { row: "a thousand fields", how: /24\d !== 1000/ },
  { row: "target: two leading slashes", how: /would drop a leading slash/ },
  { row: "refused: Content-Length with Transfer-Encoding", how: /was accepted/ },
  { row: "refused: two equal Content-Length", how: /was accepted/ },
  { row: "refused: a head with bare line feeds", how: /was accepted/ },
  { row: "an answer of a thousand fields", how: /Malformed_HTTP_Response/ },
  { row: "an answer's head of 1 MB is bad_answer", how: /the request succeeded/ },
  {
    row: "connections are used again after POST with a streamed body",
    how: /connections for 20 requests/,
    sometimes: true,
  },
  { row: "keepAlive.size bounds the idle connections", how: /two connections stay open/ },
  { row: "keepAlive.idleTimeout closes a connection that idles", how: /to end within/ },
  { row: "GET: reset after delivery on a reused connection arrives once", how: /3 !== 2/ },
  { row: "three hundred requests wait for their heads at once", how: /25\d are/ },
  { row: "release lets requests finish and closes what idles", how: /every connection is closed/ },
  { row: "no TLS handshake in time: connect_timeout, not sent", how: /\+ 'read_timeout/ },
];

const NODE: Gaps = [
  ...FETCH,
  ...HURRIED,
  { row: "Host is what the request says", how: /cannot set Host/ },
  { row: "fields of one name stay apart", how: /'a, b'/ },
  { row: "two Cookie fields stay apart", how: /'a=1; b=2'/ },
  { row: "method TRACE", how: /Node's fetch cannot send TRACE/ },
  { row: "target: an empty query", how: /would drop the empty query/ },
  { row: "a request body that fails ends the request as client_gone with its cause", how: /the upstream sees the end/ },
  { row: "ports that browsers block", how: /\+ 'unsupported'/ },
  { row: "a compressed body is passed on untouched", how: /hello hello/ },
  { row: "the client's Accept-Encoding goes on", how: /'identity'/ },
  { row: "a body that is not what Content-Encoding says is passed on", how: /Z_DATA_ERROR/ },
  { row: "a 100 Continue that nobody asked for is passed over", how: /bad response/ },
  { row: "connections are used again", how: /\d !== 1/ },
  { row: "keepAlive.size bounds the idle connections", how: /two connections stay open/ },
  { row: "keepAlive.idleTimeout closes a connection that idles", how: /to end within/ },
  { row: "keepAlive.idleTimeout 0 keeps none", how: /to end within/ },
  { row: "no such name: connect_failed, not sent", how: /cannot set Host/ },
  { row: "release lets requests finish and closes what idles", how: /every connection is closed/ },
  { row: "a certificate of a given authority is accepted", how: /same TLS for every node/ },
  { row: "a certificate for an address is accepted", how: /same TLS for every node/ },
  { row: "an unknown authority: tls_failed, not sent", how: /unsupported/ },
  { row: "a certificate for another name: tls_failed, not sent", how: /unsupported/ },
  { row: "not verified where that was asked for", how: /same TLS for every node/ },
  {
    row: "the name that was asked for is indicated and verified, whatever the address",
    how: /same TLS for every node/,
  },
  { row: "one connection serves requests for many hosts", how: /same TLS for every node/ },
  { row: "a client certificate is shown", how: /same TLS for every node/ },
  { row: "without the client certificate that the upstream wants, the request fails", how: /unsupported/ },
  { row: "an upstream that does not speak TLS: tls_failed, not sent", how: /unsupported/ },
  { row: "no TLS handshake in time: connect_timeout, not sent", how: /unsupported/ },
];

/** What the transport over each runtime's `fetch` does not keep. */
export const fetchGaps: Readonly<Record<RuntimeName, Gaps>> = { deno: DENO, bun: BUN, node: NODE };

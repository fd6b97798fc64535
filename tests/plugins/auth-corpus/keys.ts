import type { BadCredentials } from "./entry.ts";
import { SECRETS } from "./gateway.ts";

const MISSING = "Missing API key in request";
const INVALID = "Invalid API key in request";
const { jackKey, umlautKey, disabledKey, annPassword } = SECRETS;

const invalid = (name: string, apikey: string): BadCredentials => ({
  name,
  headers: ["apikey", apikey],
  message: INVALID,
});
const query = (name: string, text: string, message = INVALID): BadCredentials => ({ name, query: `?${text}`, message });

/** For key-auth. */
export const BAD_KEYS: readonly BadCredentials[] = [
  { name: "nothing", message: MISSING },
  invalid("another key", "corpus-jack-key-5b1e"),
  invalid("an empty key", ""),
  invalid("all but the last letter", jackKey.slice(0, -1)),
  invalid("all but the first letter", jackKey.slice(1)),
  invalid("one letter more", `${jackKey}0`),
  invalid("twice the key", jackKey + jackKey),
  invalid("the key and a comma", `${jackKey},${jackKey}`),
  invalid("another case", jackKey.toUpperCase()),
  invalid("in quotes", `"${jackKey}"`),
  invalid("with a scheme", `Bearer ${jackKey}`),
  invalid("percent-encoded in a field", jackKey.replaceAll("-", "%2D")),
  invalid("in base64", btoa(jackKey)),
  invalid("with a zero-width space", `${jackKey}\u00e2\u0080\u008b`),
  invalid("in Latin-1 instead of UTF-8", umlautKey),
  invalid("decomposed", umlautKey.replace("ü", "u\u00cc\u0088")),
  invalid("cut in the middle of a character", umlautKey.split("ü")[0] + "\u00c3"),
  invalid("overlong UTF-8", jackKey.replace("c", "\u00c1\u00a3")),
  invalid("the name of a consumer", "jack"),
  invalid("a password", annPassword),
  invalid("a key that is disabled", disabledKey),
  invalid("a reference that is not resolved", "$ENV://NOT_SET"),
  invalid("a credential whose consumer is not there", "corpus-stray-key-19"),
  invalid("__proto__", "__proto__"),
  invalid("constructor", "constructor"),
  invalid("undefined", "undefined"),
  invalid("a huge key", "k".repeat(30_000)),
  { name: "more than fits a head", headers: ["apikey", "k".repeat(80_000)], status: 431 },
  { name: "a good key and another one", headers: ["apikey", jackKey, "apikey", "x"], message: INVALID },
  { name: "another one and a good key", headers: ["apikey", "x", "APIKEY", jackKey], message: INVALID },
  {
    name: "a bad key in a field, a good one in the query",
    headers: ["apikey", "x"],
    query: `?apikey=${jackKey}`,
    message: INVALID,
  },
  query("a bad key in the query", "apikey=x"),
  query("an empty key in the query", "apikey="),
  query("a key without a value", "apikey"),
  query("two good keys in the query", `apikey=${jackKey}&apikey=${jackKey}`),
  query("a good and a bad key in the query", `apikey=${jackKey}&%61pikey=x`),
  query("a list in the query", `apikey[]=${jackKey}`, MISSING),
  query("another case of the argument", `ApiKey=${jackKey}`, MISSING),
  query("encoded twice", `apikey=${jackKey.replaceAll("-", "%252D")}`),
  query("with NUL", `apikey=${jackKey}%00`),
  query("with a line break", `apikey=${jackKey}%0d%0a`),
  query("behind a second question mark", `?apikey=${jackKey}`, MISSING),
  query("behind a semicolon", `a=1;apikey=${jackKey}`, MISSING),
  // Not the key itself: a path is no place that a log hides.
  { name: "in the path", query: "/apikey=x", message: MISSING },
  { name: "in a cookie", headers: ["Cookie", `apikey=${jackKey}`], message: MISSING },
  { name: "in Authorization", headers: ["Authorization", `apikey ${jackKey}`], message: MISSING },
  { name: "with an underscore", headers: ["api_key", jackKey, "X-apikey", jackKey], message: MISSING },
  {
    name: "in the body",
    method: "POST",
    headers: ["Content-Type", "application/x-www-form-urlencoded"],
    body: `apikey=${jackKey}`,
    message: MISSING,
  },
  { name: "named by Connection", headers: ["Connection", "apikey", "apikey", jackKey], message: MISSING },
  {
    name: "in a trailer",
    raw:
      `POST /key HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: apikey\r\n\r\n1\r\na\r\n0\r\napikey: ${jackKey}\r\n\r\n`,
    message: MISSING,
  },
  {
    name: "who says to be a consumer",
    headers: ["X-Consumer-Username", "jack", "X-Credential-Identifier", "c1"],
    message: MISSING,
  },
  {
    name: "who says to be the gateway's own",
    headers: ["X-Forwarded-For", "127.0.0.1", "X-Real-IP", "127.0.0.1", "Forwarded", "for=127.0.0.1"],
    message: MISSING,
  },
  { name: "who asks for another method", headers: ["X-HTTP-Method-Override", "OPTIONS"], message: MISSING },
  { name: "who asks for another path", headers: ["X-Original-URL", "/", "X-Rewrite-URL", "/"], message: MISSING },
  { name: "OPTIONS", method: "OPTIONS", message: MISSING },
  { name: "another writing of the path", route: "./key", message: MISSING },
  { name: "an escaped path", route: "%6bey", message: MISSING },
  { name: "two slashes", route: "/key", message: MISSING },
  {
    name: "a folded line",
    raw: `GET /key HTTP/1.1\r\nHost: localhost\r\nX-A: a\r\n apikey: ${jackKey}\r\n\r\n`,
    status: 400,
  },
  {
    name: "a space before the colon",
    raw: `GET /key HTTP/1.1\r\nHost: localhost\r\napikey : ${jackKey}\r\n\r\n`,
    status: 400,
  },
  {
    name: "a lone line feed",
    raw: `GET /key HTTP/1.1\r\nHost: localhost\r\nX-A: a\napikey: ${jackKey}\r\n\r\n`,
    status: 400,
  },
  {
    name: "a length and chunks",
    raw:
      `POST /key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /key HTTP/1.1\r\nHost: localhost\r\napikey: ${jackKey}\r\n\r\n`,
    status: 400,
  },
  {
    name: "a good key of another than who may",
    route: "restricted",
    headers: ["apikey", jackKey],
    status: 403,
    message: "The consumer_name is forbidden.",
  },
  {
    name: "a good key and another name",
    route: "restricted",
    headers: ["apikey", jackKey, "X-Consumer-Username", "admin"],
    status: 403,
    message: "The consumer_name is forbidden.",
  },
  { name: "an anonymous consumer that is not there", route: "closed", message: "Invalid user authorization" },
];

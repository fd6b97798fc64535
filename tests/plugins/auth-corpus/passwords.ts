import type { BadCredentials } from "./entry.ts";
import { SECRETS } from "./gateway.ts";

const MISSING = "Missing authorization in request";
const MALFORMED = "Invalid authorization in request";
const WRONG = "Invalid user authorization";
const { annPassword: password, jackKey } = SECRETS;

const field = (name: string, value: string, message: string): BadCredentials => ({
  name,
  headers: ["Authorization", value],
  message,
});
const pair = (name: string, text: string, message = WRONG): BadCredentials =>
  field(name, `Basic ${btoa(text)}`, message);
const GOOD = btoa(`ann:${password}`);

/** For basic-auth. */
export const BAD_PASSWORDS: readonly BadCredentials[] = [
  { name: "nothing", message: MISSING },
  field("an empty field", "", MALFORMED),
  field("the scheme alone", "Basic", MALFORMED),
  field("no scheme", GOOD, MALFORMED),
  field("another scheme", `Bearer ${GOOD}`, MALFORMED),
  field("another scheme in front", `Negotiate, Basic ${GOOD}`, MALFORMED),
  field("in plain text", `Basic ann:${password}`, MALFORMED),
  field("two credentials in one field", `Basic ${GOOD}, Basic ${GOOD}`, MALFORMED),
  field("more behind it", `Basic ${GOOD} x`, MALFORMED),
  field("in base64 twice", `Basic ${btoa(GOOD)}`, MALFORMED),
  field("base64 cut off", `Basic ${GOOD.slice(0, -3)}`, MALFORMED),
  field("a letter that is not base64's", `Basic ${GOOD.slice(0, 8)}!${GOOD.slice(9)}`, MALFORMED),
  field("a huge field", `Basic ${"QUFB".repeat(8000)}`, MALFORMED),
  pair("no colon", `ann${password}`, MALFORMED),
  pair("no UTF-8", `ann:${password}\xff`, MALFORMED),
  pair("UTF-16", [...`ann:${password}`].map((letter) => `${letter}\0`).join("")),
  pair("another password", "ann:wrong"),
  pair("an empty password", "ann:"),
  pair("all but the last letter", `ann:${password.slice(0, -1)}`),
  pair("one letter more", `ann:${password}x`),
  pair("another case", `ann:${password.toUpperCase()}`),
  pair("with NUL behind it", `ann:${password}\0`),
  pair("with a line break behind it", `ann:${password}\n`),
  pair("with a space in front", `ann: ${password}`),
  pair("with a second colon", `ann:${password}:`),
  pair("another user", `bob:${password}`),
  pair("another case of the user", `Ann:${password}`),
  pair("a space behind the user", `ann :${password}`),
  pair("no user", `:${password}`),
  pair("user and password exchanged", `${password}:ann`),
  pair("__proto__", "__proto__:"),
  pair("a user of another plugin", `jack:${jackKey}`),
  pair("a byte order mark in front", `\xef\xbb\xbfann:${password}`),
  {
    name: "two fields",
    headers: ["Authorization", `Basic ${GOOD}`, "authorization", `Basic ${btoa("a:b")}`],
    message: MALFORMED,
  },
  { name: "in Proxy-Authorization", headers: ["Proxy-Authorization", `Basic ${GOOD}`], message: MISSING },
  {
    name: "named by Connection",
    headers: ["Connection", "Authorization", "Authorization", `Basic ${GOOD}`],
    message: MISSING,
  },
  {
    name: "with an underscore",
    headers: ["Authorization_", `Basic ${GOOD}`, "HTTP_AUTHORIZATION", `Basic ${GOOD}`],
    message: MISSING,
  },
  { name: "in the query", query: `?Authorization=Basic%20${GOOD}`, message: MISSING },
];

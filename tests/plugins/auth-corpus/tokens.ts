import { at, encode, hmacSigned, sign, token } from "../../support/tokens.ts";
import type { BadCredentials } from "./entry.ts";
import { type CorpusKeys, SECRETS } from "./gateway.ts";

const MISSING = "Missing JWT token in request";
const MALFORMED = "JWT token invalid";
const NO_KEY = "missing user key in JWT token";
const UNKNOWN = "Invalid user key in JWT token";
const FAILED = "failed to verify jwt";

const bearer = (name: string, text: string, message: string): BadCredentials => ({
  name,
  headers: ["Authorization", `Bearer ${text}`],
  message,
});

/** For jwt-auth. */
export async function badTokens(keys: CorpusKeys): Promise<BadCredentials[]> {
  return [
    ...await algorithms(keys),
    ...await signatures(keys),
    ...await claims(),
    ...await forms(keys),
    ...await places(),
  ];
}

const HS = { alg: "HS256", typ: "JWT" };
const hs = (payload: Record<string, unknown> = {}) => sign("HS256", SECRETS.hsSecret, { key: "hs-id", ...payload });

async function algorithms({ rsa, p256, ed25519 }: CorpusKeys): Promise<BadCredentials[]> {
  const rs = { key: "rs-id" };
  const spki = Uint8Array.from(atob(rsa.publicKey.replace(/-----[^-]+-----|\s/g, "")), (unit) => unit.charCodeAt(0));
  const [header, payload] = (await hs()).split(".");
  return [
    ...["none", "None", "NONE", "nOnE", "", "null", "HS1", "hs256", "RS256", "dir", "__proto__"].map((alg) =>
      bearer(
        `alg ${JSON.stringify(alg)} without a signature`,
        token({ alg }, { key: "hs-id" }),
        MALFORMED,
      )
    ),
    bearer("alg none with a signature", token({ alg: "none" }, { key: "hs-id" }, "x"), FAILED),
    bearer("alg none for a public key", token({ alg: "none" }, rs, "x"), FAILED),
    bearer("no alg", await hmacSigned({ typ: "JWT" }, { key: "hs-id" }, SECRETS.hsSecret), FAILED),
    bearer("alg null", await hmacSigned({ alg: null }, { key: "hs-id" }, SECRETS.hsSecret), FAILED),
    bearer("alg in a list", await hmacSigned({ alg: ["HS256"] }, { key: "hs-id" }, SECRETS.hsSecret), FAILED),
    bearer("alg that is HS256 and then none", token(`{"alg":"HS256","alg":"none"}`, { key: "hs-id" }, "x"), FAILED),
    bearer("the public key as a secret", await hmacSigned(HS, rs, rsa.publicKey), FAILED),
    bearer("the public key as a secret, trimmed", await hmacSigned(HS, rs, rsa.publicKey.trim()), FAILED),
    bearer(
      "the public key as a secret, with a line break",
      await hmacSigned(HS, rs, `${rsa.publicKey.trim()}\n`),
      FAILED,
    ),
    bearer("the public key's bytes as a secret", await hmacSigned(HS, rs, spki), FAILED),
    bearer(
      "the public key as a secret, said to be RS256",
      await hmacSigned({ alg: "RS256" }, rs, rsa.publicKey),
      FAILED,
    ),
    bearer("the elliptic key as a secret", await hmacSigned(HS, { key: "es-id" }, p256.publicKey), FAILED),
    bearer(
      "the Edwards key as a secret",
      await hmacSigned({ alg: "EdDSA" }, { key: "ed-id" }, ed25519.publicKey),
      FAILED,
    ),
    bearer("HS384 for HS256", await sign("HS384", SECRETS.hsSecret, { key: "hs-id" }), FAILED),
    bearer("HS256 for HS512", await sign("HS256", SECRETS.annSecret, { key: "ann-id" }), FAILED),
    bearer("PS256 for RS256", await sign("PS256", rsa.privateKey, rs), FAILED),
    bearer("RS512 for RS256", await sign("RS512", rsa.privateKey, rs), FAILED),
    bearer("RS256 for a secret", await sign("RS256", rsa.privateKey, { key: "hs-id" }), FAILED),
    bearer("the header of another algorithm", `${encode('{"alg":"HS512"}')}.${payload}.${header}`, FAILED),
  ];
}

async function signatures({ rsa, otherRsa, p256 }: CorpusKeys): Promise<BadCredentials[]> {
  const good = await hs();
  const [header, payload, signature] = good.split(".") as [string, string, string];
  const es = (await sign("ES256", p256.privateKey, { key: "es-id" })).split(".") as [string, string, string];
  const rs = (await sign("RS256", rsa.privateKey, { key: "rs-id" })).split(".") as [string, string, string];
  const order = Uint8Array.from({ length: 64 }, () => 0xff);
  return [
    bearer("another secret", await sign("HS256", "another", { key: "hs-id" }), FAILED),
    bearer("somebody else's secret", await sign("HS256", SECRETS.annSecret, { key: "hs-id" }), FAILED),
    bearer(
      "a secret in base64 that is not decoded",
      await sign("HS256", SECRETS.base64Secret, { key: "b64-id" }),
      FAILED,
    ),
    bearer("an empty secret", await hmacSigned(HS, { key: "hs-id" }, "\0"), FAILED),
    bearer("another private key", await sign("RS256", otherRsa.privateKey, { key: "rs-id" }), FAILED),
    bearer("a signature cut off", `${header}.${payload}.${encode(toBytes(signature).subarray(0, 20))}`, FAILED),
    bearer("a signature cut to one byte", `${header}.${payload}.${encode(Uint8Array.of(1))}`, FAILED),
    bearer("no signature", `${header}.${payload}.`, MALFORMED),
    bearer("no signature and no dot", `${header}.${payload}`, MALFORMED),
    bearer("a signature with more behind it", `${good}AAAA`, FAILED),
    bearer("a signature of zeros", `${header}.${payload}.${encode(new Uint8Array(32))}`, FAILED),
    bearer("another spelling of the last bits", good.slice(0, -1) + nextLetter(signature), MALFORMED),
    bearer("padding", `${good}=`, MALFORMED),
    bearer("base64 of the other alphabet", `${header}.${payload}.${"+/".repeat(21)}A`, MALFORMED),
    bearer(
      "a signature of another payload",
      `${header}.${encode('{"key":"hs-id","admin":true}')}.${signature}`,
      FAILED,
    ),
    bearer("a signature of another header", `${encode('{"alg":"HS256","x":1}')}.${payload}.${signature}`, FAILED),
    bearer("an elliptic signature of zeros", `${es[0]}.${es[1]}.${encode(new Uint8Array(64))}`, FAILED),
    bearer("an elliptic signature out of range", `${es[0]}.${es[1]}.${encode(order)}`, FAILED),
    bearer("an elliptic signature in DER", `${es[0]}.${es[1]}.${encode(toDer(es[2]))}`, FAILED),
    bearer("an elliptic signature, half of it", `${es[0]}.${es[1]}.${es[2].slice(0, 43).replace(/.$/, "A")}`, FAILED),
    bearer("an Edwards signature of zeros", token({ alg: "EdDSA" }, { key: "ed-id" }, new Uint8Array(64)), FAILED),
    bearer("an RSA signature of zeros", `${rs[0]}.${rs[1]}.${encode(new Uint8Array(256))}`, FAILED),
    bearer("an RSA signature of one", `${rs[0]}.${rs[1]}.${encode(new Uint8Array(256).fill(1, 255))}`, FAILED),
    bearer("an RSA signature for another consumer", await sign("RS256", rsa.privateKey, { key: "es-id" }), FAILED),
  ];
}

async function claims(): Promise<BadCredentials[]> {
  const keyed = async (name: string, payload: unknown, message: string) =>
    bearer(name, await sign("HS256", SECRETS.hsSecret, payload), message);
  const strict = async (name: string, payload: Record<string, unknown>): Promise<BadCredentials> => ({
    ...bearer(name, await hs(payload), FAILED),
    route: "strict",
  });
  return [
    await keyed("no key", { sub: "hs-id" }, NO_KEY),
    await keyed("an inherited key", { __proto__: null, toString: "hs-id" }, NO_KEY),
    await keyed("a key that is false", { key: false }, NO_KEY),
    await keyed("a key that is null", { key: null }, UNKNOWN),
    await keyed("a number as key", { key: 1 }, UNKNOWN),
    await keyed("a list as key", { key: ["hs-id"] }, UNKNOWN),
    await keyed("an object as key", { key: { "hs-id": true } }, UNKNOWN),
    await keyed("an empty key", { key: "" }, UNKNOWN),
    await keyed("an unknown key", { key: "nobody" }, UNKNOWN),
    await keyed("__proto__ as key", { key: "__proto__" }, UNKNOWN),
    await keyed("a consumer's name as key", { key: "jack" }, UNKNOWN),
    await keyed("expired", { key: "hs-id", exp: at(-10) }, FAILED),
    await keyed("expired long ago", { key: "hs-id", exp: 1 }, FAILED),
    await keyed("expired before 1970", { key: "hs-id", exp: -1 }, FAILED),
    await keyed("expiring as a text", { key: "hs-id", exp: String(at(60)) }, FAILED),
    await keyed("expiring at null", { key: "hs-id", exp: null }, FAILED),
    await keyed("expiring in a list", { key: "hs-id", exp: [at(60)] }, FAILED),
    await keyed("expiring never", `{"key":"hs-id","exp":1e999}`, FAILED),
    await keyed("not yet valid", { key: "hs-id", nbf: at(60) }, FAILED),
    await keyed("not yet valid, as a text", { key: "hs-id", nbf: "0" }, FAILED),
    await keyed("valid from null", { key: "hs-id", nbf: null }, FAILED),
    await strict("without exp, which must be there", { nbf: at(-10) }),
    await strict("without nbf, which must be there", { exp: at(60) }),
    await strict("with both, expired", { nbf: at(-20), exp: at(-10) }),
  ];
}

async function forms({ otherRsa }: CorpusKeys): Promise<BadCredentials[]> {
  const good = await hs();
  const secret = SECRETS.hsSecret;
  const wrongly = (header: Record<string, unknown>) => hmacSigned({ ...HS, ...header }, { key: "hs-id" }, "attacker");
  const nested = "[".repeat(20_000) + "]".repeat(20_000);
  return [
    bearer("no token", "x", MALFORMED),
    bearer("an empty token", "", MALFORMED),
    bearer("dots", "..", MALFORMED),
    bearer("five parts", `${good}.a.b`, MALFORMED),
    bearer("encrypted", `${encode('{"alg":"dir","enc":"A128GCM"}')}..${good.split(".")[1]}.AAAA.AAAA`, MALFORMED),
    bearer("a space in it", good.replace(".", ". "), MALFORMED),
    bearer("in quotes", `"${good}"`, MALFORMED),
    bearer("two tokens", `${good}, ${good}`, MALFORMED),
    bearer("a header that is no JSON", token("x", { key: "hs-id" }, "x"), MALFORMED),
    bearer("a header that is a list", await hmacSigned([HS], { key: "hs-id" }, secret), MALFORMED),
    bearer("a payload that is no JSON", await hmacSigned(HS, "x", secret), MALFORMED),
    bearer("a payload that is a list", await hmacSigned(HS, [{ key: "hs-id" }], secret), MALFORMED),
    bearer("a payload that is null", await hmacSigned(HS, "null", secret), MALFORMED),
    bearer("a payload that is a text", await hmacSigned(HS, '"hs-id"', secret), MALFORMED),
    bearer("a payload that is no UTF-8", await hmacSigned(HS, Uint8Array.of(0x7b, 0xff, 0x7d), secret), MALFORMED),
    bearer("a payload with a byte order mark and more", await hmacSigned(HS, '{"key":"hs-id"}x', secret), MALFORMED),
    bearer("nested deeply", await hmacSigned(HS, `{"a":${nested}}`, "attacker"), NO_KEY),
    bearer("a huge token", token(HS, { key: "nobody", pad: "x".repeat(40_000) }, "x"), UNKNOWN),
    bearer(
      "an extension that must be understood",
      await hmacSigned({ ...HS, crit: ["x"], x: 1 }, { key: "hs-id" }, secret),
      MALFORMED,
    ),
    bearer(
      "a payload that is not encoded",
      await hmacSigned({ ...HS, b64: false, crit: ["b64"] }, { key: "hs-id" }, secret),
      MALFORMED,
    ),
    bearer("a key in the header", await wrongly({ jwk: { kty: "oct", k: encode("attacker") } }), FAILED),
    bearer(
      "a public key in the header",
      await sign("RS256", otherRsa.privateKey, { key: "rs-id" }, { x5c: ["AAAA"], jku: "http://127.0.0.1:1/" }),
      FAILED,
    ),
    bearer("a path as key id", await wrongly({ kid: "../../../../dev/null" }), FAILED),
    bearer("a statement as key id", await wrongly({ kid: "' UNION SELECT 'attacker" }), FAILED),
    { name: "another scheme", headers: ["Authorization", `Basic ${good}`], message: MALFORMED },
    { name: "the scheme alone", headers: ["Authorization", "Bearer"], message: MALFORMED },
  ];
}

async function places(): Promise<BadCredentials[]> {
  const good = await hs();
  return [
    { name: "nothing", message: MISSING },
    {
      name: "two fields",
      headers: ["Authorization", `Bearer ${good}`, "Authorization", "Bearer x"],
      message: MALFORMED,
    },
    {
      name: "a bad field and a good argument",
      headers: ["Authorization", "x"],
      query: `?jwt=${good}`,
      message: MALFORMED,
    },
    { name: "two arguments", query: `?jwt=${good}&jwt=${good}`, message: MALFORMED },
    { name: "an argument without a value", query: "?jwt", message: MALFORMED },
    { name: "an argument of another name", query: `?JWT=${good}`, message: MISSING },
    {
      name: "a bad argument and a good cookie",
      query: "?jwt=x",
      headers: ["Cookie", `jwt=${good}`],
      message: MALFORMED,
    },
    { name: "a good cookie and a bad one", headers: ["Cookie", `jwt=${good}; jwt=x`], message: MALFORMED },
    { name: "two cookie fields", headers: ["Cookie", `jwt=${good}`, "Cookie", "jwt=x"], message: MALFORMED },
    { name: "an empty cookie", headers: ["Cookie", "jwt="], message: MALFORMED },
    {
      name: "named by Connection",
      headers: ["Connection", "authorization", "Authorization", `Bearer ${good}`],
      message: MISSING,
    },
    { name: "in a field of another name", headers: ["X-Authorization", `Bearer ${good}`], message: MISSING },
    { name: "as text of a body", method: "POST", body: `jwt=${good}`, message: MISSING },
    { name: "a bad token in an argument of one's own", route: "strict", query: `?t=${good}`, message: FAILED },
  ];
}

/** The next letter of the alphabet, which differs in the bits that are not used. */
function nextLetter(text: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return letters[letters.indexOf(text.at(-1)!) + 1]!;
}

/** A raw elliptic signature as ASN.1 has it. */
function toDer(signature: string): Uint8Array {
  const raw = toBytes(signature);
  const integer = (bytes: Uint8Array): number[] => [0x02, bytes.length + 1, 0, ...bytes];
  const content = [...integer(raw.subarray(0, 32)), ...integer(raw.subarray(32))];
  return Uint8Array.of(0x30, content.length, ...content);
}

function toBytes(part: string): Uint8Array {
  return Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (unit) => unit.charCodeAt(0));
}

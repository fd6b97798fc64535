import { CompactSign, exportPKCS8, exportSPKI, generateKeyPair, importPKCS8 } from "jose";

/** A key pair in PEM. */
export interface PemPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Makes a key pair for an algorithm of tokens, as in `ES256`. */
export async function createPair(algorithm: string): Promise<PemPair> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { publicKey: await exportSPKI(publicKey), privateKey: await exportPKCS8(privateKey) };
}

/** An RSA key in PEM that is too short to be safe. */
export async function createShortKey(): Promise<string> {
  const algorithm = {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 1024,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: "SHA-256",
  };
  const { publicKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  return await exportSPKI(publicKey);
}

/** Signs a token: with a secret as text or bytes, or with a private key in PEM. */
export async function sign(
  algorithm: string,
  key: string | Uint8Array,
  payload: unknown,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const pem = typeof key === "string" && key.startsWith("-----BEGIN PRIVATE KEY");
  const secret = pem ? await importPKCS8(key, algorithm) : typeof key === "string" ? bytesOf(key) : key;
  const content = bytesOf(typeof payload === "string" ? payload : JSON.stringify(payload));
  return await new CompactSign(content).setProtectedHeader({ ...header, alg: algorithm }).sign(secret);
}

/** A token of any three parts; objects become JSON, everything is encoded. */
export function token(header: unknown, payload: unknown, signature: string | Uint8Array = ""): string {
  return [header, payload, signature].map((part) => {
    if (part instanceof Uint8Array || typeof part === "string") return encode(part);
    return encode(JSON.stringify(part));
  }).join(".");
}

/** Base64url without padding. */
export function encode(data: string | Uint8Array): string {
  const bytes = typeof data === "string" ? bytesOf(data) : data;
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Signs any first two parts with HMAC and SHA-256, whatever the header says. */
export async function hmacSigned(header: unknown, payload: unknown, secret: string | Uint8Array): Promise<string> {
  const content = token(header, payload).slice(0, -1);
  const raw = Uint8Array.from(typeof secret === "string" ? bytesOf(secret) : secret);
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, Uint8Array.from(bytesOf(content)));
  return `${content}.${encode(new Uint8Array(signature))}`;
}

/** Seconds since 1970, some seconds from now. */
export function at(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

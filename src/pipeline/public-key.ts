/** What a public key is for. */
export type PublicKeyKind =
  | { readonly type: "RSA"; readonly bits: number }
  | { readonly type: "EC"; readonly curve: "P-256" | "P-384" | "P-521" }
  | { readonly type: "Ed25519" };

/** Contents of the object identifiers of algorithms and curves, in hexadecimal (RFC 8017, RFC 5480, RFC 8410). */
const RSA = "2a864886f70d010101";
const EC = "2a8648ce3d0201";
const ED25519 = "2b6570";
const CURVES: Readonly<Record<string, "P-256" | "P-384" | "P-521">> = {
  "2a8648ce3d030107": "P-256",
  "2b81040022": "P-384",
  "2b81040023": "P-521",
};

/**
 * Looks at a public key in PEM (`BEGIN PUBLIC KEY`, RFC 7468 section 13), so that one that cannot be used is told when the configuration
 * changes: WebCrypto says it only later.
 *
 * @returns undefined for anything else, private keys and certificates included.
 */
export function readPublicKey(pem: string): PublicKeyKind | undefined {
  const encoded = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(pem)?.[1];
  if (encoded === undefined) return undefined;
  let der: Uint8Array;
  try {
    der = Uint8Array.from(atob(encoded.replace(/\s+/g, "")), (unit) => unit.charCodeAt(0));
  } catch {
    return undefined;
  }
  const info = children(element(der, 0x30));
  const [algorithm, parameters] = children(info?.[0]?.tag === 0x30 ? info[0].content : undefined) ?? [];
  if (algorithm?.tag !== 0x06 || info?.[1]?.tag !== 0x03) return undefined;
  switch (hex(algorithm.content)) {
    case RSA:
      return rsa(info[1].content.subarray(1));
    case EC: {
      const curve = parameters?.tag === 0x06 ? CURVES[hex(parameters.content)] : undefined;
      return curve === undefined ? undefined : { type: "EC", curve };
    }
    case ED25519:
      return { type: "Ed25519" };
    default:
      return undefined;
  }
}

function rsa(key: Uint8Array): PublicKeyKind | undefined {
  const modulus = children(element(key, 0x30))?.[0];
  if (modulus?.tag !== 0x02) return undefined;
  const start = modulus.content.findIndex((byte) => byte !== 0);
  if (start < 0) return undefined;
  const digits = modulus.content.subarray(start);
  return { type: "RSA", bits: digits.byteLength * 8 - Math.clz32(digits[0]!) + 24 };
}

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly end: number;
}

/** Reads one element of DER (X.690); lengths of up to 65535. */
function read(der: Uint8Array, at: number): Element | undefined {
  const tag = der[at];
  let length = der[at + 1];
  if (tag === undefined || length === undefined) return undefined;
  let start = at + 2;
  if (length >= 0x80) {
    const bytes = length - 0x80;
    if (bytes < 1 || bytes > 2) return undefined;
    length = 0;
    for (let i = 0; i < bytes; i++) length = length * 256 + (der[start++] ?? 0);
  }
  const end = start + length;
  return end > der.byteLength ? undefined : { tag, content: der.subarray(start, end), end };
}

function element(der: Uint8Array, tag: number): Uint8Array | undefined {
  const found = read(der, 0);
  return found?.tag === tag ? found.content : undefined;
}

function children(content: Uint8Array | undefined): Element[] | undefined {
  if (content === undefined) return undefined;
  const found: Element[] = [];
  for (let at = 0; at < content.byteLength;) {
    const next = read(content, at);
    if (next === undefined) return undefined;
    found.push(next);
    at = next.end;
  }
  return found;
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

type Jose = typeof import("jose");

let jose: Promise<Jose> | undefined;

/** Loaded with the first key, which comes with the configuration, so that gateways without such keys start sooner and no request waits for it. */
function loadJose(): Promise<Jose> {
  return jose ??= import("jose");
}

/** The signature algorithms of tokens that APISIX's jwt-auth has. */
export const JWT_ALGORITHMS = [
  "HS256",
  "HS384",
  "HS512",
  "RS256",
  "RS384",
  "RS512",
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "EdDSA",
] as const;

export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

/** What a token says, before anything of it is believed. */
export interface Claimed {
  readonly algorithm: unknown;
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * Reads a token in compact form (RFC 7515 section 7.1). Nothing is verified.
 *
 * @returns undefined where it is none: not three parts, or not in base64url as an encoder writes it.
 */
export function readToken(token: string): Claimed | undefined {
  const parts = token.split(".", 4);
  if (parts.length !== 3 || !parts.every(isBase64Url)) return undefined;
  const header = parseObject(parts[0]!), payload = parseObject(parts[1]!);
  if (header === undefined || payload === undefined) return undefined;
  // Extensions that must be understood (RFC 7515 section 4.1.11): none is.
  if (Object.hasOwn(header, "crit")) return undefined;
  return { algorithm: header.alg, payload };
}

/** Whether a token's signature was made with the other half of this key, by this algorithm and no other. */
export async function isSigned(token: string, key: CryptoKey, algorithm: JwtAlgorithm): Promise<boolean> {
  try {
    const { compactVerify } = await loadJose();
    await compactVerify(token, key, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}

/** Prepares a key. @throws where WebCrypto does not take it. */
export async function importKey(
  key: string | Uint8Array<ArrayBuffer>,
  algorithm: JwtAlgorithm,
): Promise<CryptoKey> {
  const { importSPKI } = await loadJose();
  if (typeof key === "string") return await importSPKI(key, algorithm) as CryptoKey;
  const hash = `SHA-${algorithm.slice(2)}`;
  return await crypto.subtle.importKey("raw", key, { name: "HMAC", hash }, false, ["verify"]);
}

/** Encoded without padding, without white space, and with nothing in the bits that are left over: one token, one text. */
function isBase64Url(part: string): boolean {
  if (!/^[A-Za-z0-9_-]+$/.test(part)) return false;
  const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(part.at(-1)!);
  switch (part.length % 4) {
    case 0:
      return true;
    case 2:
      return (last & 15) === 0;
    case 3:
      return (last & 3) === 0;
    default:
      return false;
  }
}

function parseObject(part: string): Record<string, unknown> | undefined {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (unit) => unit.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}

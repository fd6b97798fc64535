import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Issue } from "../../config/issue.ts";
import { isReference } from "../../config/pem.ts";
import type { Ssl } from "../../config/ssl.ts";
import type { ServerCertificates } from "../../gateway/server-certificates.ts";
import { compileRegex } from "../../match/regex.ts";

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** Curves that all runtimes sign with. */
const CURVES: readonly string[] = ["prime256v1", "secp384r1"];

/** A certificate and its key, as far as they are written in a resource, with the paths they stand at. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
}

/** The pairs of an ssl resource: `cert` and `key`, then those of `certs` and `keys`. */
export function pairsOf({ cert, key, certs = [], keys = [] }: Pick<Ssl, "cert" | "key" | "certs" | "keys">): Pair[] {
  return [
    { cert, key, certPath: "cert", keyPath: "key" },
    ...certs.map((more, at) => ({
      cert: more,
      key: keys[at] ?? "",
      certPath: `certs[${at}]`,
      keyPath: `keys[${at}]`,
    })),
  ];
}

/**
 * What is wrong with an ssl resource's certificates and keys, which its schema cannot see (`apisix/ssl.lua`, which does not look whether a key fits).
 * What stands elsewhere (`$env://`, `$secret://`), or is encrypted at rest, is passed over: the gateway looks again once it has been resolved. No
 * issue quotes a certificate or a key.
 */
export function checkCertificates(ssl: Ssl): readonly Issue[] {
  const issues = pairsOf(ssl).flatMap(checkPair);
  const { client } = ssl;
  if (client !== undefined && !isReference(client.ca) && readCertificates(client.ca) === undefined) {
    issues.push({ path: "client.ca", message: "must be certificates in PEM; it cannot be read as such" });
  }
  client?.skip_mtls_uri_regex?.forEach((pattern, at) => {
    const compiled = compileRegex(pattern, false);
    if (typeof compiled === "string") issues.push({ path: `client.skip_mtls_uri_regex[${at}]`, message: compiled });
  });
  if (ssl.ssl_protocols !== undefined && protocolRange(ssl.ssl_protocols) === undefined) {
    issues.push({ path: "ssl_protocols", message: "must have TLSv1.2 or TLSv1.3: TLSv1.1 is not served (RFC 8996)" });
  }
  return issues;
}

/** What should be known of certificates that are served. @param now Milliseconds since 1970. */
export function certificateWarnings(ssl: Ssl, now: number): readonly Issue[] {
  const warnings: Issue[] = [];
  for (const { cert, certPath } of pairsOf(ssl)) {
    const first = readCertificates(cert)?.[0];
    if (first === undefined) continue;
    if (Date.parse(first.validTo) < now) {
      warnings.push({ path: certPath, message: `has expired: it was valid until ${dateOf(first.validTo)}` });
    } else if (Date.parse(first.validFrom) > now) {
      warnings.push({ path: certPath, message: `is not valid yet: it is from ${dateOf(first.validFrom)} on` });
    }
  }
  if (ssl.ssl_protocols?.includes("TLSv1.1") === true) {
    warnings.push({ path: "ssl_protocols", message: "has TLSv1.1, which is not served (RFC 8996)" });
  }
  return warnings;
}

/** What is said of ssl resources where nothing serves them. */
export const CHECKED_ONLY: ServerCertificates = { inspect: checkCertificates, warnings: certificateWarnings };

/** The versions that `ssl_protocols` leaves; undefined where there is none that is served. Without it both are. */
export function protocolRange(
  protocols: Ssl["ssl_protocols"] = ["TLSv1.2", "TLSv1.3"],
): { readonly minVersion: "TLSv1.2" | "TLSv1.3"; readonly maxVersion: "TLSv1.2" | "TLSv1.3" } | undefined {
  const served = (["TLSv1.2", "TLSv1.3"] as const).filter((version) => protocols.includes(version));
  const [minVersion] = served, maxVersion = served.at(-1);
  return minVersion === undefined || maxVersion === undefined ? undefined : { minVersion, maxVersion };
}

/** Every certificate of a PEM text; undefined where one of them is none, or there are none. */
export function readCertificates(pem: string): X509Certificate[] | undefined {
  try {
    const found = (pem.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
    return found.length === 0 ? undefined : found;
  } catch {
    return undefined;
  }
}

function checkPair({ cert, key, certPath, keyPath }: Pair): Issue[] {
  const chain = isReference(cert) ? undefined : readCertificates(cert);
  if (chain === undefined && !isReference(cert)) {
    return [{ path: certPath, message: "must be a certificate in PEM; it cannot be read as such" }];
  }
  if (!key.trimStart().startsWith("-----BEGIN ")) return [];
  let read: KeyObject;
  try {
    read = createPrivateKey(key);
  } catch {
    return [{
      path: keyPath,
      message: "must be a private key in PEM, without a passphrase; it cannot be read as such",
    }];
  }
  const unfit = unfitKey(read);
  if (unfit !== undefined) return [{ path: keyPath, message: unfit }];
  if (chain === undefined || fits(chain[0]!, read)) return [];
  return [{ path: keyPath, message: `must be the private key of the certificate in '${certPath}': it is another's` }];
}

function fits(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    return false;
  }
}

/** Kept alike on all runtimes, so that a key which one of them takes works on the others. */
function unfitKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType === "rsa") {
    const bits = asymmetricKeyDetails?.modulusLength ?? 0;
    return bits >= 2048 && bits <= 8192 ? undefined : `must be an RSA key of 2048 to 8192 bits, has ${bits}`;
  }
  if (asymmetricKeyType === "ec") {
    const curve = asymmetricKeyDetails?.namedCurve ?? "another";
    return CURVES.includes(curve) ? undefined : `must be an ECDSA key on P-256 or P-384, is on ${curve}`;
  }
  return `must be an RSA or an ECDSA key, is ${asymmetricKeyType ?? "another"}`;
}

function dateOf(text: string): string {
  return new Date(text).toISOString().slice(0, 19) + "Z";
}

import { X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate } from "node:tls";

/**
 * Whether a client's certificate, which the runtime has verified, comes from one of the authorities over at most `depth` others, as nginx's
 * `ssl_verify_depth` counts. The runtimes have no such limit, and lead from one certificate to the next by names alone: each signature is looked at
 * here, so that a certificate of the same name cannot make a chain look shorter. What cannot be followed to an authority is taken for too long.
 *
 * @param authorities SHA-256 fingerprints, as Node writes them.
 */
export function withinDepth(
  peer: DetailedPeerCertificate,
  authorities: ReadonlySet<string>,
  depth: number,
): boolean {
  let current: DetailedPeerCertificate | undefined = peer;
  // The leaf, `depth` others, and the authority.
  for (let steps = 0; steps <= depth + 1; steps++) {
    if (current?.fingerprint256 === undefined) return false;
    if (authorities.has(current.fingerprint256)) return true;
    const issuer: DetailedPeerCertificate | undefined = current.issuerCertificate;
    if (issuer === undefined || issuer === current || issuer.raw === undefined || !signed(current, issuer)) {
      return false;
    }
    current = issuer;
  }
  return false;
}

function signed(certificate: DetailedPeerCertificate, issuer: DetailedPeerCertificate): boolean {
  try {
    return new X509Certificate(certificate.raw).verify(new X509Certificate(issuer.raw).publicKey);
  } catch {
    return false;
  }
}

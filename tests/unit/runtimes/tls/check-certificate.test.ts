import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import type { Ssl } from "../../../../src/config/ssl.ts";
import {
  certificateWarnings,
  checkCertificates,
  protocolRange,
} from "../../../../src/runtimes/tls/check-certificate.ts";
import { createAuthority } from "../../../support/authority.ts";

const authority = createAuthority();
const ec = authority.issue("DNS:a.test"), other = authority.issue("DNS:a.test");
const rsa = authority.issue("DNS:a.test", { key: "rsa" });
const base = { id: "1", type: "server", sni: "a.test", status: 1 } as const;

function issuesOf(more: Partial<Ssl>): string[] {
  const issues = checkCertificates({ ...base, ...ec, ...more });
  for (const { message } of issues) assert.doesNotMatch(message, /BEGIN|MII|MHc/);
  return issues.map(({ path, message }) => `${path}: ${message}`);
}

function generated(...options: readonly string[]): string {
  return execFileSync("openssl", ["genpkey", ...options], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

describe("checkCertificates", () => {
  it("takes pairs of each sort, and chains", () => {
    assert.deepEqual(issuesOf({}), []);
    assert.deepEqual(issuesOf({ certs: [rsa.cert + authority.ca], keys: [rsa.key] }), []);
    assert.deepEqual(issuesOf({ client: { ca: authority.ca + authority.ca, depth: 1 } }), []);
  });

  it("passes over what is kept elsewhere, or is encrypted at rest", () => {
    assert.deepEqual(issuesOf({ key: "$secret://vault/1/a/key" }), []);
    assert.deepEqual(issuesOf({ cert: "$env://CERT" }), []);
    assert.deepEqual(issuesOf({ key: "YWJj".repeat(40) }), []);
  });

  it("names what cannot be used", () => {
    assert.match(issuesOf({ key: other.key })[0]!, /^key: must be the private key of the certificate in 'cert'/);
    assert.match(issuesOf({ key: rsa.key })[0]!, /^key: .*another's$/);
    assert.match(issuesOf({ certs: [rsa.cert], keys: [ec.key] })[0]!, /^keys\[0\]: .*'certs\[0\]'/);
    assert.match(issuesOf({ cert: "x".repeat(200) })[0]!, /^cert: must be a certificate in PEM/);
    assert.match(issuesOf({ cert: ec.cert.replace(/\n[^\n]{20}/, "\n") })[0]!, /^cert: must be a certificate in PEM/);
    assert.match(issuesOf({ cert: ec.cert + ec.cert.slice(0, 200) + "\n-----END CERTIFICATE-----\n" })[0]!, /^cert: /);
    assert.match(issuesOf({ key: ec.key.replace(/\n[^\n]{20}/, "\n") })[0]!, /^key: must be a private key in PEM/);
    assert.match(issuesOf({ client: { ca: "x".repeat(200), depth: 1 } })[0]!, /^client\.ca: /);
    const skip_mtls_uri_regex = ["^/a", "(?=b)"];
    assert.match(
      issuesOf({ client: { ca: authority.ca, depth: 1, skip_mtls_uri_regex } })[0]!,
      /^client.*\[1\]: must be/,
    );
    assert.match(issuesOf({ ssl_protocols: ["TLSv1.1"] })[0]!, /^ssl_protocols: must have TLSv1.2 or TLSv1.3/);
  });

  it("takes the keys that every runtime takes", () => {
    const key = (...options: string[]) => issuesOf({ key: generated(...options) })[0]!;
    assert.match(key("-algorithm", "ed25519"), /must be an RSA or an ECDSA key, is ed25519/);
    assert.match(key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), /2048 to 8192 bits, has 1024/);
    assert.match(
      key("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp521r1"),
      /on P-256 or P-384, is on secp521r1/,
    );
    const encrypted = generated("-algorithm", "RSA", "-aes256", "-pass", "pass:secret");
    assert.match(issuesOf({ key: encrypted })[0]!, /without a passphrase/);
  });
});

describe("certificateWarnings", () => {
  it("tells what has expired, or is not valid yet, in each certificate", () => {
    const gone = authority.issue("DNS:a.test", { days: -1 });
    const ssl: Ssl = { ...base, ...ec, certs: [gone.cert], keys: [gone.key], ssl_protocols: ["TLSv1.1", "TLSv1.3"] };
    const at = (now: number) =>
      certificateWarnings(ssl, now).map(({ path, message }) => `${path} ${message.split(":")[0]}`);
    assert.deepEqual(at(Date.now()), [
      "certs[0] has expired",
      "ssl_protocols has TLSv1.1, which is not served (RFC 8996)",
    ]);
    assert.equal(at(Date.now() + 3 * 86_400_000)[0], "cert has expired");
    assert.equal(at(0)[0], "cert is not valid yet");
  });
});

describe("protocolRange", () => {
  it("is what is served of ssl_protocols", () => {
    assert.deepEqual(protocolRange(), { minVersion: "TLSv1.2", maxVersion: "TLSv1.3" });
    assert.deepEqual(protocolRange(["TLSv1.3"]), { minVersion: "TLSv1.3", maxVersion: "TLSv1.3" });
    assert.deepEqual(protocolRange(["TLSv1.2", "TLSv1.1"]), { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
    assert.equal(protocolRange(["TLSv1.1"]), undefined);
    assert.equal(protocolRange([]), undefined);
  });
});

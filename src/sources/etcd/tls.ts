import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { EtcdError } from "./errors.ts";

/** Each is PEM text, or the path of a PEM file, which is read anew for each connection so that it may be exchanged. */
export interface TlsOptions {
  /** Certificates that may have signed etcd's; without it the runtime's own list. */
  readonly ca?: string | undefined;
  /** Our certificate, for an etcd that wants one; with `key`. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name that etcd's certificate must hold, where it is not the endpoint's host. */
  readonly serverName?: string | undefined;
}

/** {@link TlsOptions} with the content of the files. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

async function load(what: string, value: string | undefined): Promise<string | undefined> {
  if (value === undefined || value.includes("-----BEGIN")) return value;
  try {
    return await readFile(value, "utf8");
  } catch (error) {
    throw new EtcdError("tls", `cannot read the ${what} for etcd from '${value}': ${(error as Error).message}`);
  }
}

/** Told here, since the TLS stacks have other words for it each, and some none. Says nothing of the content. */
function check(what: string, value: string | undefined, parse: (pem: string) => unknown): void {
  if (value === undefined) return;
  try {
    parse(value);
  } catch (error) {
    throw new EtcdError("tls", `the ${what} for etcd cannot be used: it is no valid PEM`, { cause: error });
  }
}

/** @throws EtcdError `tls` where a file cannot be read or is no PEM, or only one of certificate and key is given. */
export async function loadTls(options: TlsOptions): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all([
    load("CA certificate", options.ca),
    load("client certificate", options.cert),
    load("client key", options.key),
  ]);
  if ((cert === undefined) !== (key === undefined)) {
    throw new EtcdError(
      "tls",
      "cannot use a client certificate for etcd without its key, or a key without a certificate",
    );
  }
  check("CA certificate", ca, (pem) => new X509Certificate(pem));
  check("client certificate", cert, (pem) => new X509Certificate(pem));
  check("client key", key, (pem) => createPrivateKey(pem));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(options.serverName === undefined ? {} : { serverName: options.serverName }),
  };
}

/**
 * Checks a certificate against `host` (a name or an address) whatever name the TLS stack itself would check: Bun and Deno refuse
 * an address as the name of a server, although certificates may hold addresses.
 */
export function createIdentityCheck(host: string): (_name: string, certificate: PeerCertificate) => Error | undefined {
  return (_name, certificate) => checkServerIdentity(host, certificate);
}

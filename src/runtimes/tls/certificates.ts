import { createPrivateKey } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TlsOptions, type TLSSocket } from "node:tls";
import type { Issue } from "../../config/issue.ts";
import type { Ssl } from "../../config/ssl.ts";
import type { ServerCertificates } from "../../gateway/server-certificates.ts";
import { bridge, BRIDGED, crossBridge } from "./bridge.ts";
import {
  certificateWarnings,
  checkCertificates,
  pairsOf,
  protocolRange,
  readCertificates,
} from "./check-certificate.ts";
import type { ClientHello } from "./client-hello.ts";

/** Protocols over TLS, the preferred one first (ALPN, RFC 7301). */
const HTTP2: readonly string[] = ["h2", "http/1.1"], HTTP1: readonly string[] = ["http/1.1"];

/** What an ssl resource asks of clients. */
export interface ClientDemand {
  /** A client may have no certificate: which requests it may send then is looked at for each. */
  readonly optional: boolean;
  readonly depth: number;
  /** SHA-256 fingerprints of the authorities. */
  readonly authorities: ReadonlySet<string>;
}

/** An ssl resource, or the certificate from files, as handshakes need it. */
export interface PreparedCertificate {
  readonly client: ClientDemand | undefined;
  /**
   * Makes the handshake, with the certificate that fits a client best. One of the events happens, or the socket closes.
   *
   * @param held What was read of the socket.
   */
  secure(socket: Socket, held: Uint8Array, hello: ClientHello, events: HandshakeEvents): void;
}

/** What becomes of a handshake. */
export interface HandshakeEvents {
  secured(socket: TLSSocket): void;
  failed(error: Error): void;
}

const ECDSA_SIGNATURES: ReadonlySet<number> = new Set([0x0403, 0x0503]);
/** TLS_ECDHE_ECDSA_WITH_*: with AES-GCM, ChaCha20 and, for old clients, AES-CBC. */
const ECDSA_CIPHERS: ReadonlySet<number> = new Set([
  0xc02b,
  0xc02c,
  0xcca9,
  0xc009,
  0xc00a,
  0xc023,
  0xc024,
]);

/**
 * Prepares certificates when the configuration changes, so that a handshake has nothing to look at. One `tls.Server` for each certificate and key, which is
 * handed the sockets whose ClientHello chose it: the three runtimes have no other way in common to demand client certificates, and to choose versions and
 * between RSA and ECDSA, for one name and not for another.
 */
export class TlsCertificates implements ServerCertificates {
  readonly #protocols: readonly string[];
  readonly #prepared: WeakMap<Ssl, PreparedCertificate> = new WeakMap();
  /** Handshakes under way, by {@link connectionKey}. */
  readonly #pending: Map<string, HandshakeEvents> = new Map();

  /** @param http2 Whether it is offered. */
  constructor(http2: boolean) {
    this.#protocols = http2 ? HTTP2 : HTTP1;
  }

  inspect(ssl: Ssl): readonly Issue[] {
    const issues = checkCertificates(ssl);
    if (issues.length > 0 || ssl.type !== "server" || ssl.status === 0) return issues;
    try {
      this.of(ssl);
      return issues;
    } catch (error) {
      // The code alone: a message of a TLS library's is nothing to quote.
      const { code = "of an unknown error" } = error as NodeJS.ErrnoException;
      return [{ path: "cert", message: `cannot be served by this runtime because ${code}` }];
    }
  }

  warnings(ssl: Ssl, now: number): readonly Issue[] {
    return certificateWarnings(ssl, now);
  }

  /** What {@link TlsCertificates.inspect} has prepared. @throws Error where the runtime does not take the certificates. */
  of(ssl: Ssl): PreparedCertificate {
    let prepared = this.#prepared.get(ssl);
    if (prepared === undefined) this.#prepared.set(ssl, prepared = this.#prepare(ssl));
    return prepared;
  }

  #prepare(ssl: Ssl): PreparedCertificate {
    const { client } = ssl;
    const optional = client?.skip_mtls_uri_regex !== undefined;
    const pairs = pairsOf(ssl).map(({ cert, key }) => {
      const options: TlsOptions = {
        cert,
        key,
        ...protocolRange(ssl.ssl_protocols),
        ALPNProtocols: [...this.#protocols],
        honorCipherOrder: true,
        ...(client === undefined ? {} : { ca: client.ca, requestCert: true, rejectUnauthorized: !optional }),
      };
      return { ecdsa: createPrivateKey(key).asymmetricKeyType === "ec", secure: this.#secureWith(options) };
    });
    const ecdsa = pairs.find((each) => each.ecdsa)?.secure, rsa = pairs.find((each) => !each.ecdsa)?.secure;
    return {
      client: client && {
        optional,
        depth: client.depth,
        authorities: new Set(readCertificates(client.ca)?.map(({ fingerprint256 }) => fingerprint256)),
      },
      secure: (socket, held, hello, events) => (takesEcdsa(hello) ? ecdsa ?? rsa : rsa ?? ecdsa)!(socket, held, events),
    };
  }

  /** @throws Error where the runtime does not take the options. */
  #secureWith(options: TlsOptions): (socket: Socket, held: Uint8Array, events: HandshakeEvents) => void {
    if (BRIDGED) return secureBridged(options);
    const server = createServer(options);
    const take = (socket: TLSSocket): HandshakeEvents | undefined => {
      socket.on("error", () => socket.destroy());
      const key = connectionKey(socket);
      const events = this.#pending.get(key);
      this.#pending.delete(key);
      return events;
    };
    server.on("secureConnection", (socket) => {
      const events = take(socket);
      // Gone meanwhile.
      if (events === undefined) socket.destroy();
      else events.secured(socket);
    });
    server.on("tlsClientError", (error, socket) => take(socket)?.failed(error));
    return (socket, held, events) => {
      const key = connectionKey(socket);
      this.#pending.set(key, events);
      socket.once("close", () => {
        if (this.#pending.get(key) === events) this.#pending.delete(key);
      });
      socket.pause();
      socket.unshift(held);
      server.emit("connection", socket);
    };
  }
}

/** A server for each handshake: what it makes of a stream cannot be told from what another made, and Deno keeps no sessions that it could resume. */
function secureBridged(options: TlsOptions): (socket: Socket, held: Uint8Array, events: HandshakeEvents) => void {
  return (socket, held, events) => {
    const server: Server = createServer(options);
    server.on("secureConnection", (secured) => {
      secured.on("error", () => secured.destroy());
      crossBridge(secured, socket);
      events.secured(secured);
    });
    server.on("tlsClientError", (error, failed) => {
      failed.on("error", () => {});
      events.failed(error);
    });
    server.emit("connection", bridge(socket, held));
  };
}

/** Names a connection for as long as it is open. A `tls.Server` does not say which of the sockets that it was handed has become which of its own. */
function connectionKey({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** Whether a client can verify ECDSA: the faster one to sign with, and so the preferred one, as with OpenSSL's servers. */
function takesEcdsa({ signatures, ciphers, tls13 }: ClientHello): boolean {
  return signatures.some((one) => ECDSA_SIGNATURES.has(one)) &&
    (tls13 || ciphers.some((one) => ECDSA_CIPHERS.has(one)));
}

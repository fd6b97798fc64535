import { connect as connectTcp, isIP, type Socket } from "node:net";
import {
  connect as connectTls,
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { type Peer, TransportError, type TransportTls } from "../../forward/transport.ts";

/** Time without any packet after which the system asks whether the other side is still there. */
const TCP_KEEP_ALIVE = 60_000;

const contexts = new WeakMap<TransportTls, SecureContext>();

/**
 * Connects to a node, with TLS where the node wants it.
 *
 * @param timeout Milliseconds until the connection, with TLS, must stand; 0 = none.
 * @param done Called once. Its error is always one with `sent: false`.
 * @returns Ends the attempt, if it is still under way, without `done` being called.
 */
export function connectPeer(
  peer: Peer,
  timeout: number,
  done: (error: TransportError | null, socket: Socket | null) => void,
): () => void {
  const where = `${peer.host}:${peer.port}`;
  let secured = peer.tls === undefined;
  let standing = false;
  if (peer.denied?.(peer.host)) {
    const abandon = setTimeout(() => done(deniedError(where, peer.host), null), 0);
    return () => clearTimeout(abandon);
  }
  const socket = open(peer);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const settle = (error: TransportError | null) => {
    clearTimeout(timer);
    socket.off("error", onError);
    socket.off("close", onClose);
    if (error !== null) {
      socket.on("error", () => {});
      socket.destroy();
    }
    done(error, error === null ? socket : null);
  };
  const onError = (cause: Error & { code?: string }) => settle(connectError(where, cause, standing && !secured));
  const onClose = () => settle(connectError(where, new Error("The connection was closed"), standing && !secured));
  socket.once("connect", () => {
    standing = true;
    // A name is checked once it stands for an address, so that nothing can come between the check and the connection.
    if (isDenied(peer, socket)) return settle(deniedError(where, socket.remoteAddress));
    if (secured) settle(null);
  });
  if (!secured) {
    socket.once("secureConnect", () => {
      if (isDenied(peer, socket)) return settle(deniedError(where, socket.remoteAddress));
      // A node that has never heard of ALPN says nothing, and may speak HTTP/2 all the same.
      const { alpnProtocol } = socket as TLSSocket;
      if (peer.http2 === true && alpnProtocol && alpnProtocol !== "h2") {
        return settle(new TransportError("tls_failed", false, `TLS with ${where}: the node does not offer HTTP/2`));
      }
      secured = true;
      settle(null);
    });
  }
  socket.on("error", onError);
  socket.on("close", onClose);
  if (timeout > 0) {
    timer = setTimeout(() => {
      const stage = standing ? "TLS handshake" : "connection";
      settle(new TransportError("connect_timeout", false, `Connect to ${where}: no ${stage} within ${timeout} ms`));
    }, timeout);
  }
  return () => {
    clearTimeout(timer);
    socket.off("error", onError);
    socket.off("close", onClose);
    socket.on("error", () => {});
    socket.destroy();
  };
}

/** An address that the runtime does not tell counts as denied. */
function isDenied({ denied }: Peer, { remoteAddress }: Socket): boolean {
  return denied !== undefined && (remoteAddress === undefined || denied(remoteAddress));
}

function deniedError(where: string, address: string | undefined): TransportError {
  return new TransportError("connect_failed", false, `Connect to ${where}: ${address} is an address that is denied`);
}

function open(peer: Peer): Socket {
  const address = { host: peer.host, port: peer.port };
  if (peer.tls === undefined) {
    return connectTcp({ ...address, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE });
  }
  const { tls } = peer;
  const socket = connectTls({
    ...address,
    // RFC 6066 section 3: an address is not a name to indicate; the certificate is checked against the host then.
    ...(isIP(tls.servername) === 0 ? { servername: tls.servername } : {}),
    rejectUnauthorized: tls.verify,
    ALPNProtocols: [peer.http2 === true ? "h2" : "http/1.1"],
    secureContext: contextOf(tls),
    ...material(tls),
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEP_ALIVE);
  return socket;
}

/** Certificates are parsed once for each node's settings. */
function contextOf(tls: TransportTls): SecureContext {
  let context = contexts.get(tls);
  if (context === undefined) contexts.set(tls, context = createSecureContext(material(tls)));
  return context;
}

function material(tls: TransportTls): { ca?: string[]; cert?: string; key?: string } {
  return {
    ...(tls.ca === undefined ? {} : { ca: [...rootCertificates, tls.ca] }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  };
}

function connectError(where: string, cause: Error & { code?: string }, handshake: boolean): TransportError {
  if (cause instanceof TransportError) return cause;
  const options = { cause };
  if (handshake || isTlsCode(cause.code)) {
    return new TransportError("tls_failed", false, `TLS with ${where}: ${cause.message}`, options);
  }
  if (cause.code === "ECONNREFUSED") {
    return new TransportError("connect_refused", false, `Connect to ${where}: refused`, options);
  }
  if (cause.code === "ETIMEDOUT") {
    return new TransportError("connect_timeout", false, `Connect to ${where}: the system gave up`, options);
  }
  return new TransportError("connect_failed", false, `Connect to ${where}: ${cause.message}`, options);
}

/** Codes of OpenSSL's verification and of the runtimes' own TLS layers. */
function isTlsCode(code: string | undefined): boolean {
  return code !== undefined && /^ERR_(TLS|SSL)_|CERT|SELF_SIGNED|UNABLE_TO_|^EPROTO$|HOSTNAME_MISMATCH/.test(code);
}

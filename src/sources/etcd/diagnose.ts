import { isIP } from "node:net";
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Endpoint } from "./endpoint.ts";
import { type ErrorContext, type EtcdError, toEtcdError } from "./errors.ts";
import type { TlsMaterial } from "./tls.ts";

/** A handshake, and what comes within a moment after it, is all that a diagnosis takes. */
const HANDSHAKE_MS = 1500;
/** With TLS 1.3 a server tells only after the handshake that it does not take our certificate. */
const ALERT_MS = 250;

interface Handshake {
  /** As the runtime says it, where the certificate was not trusted. */
  readonly distrust: string | undefined;
  readonly certificate: ReturnType<TLSSocket["getPeerCertificate"]> | undefined;
  readonly error: Error | undefined;
}

/**
 * Says more exactly why a connection came to nothing. What carriers and runtimes say of a failed handshake ranges from the cause to
 * "other side closed". So the handshake is made once more, by itself: nothing is sent over it, and nothing that it says is trusted; the
 * connection is closed again whatever it shows.
 *
 * @returns `undefined` where nothing better is known.
 */
export async function diagnose(
  failure: EtcdError,
  endpoint: Endpoint,
  material: TlsMaterial,
  signal: AbortSignal,
): Promise<EtcdError | undefined> {
  if (failure.code !== "closed" && failure.code !== "tls" && failure.code !== "other") return undefined;
  const context: ErrorContext = {
    endpoint: endpoint.url,
    tls: endpoint.tls,
    certificate: material.cert !== undefined,
    limit: HANDSHAKE_MS,
  };
  const explain = (text: string) => toEtcdError(new Error(text), context);
  const { distrust, certificate, error } = await shake(endpoint, material, signal);
  if (!endpoint.tls) return certificate ? explain("HTTP request to an HTTPS server") : undefined;
  if (!certificate) {
    const known = error && toEtcdError(error, context);
    return known?.code === "tls" ? known : undefined;
  }
  const now = Date.now();
  if (Date.parse(certificate.valid_to) < now) return explain("certificate has expired");
  if (Date.parse(certificate.valid_from) > now) return explain("certificate is not yet valid");
  if (distrust !== undefined && !/ALTNAME/.test(distrust)) return explain(distrust);
  const misnamed = checkServerIdentity(material.serverName ?? endpoint.host, certificate);
  if (misnamed) return toEtcdError(misnamed, context);
  return error ? explain(`alert bad certificate: ${error.message}`) : undefined;
}

function shake(
  endpoint: Endpoint,
  { ca, cert, key, serverName }: TlsMaterial,
  signal: AbortSignal,
): Promise<Handshake> {
  const name = serverName ?? endpoint.host;
  const options: ConnectionOptions = {
    host: endpoint.host,
    port: endpoint.port,
    // Only looked at, and closed: see above.
    rejectUnauthorized: false,
    ALPNProtocols: ["h2", "http/1.1"],
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
  return new Promise((resolve) => {
    let socket: TLSSocket;
    let certificate: Handshake["certificate"];
    let distrust: string | undefined;
    const finish = (error: Error | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      socket?.destroy();
      resolve({ certificate, distrust, error });
    };
    const stop = () => finish(undefined);
    let timer = setTimeout(stop, HANDSHAKE_MS);
    signal.addEventListener("abort", stop, { once: true });
    try {
      socket = connect(options);
    } catch (error) {
      return finish(error as Error);
    }
    socket.on("secureConnect", () => {
      certificate = socket.getPeerCertificate();
      distrust = socket.authorized ? undefined : String(socket.authorizationError);
      clearTimeout(timer);
      timer = setTimeout(stop, ALERT_MS);
    });
    // Stays until the end: destroying may make an error of its own.
    socket.on("error", finish);
    socket.on("close", stop);
  });
}

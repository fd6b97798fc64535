import { type OutboundRequest, type Peer, type Transport, TransportError } from "../../forward/transport.ts";
import type { AddressTest } from "../../net/cidr.ts";
import type { Probe, ProbeResult, ProbeTarget } from "./probe.ts";

/** Every probe opens a connection of its own: a node that takes no new ones is not healthy. */
const ONE_REQUEST = { size: 1, idleTimeout: 0, requests: 1 };

/**
 * Makes active checks of type `http` and `https` by a transport.
 *
 * @param tcp Makes those of type `tcp`, which need a runtime's sockets; without it they are skipped.
 * @param denied Addresses that no request may go to, whatever a node's name stands for.
 */
export function createProbe(transport: Transport, tcp?: Probe, denied?: AddressTest): Probe {
  return (target, signal) => {
    if (target.type !== "tcp") return probeHttp(transport, target, denied, signal);
    return tcp?.(target, signal) ?? Promise.resolve({ kind: "skipped", reason: "this runtime has no tcp probe" });
  };
}

async function probeHttp(
  transport: Transport,
  target: ProbeTarget,
  denied: AddressTest | undefined,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { host, port, tls, timeout } = target;
  const peer: Peer = {
    host,
    port,
    keepAlive: ONE_REQUEST,
    ...(target.type === "https" ? { tls } : {}),
    ...(denied === undefined ? {} : { denied }),
  };
  const body = target.body === "" ? null : new TextEncoder().encode(target.body);
  const request: OutboundRequest = {
    peer,
    method: target.method,
    target: target.path,
    headers: [
      "Host",
      target.hostHeader,
      ...target.headers,
      ...(body === null ? [] : ["Content-Length", String(body.byteLength)]),
    ],
    body,
    timeouts: { connect: timeout, send: timeout, read: timeout },
    signal,
  };
  try {
    const answer = await transport.send(request);
    if (answer.body instanceof ReadableStream) await answer.body.cancel().catch(() => {});
    return { kind: "status", status: answer.status };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    if (error.code.endsWith("_timeout")) return { kind: "timeout" };
    if (error.code === "unsupported" || error.code === "client_gone") return { kind: "skipped", reason: error.code };
    // As lua-resty-healthcheck: an answer without a readable status is a bad answer, not a bad connection.
    return error.code === "bad_answer" ? { kind: "status", status: 0 } : { kind: "failed", reason: error.code };
  } finally {
    transport.release(peer);
  }
}

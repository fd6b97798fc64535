import type { AddressTest } from "../net/cidr.ts";
import { type AskManager, type ManagerAnswer, type ManagerRequest, SecretError } from "../secrets/manager.ts";
import { type OutboundRequest, type Peer, type Transport, TransportError } from "./transport.ts";

/** How {@link askOver} connects. */
export interface AskOptions {
  /** PEM of authorities that certificates may come from, besides the system's. */
  readonly ca?: string;
  /** Addresses that no request may go to, whatever a name stands for. */
  readonly denied?: AddressTest;
  /** Bytes of an answer's body. Default: 1048576 (1 MiB). */
  readonly maxBytes?: number;
}

/** Secrets are asked for seldom, and one connection each is never a stale one. */
const ONE_REQUEST = { size: 1, idleTimeout: 0, requests: 1 };
/** Milliseconds; the caller's signal ends what takes longer in sum. */
const TIMEOUTS = { connect: 5000, send: 5000, read: 5000 };

/**
 * Makes what asks managers of secrets by a transport, so that certificates, authorities and denied addresses are as for every upstream.
 */
export function askOver(transport: Transport, options: AskOptions = {}): AskManager {
  return async (request, signal) => {
    const peer = peerOf(request.url, options);
    try {
      const answer = await transport.send(toOutbound(request, peer, signal));
      const text = await readText(answer.body, options.maxBytes ?? 1024 * 1024);
      return { status: answer.status, text } satisfies ManagerAnswer;
    } catch (error) {
      if (error instanceof SecretError) throw error;
      const code = error instanceof TransportError ? error.code : "read_failed";
      throw new SecretError(`${request.url.host} cannot be asked (${code})`, { away: true, cause: error });
    } finally {
      transport.release(peer);
    }
  };
}

function peerOf(url: URL, { ca, denied }: AskOptions): Peer {
  const secure = url.protocol === "https:";
  if (!secure && url.protocol !== "http:") {
    throw new SecretError(`its address must begin with http:// or https://, is ${url.protocol}//...`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return {
    host,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    keepAlive: ONE_REQUEST,
    ...(secure ? { tls: { servername: host, verify: true, ...(ca === undefined ? {} : { ca }) } } : {}),
    ...(denied === undefined ? {} : { denied }),
  };
}

function toOutbound({ method, url, headers, body }: ManagerRequest, peer: Peer, signal: AbortSignal): OutboundRequest {
  const bytes = body === undefined ? null : new TextEncoder().encode(body);
  for (const value of headers) {
    // A token with a line break would be a second field; the message must not quote it.
    // deno-lint-ignore no-control-regex
    if (/[^\x20-\x7e]/.test(value)) throw new SecretError("its token or name has characters that no header field can");
  }
  return {
    peer,
    method,
    target: url.pathname + url.search,
    headers: [
      "Host",
      url.host,
      ...headers,
      ...(bytes === null ? [] : ["Content-Length", String(bytes.byteLength)]),
    ],
    body: bytes,
    timeouts: TIMEOUTS,
    signal,
  };
}

async function readText(body: ReadableStream<Uint8Array> | Uint8Array | null, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  const tooLong = () => new SecretError(`the answer has more than ${maxBytes} bytes`);
  if (body === null) return "";
  if (body instanceof Uint8Array) {
    if (body.byteLength > maxBytes) throw tooLong();
    return decoder.decode(body);
  }
  let text = "", bytes = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLong();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

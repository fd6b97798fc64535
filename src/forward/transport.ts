import { type ErrorCode, GatewayError } from "../errors.ts";
import type { ByteTunnel, Watchable } from "../net/inbound.ts";
import type { AddressTest } from "../net/cidr.ts";
import type { RawHeaders } from "../net/raw-headers.ts";

/** How to speak TLS to a node. */
export interface TransportTls {
  /** Name sent in SNI and checked against the certificate. */
  readonly servername: string;
  /** Whether the certificate must be valid. Default everywhere: true. */
  readonly verify: boolean;
  /** PEM of certificate authorities trusted besides the system's. */
  readonly ca?: string;
  /** PEM of the client certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
}

/** Keep-alive settings of a pool of connections to one node. */
export interface KeepAlive {
  /** Idle connections kept at the most. */
  readonly size: number;
  /** Milliseconds that an idle connection is kept; 0 = none is kept. */
  readonly idleTimeout: number;
  /** Requests that one connection serves at the most. */
  readonly requests: number;
}

/**
 * One node, as a transport needs it. The same object stands for the same node for as long as its settings last, so that a
 * transport may keep its pool of connections by it (in a `WeakMap` or a `Map` that {@link Transport.release} prunes).
 */
export interface Peer {
  readonly host: string;
  readonly port: number;
  /** Absent: plain TCP. */
  readonly tls?: TransportTls;
  /** Whether it is spoken to over HTTP/2, which a transport that cannot refuses. Default: false, HTTP/1.1. */
  readonly http2?: boolean;
  readonly keepAlive: KeepAlive;
  /** Addresses that no connection may go to, whatever the host's name stands for; a transport that cannot see the address refuses names. */
  readonly denied?: AddressTest;
}

/** Limits in milliseconds; 0 = none. */
export interface TransportTimeouts {
  /** Until the connection (with TLS) stands. */
  readonly connect: number;
  /** Between two successful writes of the request. */
  readonly send: number;
  /** Until the answer's head, then between two reads of its body. */
  readonly read: number;
}

/** A request as it is to be sent, hop-by-hop fields already taken out and Host put in. */
export interface OutboundRequest {
  readonly peer: Peer;
  readonly method: string;
  /** Origin form; sent byte for byte. */
  readonly target: string;
  /**
   * Whether each of {@link OutboundRequest.headers} is known to be one: a token, and a value without control characters and of bytes. Default: a transport
   * that writes them itself has to look.
   */
  readonly checked?: boolean;
  /** Content-Length where the length is known; a transport frames a body without one as chunked. */
  readonly headers: RawHeaders;
  readonly body: ReadableStream<Uint8Array> | Uint8Array | null;
  readonly timeouts: TransportTimeouts;
  /** Ends the exchange, at any point of it. */
  readonly signal: AbortSignal;
  /** The same in a way that costs less; undefined where there is only the signal. */
  readonly watchable?: Watchable | undefined;
}

/** An answer as it was received. */
export interface OutboundAnswer {
  /** 200 to 599; anything else a transport reports as `bad_answer`. */
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
  /**
   * The body as it was sent, compression untouched. A stream that errors means the body was cut. Bytes where the transport holds all of
   * it already; null where the answer has none (HEAD, 204, 304).
   */
  readonly body: ReadableStream<Uint8Array> | Uint8Array | null;
  /** Resolves at the body's end; never rejects. Absent where the transport cannot read trailers. */
  readonly trailers?: Promise<RawHeaders>;
}

/** An answer to a request to upgrade: either taken (101, with the connection), or an ordinary answer. */
export type UpgradeAnswer =
  | { readonly status: 101; readonly reason: string; readonly headers: RawHeaders; readonly tunnel: ByteTunnel }
  | OutboundAnswer;

/** The codes a transport can fail with. */
export type TransportErrorCode = Extract<
  ErrorCode,
  | "connect_refused"
  | "connect_timeout"
  | "connect_failed"
  | "tls_failed"
  | "send_timeout"
  | "read_timeout"
  | "reset"
  | "bad_answer"
  | "unsupported"
  | "client_gone"
>;

const STATUSES: { readonly [code in TransportErrorCode]?: number } = {
  connect_timeout: 504,
  send_timeout: 504,
  read_timeout: 504,
  unsupported: 501,
  client_gone: 499,
};

/**
 * Why a request could not be completed, and whether any of it can have reached the node. `client_gone` stands for everything that this side
 * gave up: {@link OutboundRequest.signal}, with its reason as `cause`; a request body that failed, with its error as `cause`.
 */
export class TransportError extends GatewayError {
  override readonly name: string = "TransportError";
  /** False only where it is certain that no byte of the request was sent: then another try is always allowed. */
  readonly sent: boolean;
  /**
   * Whether the connection had served a request before and broke before any of this one's answer: most often the node had closed it while it
   * idled, which says nothing of the node's health. Over HTTP/2 also whether the node has said that it did not begin with the request.
   */
  readonly reused: boolean;

  constructor(
    code: TransportErrorCode,
    sent: boolean,
    message: string,
    options: ErrorOptions & { readonly reused?: boolean } = {},
  ) {
    super(code, STATUSES[code] ?? 502, message, options);
    this.sent = sent;
    this.reused = options.reused ?? false;
  }
}

/**
 * Sends requests to nodes. It follows no redirect, adds no header, decodes nothing, and never sends a request twice: retries are
 * the caller's to decide.
 */
export interface Transport {
  /** `fetch`, `undici`, `http1`; `http2` for one that speaks nothing else. */
  readonly name: string;
  /** @throws {TransportError} and nothing else. */
  send(request: OutboundRequest): Promise<OutboundAnswer>;
  /** Absent where the transport cannot upgrade. @throws {TransportError} and nothing else. */
  upgrade?(request: OutboundRequest): Promise<UpgradeAnswer>;
  /** Lets go of the pool of a node that is no longer configured, once its requests are done. */
  release(peer: Peer): void;
  /** Closes every connection; requests that are still under way fail. */
  close(): Promise<void>;
}

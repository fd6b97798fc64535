import type { RawHeaders } from "./raw-headers.ts";

/** An end of a connection. */
export interface Address {
  /** IPv4 or IPv6 without brackets; IPv4-mapped IPv6 is written as IPv4. */
  readonly address: string;
  readonly port: number;
}

/**
 * What a listener knows of a request and a `Request` cannot carry. A listener passes it to the application beside the Request,
 * as `c.env.inbound`.
 */
export interface Inbound {
  /** The request target in origin form (`/a%2Fb//c?`), byte for byte as received where {@link Inbound.faithful} says so. */
  readonly target: string;
  /** False where the runtime's server had normalised the target before anyone could read it (`Bun.serve`). */
  readonly faithful: boolean;
  /** As received, with Host; see {@link Inbound.faithful}. */
  readonly headers: RawHeaders;
  /** The other end of the connection, trusted or not. */
  readonly peer: Address;
  /** The port that the connection was accepted on. */
  readonly localPort: number;
  /** Whether the connection to the client is under TLS. */
  readonly secure: boolean;
  /** What was found out when the connection was secured; absent where it is not, or the listener cannot tell. */
  readonly tls?: InboundTls | undefined;
  /** The request's body, also for methods where `Request.body` is always null (GET); null where there is none. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** Aborts when the client has gone before its answer was complete. */
  readonly signal: AbortSignal;
  /** The same in a way that costs less; absent where there is only the signal. */
  readonly watchable?: Watchable | undefined;
  /** Takes the connection over after a request to upgrade; absent where the listener cannot, or nothing was asked. */
  readonly upgrade?: UpgradeHook;
}

/** What a TLS handshake with a client came to. */
export interface InboundTls {
  /** That the client asked for (SNI): lower case, without a dot at the end; undefined where it named none. */
  readonly serverName: string | undefined;
  /** Whether it has shown a certificate that an ssl resource demanded, and that was found good. */
  readonly verified: boolean;
}

/** What can be given up while it is under way. */
export interface Watchable {
  /** Calls the listener once when that happens, at once where it has; undefined takes it out. There is one at a time. */
  watch(listener: (() => void) | undefined): void;
}

/** A connection's bytes, both ways. */
export interface ByteTunnel {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Answers `101` with these header fields and yields the connection from then on. */
export type UpgradeHook = (status: number, reason: string, headers: RawHeaders) => ByteTunnel;

/** The bindings (`c.env`) that gatewatch's own listeners give the application. */
export interface ListenerBindings {
  readonly inbound: Inbound;
}

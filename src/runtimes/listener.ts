import type { Address, Inbound } from "../net/inbound.ts";
import type { TlsFront } from "./tls/front.ts";

/** Bounds that a listener keeps, each a setting; 0 = none. Times in milliseconds. */
export interface ListenerLimits {
  /** Bytes of request line and header fields. */
  readonly headerBytes: number;
  /** Number of header fields. */
  readonly headerCount: number;
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Until a request's head is complete. */
  readonly headerTimeout: number;
  /** Between two reads of a request's body, and between two writes of an answer that the client takes. */
  readonly bodyTimeout: number;
  /** That a connection may stay open between requests. */
  readonly idleTimeout: number;
  /** Open connections; more are closed as they come. */
  readonly connections: number;
}

/** Answers one request. It never rejects. */
export type ListenerHandler = (request: Request, inbound: Inbound) => Response | Promise<Response>;

export interface ListenOptions {
  /** Name or address to bind. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly handler: ListenerHandler;
  readonly limits: ListenerLimits;
  /** Secures every connection first. Default: none is. Only `http1` can. */
  readonly tls?: TlsFront;
  /** Whether clients may speak HTTP/2. Default: true. Only `http1` can. */
  readonly http2?: boolean;
  /** Lets several processes share the port, where the system can. */
  readonly reusePort?: boolean;
}

/** A bound socket that serves requests. */
export interface Listener {
  /** `native`, `node`, `http1`. */
  readonly name: string;
  /** Whether it serves TLS. Default: false. */
  readonly secure?: boolean;
  /** What was bound, with the port that the system chose. */
  readonly address: Address;
  /** Open connections; requests under way where the runtime does not tell about connections (`Deno.serve`). */
  connections(): number;
  /**
   * Stops accepting at once, lets requests in flight finish for up to `drainMs`, then cuts what is left. Idle connections are
   * closed within 200 ms. Resolves to the number of requests that were cut.
   */
  close(drainMs: number): Promise<number>;
}

/** Binds a listener. @throws Error with the system's code (`EADDRINUSE`, `EACCES`) where the address cannot be bound. */
export type Listen = (options: ListenOptions) => Promise<Listener>;

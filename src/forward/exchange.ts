import type { Client } from "../net/forwarded.ts";
import type { Inbound } from "../net/inbound.ts";
import type { Attempt, UpstreamRequest } from "../pipeline/context.ts";

/** What forwarding needs to know of a request beside what plugins may change of it. */
export interface Exchange {
  readonly inbound: Inbound;
  /** Whether a listener has looked at the head: every field of it can be sent on as it is. */
  readonly checked: boolean;
  /** The body to send on. */
  readonly content: ReadableStream<Uint8Array> | Uint8Array | null;
  readonly client: Client;
  /** The Host field as the client sent it. */
  readonly hostField: string;
  /** As the client sent it. */
  readonly method: string;
  /** What plugins may change, made when first asked for. */
  readonly request: UpstreamRequest;
  /** The same, where it has been asked for. */
  readonly changed: UpstreamRequest | undefined;
  /** The value of an nginx variable, for hash keys. */
  readonly variable: (name: string) => string | undefined;
  /** Whether a request to upgrade to WebSocket may be passed on. */
  readonly websocket: boolean;
  /** Filled in as tries are made. */
  readonly attempts: Attempt[];
  /** Why no other node was tried after the last failure, for the log. */
  gaveUp: string | undefined;
  /** Takes note of a body that streams from a node; what it returns is called once, when that is over. */
  streaming(body: ReadableStream<Uint8Array>): (complete: boolean, bytes: number) => void;
  /** Takes note that the connection was taken over; what it returns is called once, when both sides are over. */
  tunnelling(): (complete: boolean) => void;
}

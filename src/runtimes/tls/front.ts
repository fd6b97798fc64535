import type { Socket } from "node:net";
import type { InboundTls } from "../../net/inbound.ts";
import type { HubMember } from "../http1/hub-member.ts";

/**
 * Takes over a connection that was secured.
 *
 * @param reset Cuts the connection in a way that the client can tell from its end.
 */
export type Secured = (socket: Socket, tls: SecuredTls, reset: () => void) => void;

/** What a handshake came to, with the protocol that was agreed on. */
export interface SecuredTls extends InboundTls {
  /** `h2`, or another for HTTP/1.1. */
  readonly protocol: string;
}

/** The connections of a listener. */
export interface Connections {
  add(connection: HubMember): void;
  remove(connection: HubMember): void;
}

/** What secures a listener's connections. */
export interface TlsFront {
  /** Whether its sockets must stay open for writing when the client has ended its side: it ends them itself. */
  readonly halfOpen: boolean;
  /** Begins a handshake on a new connection, which is one of the listener's until it is secured or over. */
  accept(socket: Socket, connections: Connections, secured: Secured): void;
}

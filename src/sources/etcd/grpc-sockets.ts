import type { ChannelCredentials } from "@grpc/grpc-js";
import type { Socket } from "node:net";

/** Part of what grpc-js 1.14 makes of credentials, which its documentation does not promise. */
interface SecureConnector {
  connect(socket: Socket): Promise<unknown>;
}
interface ConnectorMaker {
  _createSecureConnector(...parameters: readonly unknown[]): SecureConnector;
}

/** The sockets of a channel. */
export interface SocketList {
  /** Destroys them all, and those that are still being connected as soon as they are. */
  destroy(): void;
}

/**
 * Keeps hold of the sockets that a channel with these credentials opens. A channel that is closed says goodbye to its peer and waits for
 * the answer; a peer that went away without a word gives none, and every session would leave a socket behind.
 *
 * @throws Error where grpc-js is not built as expected, which an upgrade might cause.
 */
export function trackSockets(credentials: ChannelCredentials): SocketList {
  const maker = credentials as unknown as Partial<ConnectorMaker>;
  const make = maker._createSecureConnector?.bind(credentials);
  if (make === undefined) {
    throw new Error(
      "Cannot use this version of @grpc/grpc-js: credentials have no '_createSecureConnector' as in 1.14",
    );
  }
  const sockets = new Set<Socket>();
  let over = false;
  maker._createSecureConnector = (...parameters) => {
    const connector = make(...parameters);
    const connect = connector.connect.bind(connector);
    connector.connect = (socket) => {
      if (over) {
        socket.destroy();
        return Promise.reject(new Error("closed by its owner"));
      }
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      return connect(socket);
    };
    return connector;
  };
  return {
    destroy() {
      over = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

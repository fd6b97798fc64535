import type { Buffer } from "node:buffer";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { InboundTls } from "../net/inbound.ts";
import { ClientConnection, type SecuredFacts } from "./http1/connection.ts";
import { Hub } from "./http1/hub.ts";
import { Http2ClientConnection } from "./http2/client-connection.ts";
import type { Listen, ListenOptions } from "./listener.ts";
import { installRequest } from "./node/request.ts";

/**
 * gatewatch's own listener: HTTP/1.1 over the sockets of `node:net`, the same on Deno, Bun and Node. It reads requests as the transport `http1` reads
 * answers, byte for byte, refuses what could be read in two ways, and keeps every limit of {@link ListenOptions.limits}. Clients that want it get HTTP/2:
 * over TLS they say so in the handshake (ALPN), else by its preface (RFC 9113 section 3.3).
 */
export const listenHttp1: Listen = async (options: ListenOptions) => {
  installRequest();
  const hub = new Hub(options);
  const { host, port, reusePort } = options;
  const server = createServer(
    { noDelay: true, allowHalfOpen: options.tls?.halfOpen ?? false },
    (socket) => accept(socket, hub),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ...(reusePort === undefined ? {} : { reusePort }) }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return {
    name: "http1",
    secure: options.tls !== undefined,
    address: { address: bound.address, port: bound.port },
    connections: () => hub.size,
    async close(drainMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const cut = await hub.drain(drainMs);
      await closed;
      return cut;
    },
  };
};

function accept(socket: Socket, hub: Hub): void {
  socket.on("error", () => socket.destroy());
  if (hub.full) {
    socket.destroy();
    return;
  }
  const { tls } = hub.options;
  if (tls === undefined) serve(socket, hub);
  else {
    tls.accept(socket, hub, (secured, facts, reset) => {
      if (facts.protocol === "h2") serveHttp2(secured, hub, facts);
      else serve(secured, hub, { ...facts, reset });
    });
  }
}

function serve(socket: Socket, hub: Hub, tls?: SecuredFacts): void {
  const http2 = (held: Buffer): void => {
    hub.remove(connection);
    serveHttp2(socket, hub, tls, held);
  };
  const connection = new ClientConnection(socket, hub, tls, hub.options.http2 === false ? undefined : http2);
  hub.add(connection);
  socket.once("close", () => hub.remove(connection));
}

function serveHttp2(socket: Socket, hub: Hub, tls: InboundTls | undefined, held?: Buffer): void {
  const connection = new Http2ClientConnection(socket, hub, tls, held);
  hub.add(connection);
  socket.once("close", () => hub.remove(connection));
}

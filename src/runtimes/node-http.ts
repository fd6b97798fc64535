import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { errorResponse } from "../errors.ts";
import { checkHead } from "../net/request-policy.ts";
import type { Listen, Listener, ListenOptions } from "./listener.ts";
import { type Connection, Connections } from "./node/connection.ts";
import { NodeInbound } from "./node/inbound.ts";
import { dropRest, lingeringClose, writeRefusal } from "./node/refuse.ts";
import { createListenerRequest, installRequest } from "./node/request.ts";
import { answerUpgrade } from "./node/upgrade.ts";
import { writeAnswer } from "./node/write.ts";

/** Milliseconds between two looks for connections whose head is late. */
const CHECK_INTERVAL = 500;

/**
 * The listener over `node:http`, the same on Deno, Bun and Node: the request target and the fields as they were received, upgrades as a tunnel
 * of bytes, every limit of {@link ListenOptions.limits}, and answers with their node's own reason phrase and fields.
 */
export const listenNode: Listen = (options: ListenOptions): Promise<Listener> => {
  installRequest();
  const { limits } = options;
  const connections = new Connections(limits.connections);
  const server = createServer({
    // One more, so that the policy sees, and refuses, what would otherwise be cut off in silence.
    maxHeaderSize: limits.headerBytes > 0 ? limits.headerBytes + 256 : 1024 * 1024,
    headersTimeout: limits.headerTimeout,
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeout,
    connectionsCheckingInterval: CHECK_INTERVAL,
    noDelay: true,
    insecureHTTPParser: false,
    requireHostHeader: false,
    // Offers of other protocols (`h2c`) may be ignored (RFC 9110 section 7.8); without this their connection would be lost for HTTP.
    shouldUpgradeCallback: (incoming: IncomingMessage) => incoming.headers.upgrade?.toLowerCase() === "websocket",
  } as ServerOptions);
  server.maxHeadersCount = limits.headerCount > 0 ? limits.headerCount + 1 : 0;
  const exchange = new Exchanges(options, connections);
  server.on("connection", (socket: Socket) => connections.accept(socket));
  server.on("request", (incoming, outgoing) => exchange.request(incoming, outgoing, undefined));
  server.on("checkContinue", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    exchange.request(incoming, outgoing, () => outgoing.writeContinue());
  });
  server.on("upgrade", (incoming, socket, head) => exchange.upgrade(incoming, socket, head));
  server.on("clientError", (error: Error & { code?: string }, socket: Duplex) => {
    if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
    else if (error.code === "HPE_HEADER_OVERFLOW") writeRefusal(socket, 431, "header_too_large");
    else if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") writeRefusal(socket, 408, "bad_request");
    else writeRefusal(socket, 400, "bad_request");
  });
  return bind(server, options).then((address) => ({
    name: "node",
    address: { address: address.address, port: address.port },
    connections: () => connections.size,
    close: (drainMs) => exchange.close(server, drainMs),
  }));
};

function bind(server: Server, { host, port, reusePort }: ListenOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ...(reusePort === undefined ? {} : { reusePort }) }, () => {
      server.off("error", reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

/** Requests on their way through the handler. */
class Exchanges {
  readonly #options: ListenOptions;
  readonly #connections: Connections;
  #draining = false;
  #drained: (() => void) | undefined;

  constructor(options: ListenOptions, connections: Connections) {
    this.#options = options;
    this.#connections = connections;
  }

  request(incoming: IncomingMessage, outgoing: ServerResponse, begin: (() => void) | undefined): void {
    const { limits } = this.#options;
    const connection = this.#connections.of(incoming.socket);
    const method = incoming.method!;
    // `HTTP/2.0` in a head of HTTP/1.1's form passes some runtimes' parsers.
    if (incoming.httpVersionMajor !== 1) return this.#refuse(outgoing, errorResponse("bad_request", 505), method);
    const http10 = incoming.httpVersionMinor === 0;
    const head = checkHead(method, incoming.url!, incoming.rawHeaders, limits, http10);
    if (!head.ok) return this.#refuse(outgoing, errorResponse(head.code, head.status), method);
    if (limits.bodyBytes > 0 && head.length > limits.bodyBytes) {
      return this.#refuse(outgoing, errorResponse("body_too_large", 413), method);
    }
    const inbound = new NodeInbound(head.target, incoming, connection, head.length !== 0, {
      bytes: limits.bodyBytes,
      timeout: limits.bodyTimeout,
      begin,
    });
    this.#connections.begin(connection);
    outgoing.once("close", () => {
      this.#end(connection);
      if (!outgoing.writableFinished) inbound.clientGone();
      else if (!incoming.complete) dropRest(incoming);
    });
    void this.#answer(createListenerRequest(method, head.host, inbound), inbound, incoming, outgoing);
  }

  upgrade(incoming: IncomingMessage, socket: Duplex, rest: Uint8Array): void {
    const connection = this.#connections.of(incoming.socket);
    this.#connections.begin(connection);
    socket.once("close", () => this.#end(connection));
    answerUpgrade(incoming, socket, rest, connection, this.#options);
  }

  async close(server: Server, drainMs: number): Promise<number> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.#connections.closeIdle();
    if (this.#connections.inFlight > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        timer = setTimeout(resolve, drainMs);
      });
      clearTimeout(timer);
    }
    const cut = this.#connections.closeAll();
    await closed;
    return cut;
  }

  async #answer(
    request: Request,
    inbound: NodeInbound,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    const { handler, limits } = this.#options;
    let response: Response;
    try {
      response = await handler(request, inbound);
    } catch {
      // The handler has promised never to do this; the client is answered all the same.
      response = errorResponse("internal", 500);
    }
    await writeAnswer(outgoing, response, {
      method: request.method,
      timeout: limits.bodyTimeout,
      http10: incoming.httpVersionMinor === 0,
      close: this.#draining,
    });
  }

  #refuse(outgoing: ServerResponse, response: Response, method: string): void {
    const socket = outgoing.socket;
    outgoing.once("close", () => socket !== null && lingeringClose(socket));
    void writeAnswer(outgoing, response, {
      method,
      timeout: this.#options.limits.bodyTimeout,
      http10: false,
      close: true,
    });
  }

  #end(connection: Connection): void {
    this.#connections.end(connection);
    if (!this.#draining) return;
    if (connection.requests === 0) connection.socket.end();
    if (this.#connections.inFlight === 0) this.#drained?.();
  }
}

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** A hello-world service that a gateway forwards to. */
export interface Origin {
  readonly port: number;
  readonly url: string;
  /** Requests that were begun. */
  requests(): number;
  /** Requests to `/slow...` that wait for {@link Origin.release}. */
  waiting(): number;
  /** Answers every request that waits, and every later one to `/slow...` at once. */
  release(): void;
  close(): Promise<void>;
}

/**
 * Starts an origin on a free port of 127.0.0.1. It answers everything with `body`; a request whose path starts with `/slow` is answered
 * once the test says so.
 */
export async function startOrigin(body = "HelloWorld"): Promise<Origin> {
  let requests = 0;
  let released = false;
  const waiting = new Set<ServerResponse>();
  const answer = (response: ServerResponse) => {
    response.writeHead(200, { "content-type": "text/plain", "content-length": String(body.length) });
    response.end(body);
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests++;
    request.resume();
    if (released || !request.url?.startsWith("/slow")) return answer(response);
    waiting.add(response);
    response.on("close", () => waiting.delete(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    waiting: () => waiting.size,
    release() {
      released = true;
      for (const response of waiting) answer(response);
    },
    close() {
      for (const response of waiting) response.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

import { fetchTransport } from "../forward/transports/fetch.ts";
import type { OutboundRequest } from "../forward/transport.ts";
import { plainAddress } from "./address.ts";
import type { Listen, Listener, ListenOptions } from "./listener.ts";
import { answerNative } from "./native/exchange.ts";
import { listenHttp1 } from "./http1.ts";
import { listenNode } from "./node-http.ts";
import type { Runtime } from "./runtime.ts";
import { withHttp2 } from "./transports/with-http2.ts";

/** The runtime's global, as far as it is used; its own types would clash with other runtimes' where all are checked together. */
interface BunGlobal {
  readonly version: string;
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout: number;
    maxRequestBodySize: number;
    development: boolean;
    reusePort: boolean;
    error: () => Response;
    fetch: (request: Request, server: BunServer) => Response | Promise<Response>;
  }): BunServer;
}

interface BunServer {
  readonly hostname?: string;
  readonly port?: number;
  readonly pendingRequests: number;
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
  timeout(request: Request, seconds: number): void;
  stop(closeActiveConnections: boolean): Promise<void>;
}

const runtime = (globalThis as { readonly Bun?: BunGlobal }).Bun;

/** Seconds; what `Bun.serve` can count to. */
const MAX_IDLE = 255;

/**
 * The listener over `Bun.serve`. It has normalised the target before anyone can read it, joins the fields of one name, writes its own reason
 * phrases, and has no upgrades here. A head must be there after 12 s, whatever the settings say; connections idle for the idle timeout, in steps of
 * 4 s, or 255 s after an answer without a length; handlers and streams may be silent for 255 s.
 */
export const listenBun: Listen = (options: ListenOptions): Promise<Listener> => {
  const { host: hostname, port, reusePort, limits } = options;
  const idle = limits.idleTimeout > 0 ? limits.idleTimeout : limits.headerTimeout;
  if (runtime === undefined) throw new Error("Cannot listen with Bun.serve: this is not Bun");
  const idleSeconds = Math.min(Math.ceil(idle / 1000), MAX_IDLE);
  const server = runtime.serve({
    hostname,
    port,
    idleTimeout: idleSeconds,
    // The limit is kept where the body is read, so that what was too large can be told from a client that has gone.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    // Bun's default outside development mode is true, and would bind a port twice.
    reusePort: reusePort ?? false,
    error: () => new Response(null, { status: 500 }),
    fetch(request, server) {
      // The timeout is for clients; a handler takes as long as the upstream is allowed to.
      server.timeout(request, MAX_IDLE);
      const ip = server.requestIP(request);
      const answer = answerNative(
        {
          request,
          localPort: server.port ?? 0,
          faithful: false,
          target: () => targetOf(request.url),
          peer: ip === null ? { address: "", port: 0 } : { address: plainAddress(ip.address), port: ip.port },
          signal: () => request.signal,
        },
        options,
        server.pendingRequests,
      );
      const idleAgain = (response: Response): Response => {
        // Events may be far between; what has a length is on its way.
        if (response.headers.has("content-length") || response.body === null) server.timeout(request, idleSeconds);
        return response;
      };
      return answer instanceof Promise ? answer.then(idleAgain) : idleAgain(answer);
    },
  });
  return Promise.resolve({
    name: "native",
    address: { address: server.hostname ?? hostname, port: server.port ?? port },
    connections: () => server.pendingRequests,
    async close(drainMs) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, drainMs));
      await Promise.race([server.stop(false), late]);
      clearTimeout(timer);
      const cut = server.pendingRequests;
      await server.stop(true);
      return cut;
    },
  });
};

/** Undefined where the Host field is such that Bun makes no URL of it. */
function targetOf(url: string): string | undefined {
  const authority = url.indexOf("://");
  if (authority < 0) return undefined;
  const path = url.indexOf("/", authority + 3);
  return path < 0 ? undefined : url.slice(path);
}

/** `fetch` with what Bun has beside the standard: nothing decoded, no proxy from the environment, certificates for each node. */
function bunFetch(): ReturnType<typeof fetchTransport> {
  return fetchTransport({
    init: ({ peer }) => ({
      decompress: false,
      proxy: false,
      timeout: false,
      keepalive: peer.keepAlive.idleTimeout > 0 && peer.keepAlive.size > 0,
      ...(peer.tls === undefined ? {} : {
        tls: {
          serverName: peer.tls.servername,
          rejectUnauthorized: peer.tls.verify,
          ...(peer.tls.ca === undefined ? {} : { ca: peer.tls.ca }),
          ...(peer.tls.cert === undefined ? {} : { cert: peer.tls.cert }),
          ...(peer.tls.key === undefined ? {} : { key: peer.tls.key }),
        },
      }),
    }),
    refuse,
    decodes: [],
  });
}

/** Sent as something else otherwise: unknown methods as GET, a second leading slash not at all. */
function refuse({ method, target }: OutboundRequest): string | undefined {
  if (!SENT_AS_THEY_ARE.has(method)) return `Bun's fetch would send ${method} as GET`;
  if (target.startsWith("//")) return "Bun's fetch would drop a leading slash";
  return undefined;
}

const SENT_AS_THEY_ARE: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "PURGE",
]);

export const bun: Runtime = {
  name: "bun",
  version: runtime?.version ?? "",
  listeners: { native: listenBun, node: listenNode, http1: listenHttp1 },
  transports: {
    fetch: () => Promise.resolve(bunFetch()),
    undici: async () => withHttp2((await import("./transports/undici.ts")).undiciTransport()),
    http1: async () => withHttp2((await import("./transports/http1.ts")).http1Transport()),
  },
  defaults: { transport: "http1", carrier: "grpc" },
};

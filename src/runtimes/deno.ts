import { fetchTransport } from "../forward/transports/fetch.ts";
import type { OutboundRequest, Peer } from "../forward/transport.ts";
import { plainAddress } from "./address.ts";
import type { Listen, Listener, ListenOptions } from "./listener.ts";
import { answerNative } from "./native/exchange.ts";
import { LateWatch } from "./native/late-watch.ts";
import { listenHttp1 } from "./http1.ts";
import { listenNode } from "./node-http.ts";
import type { Runtime } from "./runtime.ts";
import { withHttp2 } from "./transports/with-http2.ts";

/**
 * The listener over `Deno.serve`: no timeouts, and no count of connections, since it has neither; field names in lower case, the
 * fields of one name joined; no upgrades; HTTP/2 requests, which have no Host field there, are refused.
 */
export const listenDeno: Listen = (options: ListenOptions): Promise<Listener> => {
  const { host: hostname, port, reusePort } = options;
  let busy = 0;
  const done = (): void => void busy--;
  let localPort = port;
  const server = Deno.serve({
    hostname,
    port,
    ...(reusePort === undefined ? {} : { reusePort }),
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, (request, info) => {
    busy++;
    info.completed.then(done, done);
    return answerNative(
      {
        request,
        localPort,
        faithful: true,
        target: (host) => targetOf(request.url, host),
        peer: { address: plainAddress(info.remoteAddr.hostname), port: info.remoteAddr.port },
        // Deno aborts it after every answer, too, which ends nothing, and warns of that once unless it runs with --unstable-no-legacy-abort.
        signal: () => request.signal,
        watchable: new LateWatch(() => request.signal),
      },
      options,
      busy,
    );
  });
  localPort = server.addr.port;
  return Promise.resolve({
    name: "native",
    address: { address: server.addr.hostname, port: localPort },
    connections: () => busy,
    async close(drainMs) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, drainMs));
      await Promise.race([server.shutdown(), late]);
      clearTimeout(timer);
      // Deno has no way to cut what is left: aborting a server that shuts down cuts nothing, and throws where nobody can catch it.
      const cut = busy;
      return cut;
    },
  });
};

/**
 * `Deno.serve` writes the Host field and the target as received one behind the other; whatever does not begin with them was asked in
 * absolute form of another host.
 */
function targetOf(url: string, host: string): string | undefined {
  const prefix = `http://${host}`;
  if (url.startsWith(prefix)) return url.slice(prefix.length) || "/";
  return undefined;
}

/** `fetch` with what Deno has beside the standard: a client for each node, which lets Host be set and knows its certificates. */
function denoFetch(): ReturnType<typeof fetchTransport> {
  const clients = new Map<Peer, Deno.HttpClient>();
  const clientOf = (peer: Peer): Deno.HttpClient => {
    let client = clients.get(peer);
    if (client === undefined) {
      const { tls, keepAlive } = peer;
      client = Deno.createHttpClient({
        allowHost: true,
        http2: false,
        poolMaxIdlePerHost: keepAlive.size,
        poolIdleTimeout: keepAlive.idleTimeout > 0 ? keepAlive.idleTimeout : 1,
        ...(tls?.ca === undefined ? {} : { caCerts: [tls.ca] }),
        ...(tls?.cert === undefined || tls.key === undefined ? {} : { cert: tls.cert, key: tls.key }),
      });
      clients.set(peer, client);
    }
    return client;
  };
  return fetchTransport({
    init: ({ peer }) => ({ client: clientOf(peer) }),
    refuse,
    decodes: ["gzip", "br"],
    release(peer) {
      clients.get(peer)?.close();
      clients.delete(peer);
    },
  });
}

function refuse({ method, peer }: OutboundRequest): string | undefined {
  if (method === "TRACE") return "Deno's fetch cannot send TRACE";
  if (peer.tls !== undefined && !peer.tls.verify) return "Deno's fetch always verifies certificates";
  if (peer.tls !== undefined && peer.tls.servername !== peer.host) {
    return "Deno's fetch cannot name another server than it connects to";
  }
  return undefined;
}

export const deno: Runtime = {
  name: "deno",
  version: globalThis.Deno?.version.deno ?? "",
  listeners: { native: listenDeno, node: listenNode, http1: listenHttp1 },
  transports: {
    fetch: () => Promise.resolve(denoFetch()),
    undici: async () => withHttp2((await import("./transports/undici.ts")).undiciTransport()),
    http1: async () => withHttp2((await import("./transports/http1.ts")).http1Transport()),
  },
  defaults: { transport: "http1", carrier: "json" },
};

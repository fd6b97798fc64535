import process from "node:process";
import { fetchTransport } from "../forward/transports/fetch.ts";
import type { OutboundRequest } from "../forward/transport.ts";
import { listenHttp1 } from "./http1.ts";
import { listenNode } from "./node-http.ts";
import type { Runtime } from "./runtime.ts";
import { withHttp2 } from "./transports/with-http2.ts";

function refuse({ method, peer, headers, target }: OutboundRequest): string | undefined {
  if (method === "TRACE") return "Node's fetch cannot send TRACE";
  const { tls } = peer;
  if (
    tls !== undefined && (!tls.verify || tls.ca !== undefined || tls.cert !== undefined || tls.servername !== peer.host)
  ) {
    return "Node's fetch has the same TLS for every node: the system's authorities, verified, without client certificates";
  }
  const host = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === "host");
  const authority = `${peer.host}:${peer.port}`;
  if (host >= 0 && headers[host + 1] !== authority && headers[host + 1] !== peer.host) {
    return "Node's fetch cannot set Host";
  }
  if (target.endsWith("?")) return "Node's fetch would drop the empty query";
  return undefined;
}

export const node: Runtime = {
  name: "node",
  version: process.versions.node,
  listeners: { node: listenNode, http1: listenHttp1 },
  transports: {
    fetch: () => Promise.resolve(fetchTransport({ refuse, decodes: ["gzip", "x-gzip", "deflate", "br"] })),
    undici: async () => withHttp2((await import("./transports/undici.ts")).undiciTransport()),
    http1: async () => withHttp2((await import("./transports/http1.ts")).http1Transport()),
  },
  defaults: { transport: "http1", carrier: "grpc" },
};

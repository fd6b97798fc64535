import type { Peer, Transport } from "../../forward/transport.ts";
import { Exchange } from "./http2/exchange.ts";
import { Pool } from "./http2/pool.ts";

export interface Http2TransportOptions {
  /** Bytes of an answer's fields, and of its trailers, that are accepted; more is `bad_answer`. Default: 64 KiB. */
  readonly maxHeaderBytes?: number;
}

/**
 * HTTP/2 (RFC 9113) of gatewatch's own over sockets, the same on Deno, Bun and Node: in clear text with prior knowledge, over TLS where the node does not
 * offer another protocol only. Requests to one node share connections. Trailers of answers are kept, as gRPC needs them; names of fields are in lower case,
 * and there is no reason phrase, since the protocol has neither. `te: trailers` is added: it belongs to the hop.
 */
export function http2Transport(options: Http2TransportOptions = {}): Transport {
  const maxHeaderBytes = options.maxHeaderBytes ?? 64 * 1024;
  const pools = new Map<Peer, Pool>();
  return {
    name: "http2",
    send: (request) =>
      new Promise((resolve, reject) => {
        let pool = pools.get(request.peer);
        if (pool === undefined) pools.set(request.peer, pool = new Pool(request.peer, maxHeaderBytes));
        new Exchange(request, pool, resolve, reject).start();
      }),
    release(peer) {
      pools.get(peer)?.release();
      pools.delete(peer);
    },
    close() {
      for (const pool of pools.values()) pool.close();
      pools.clear();
      return Promise.resolve();
    },
  };
}

import type { OutboundRequest, Peer, Transport, UpgradeAnswer } from "../../forward/transport.ts";
import { Exchange } from "./http1/exchange.ts";
import { Pool } from "./http1/pool.ts";

export interface Http1TransportOptions {
  /** Bytes of an answer's status line and header fields, and of its trailers, that are accepted; more is `bad_answer`. Default: 64 KiB. */
  readonly maxHeaderBytes?: number;
}

/**
 * The transport of gatewatch's own: HTTP/1.1 over sockets, the same on Deno, Bun and Node, written for forwarding. Target and fields go out byte for
 * byte as they are given, and come in so; nothing is decoded, followed, added (but what frames the body), or tried again. An answer that
 * could be read in two ways is `bad_answer`.
 */
export function http1Transport(options: Http1TransportOptions = {}): Transport {
  const maxHeadBytes = options.maxHeaderBytes ?? 64 * 1024;
  const pools = new Map<Peer, Pool>();
  const run = (request: OutboundRequest, upgrade: boolean): Promise<UpgradeAnswer> =>
    new Promise((resolve, reject) => {
      let pool = pools.get(request.peer);
      if (pool === undefined) pools.set(request.peer, pool = new Pool(request.peer, maxHeadBytes));
      new Exchange(request, pool, upgrade, resolve, reject).start();
    });
  return {
    name: "http1",
    send: (request) => run(request, false) as ReturnType<Transport["send"]>,
    upgrade: (request) => run(request, true),
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

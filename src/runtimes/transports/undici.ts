import type { OutboundAnswer, OutboundRequest, Peer, Transport, UpgradeAnswer } from "../../forward/transport.ts";
import { Exchange } from "./undici/exchange.ts";
import { Connections } from "./undici/connections.ts";

export interface UndiciTransportOptions {
  /** Bytes of an answer's header fields that are accepted; more is `bad_answer`. Default: 64 KiB. */
  readonly maxHeaderBytes?: number;
}

/**
 * The transport over npm's undici 7, the same on Deno, Bun and Node. Each connection is an undici `Client` with one request at a time,
 * dispatched through its lowest interface: the target and the fields go out as they are, nothing is decoded, followed, or tried again,
 * and any number of connections may be open.
 *
 * What undici itself decides: `host` (in lower case) and `connection` come first among the fields and `content-length` or
 * `transfer-encoding` last; HEAD, and other methods than POST, PUT and PATCH with a body, close their connection; a `100 Continue` that was
 * not asked for is `bad_answer`; request trailers cannot be sent.
 */
export function undiciTransport(options: UndiciTransportOptions = {}): Transport {
  const maxHeaderSize = options.maxHeaderBytes ?? 64 * 1024;
  const pools = new Map<Peer, Connections>();
  const poolOf = (peer: Peer): Connections => {
    let pool = pools.get(peer);
    if (pool === undefined) pools.set(peer, pool = new Connections(peer, maxHeaderSize));
    return pool;
  };
  return {
    name: "undici",
    send: (request: OutboundRequest): Promise<OutboundAnswer> =>
      new Exchange(request, poolOf(request.peer)).start() as Promise<OutboundAnswer>,
    upgrade: (request: OutboundRequest): Promise<UpgradeAnswer> =>
      new Exchange(request, poolOf(request.peer)).start("websocket"),
    release(peer) {
      void pools.get(peer)?.release();
      pools.delete(peer);
    },
    async close() {
      const all = [...pools.values()];
      pools.clear();
      await Promise.all(all.map((pool) => pool.close()));
    },
  };
}

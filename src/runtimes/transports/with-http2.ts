import type { Peer, Transport } from "../../forward/transport.ts";
import { http2Transport } from "./http2.ts";

/** Lets a transport speak HTTP/2 to the nodes that are to be spoken to so, and its own protocol to all others. */
export function withHttp2(transport: Transport): Transport {
  const http2 = http2Transport();
  const of = (peer: Peer): Transport => peer.http2 === true ? http2 : transport;
  return {
    name: transport.name,
    send: (request) => of(request.peer).send(request),
    ...(transport.upgrade === undefined ? {} : {
      upgrade: (request) => request.peer.http2 === true ? http2.send(request) : transport.upgrade!(request),
    }),
    release: (peer) => of(peer).release(peer),
    async close() {
      await Promise.all([transport.close(), http2.close()]);
    },
  };
}

import type { KeepAlive, Peer, TransportTls } from "../forward/transport.ts";
import type { AddressTest } from "../net/cidr.ts";

/** TLS settings of an upstream, but for the server's name. */
export type PeerTls = Omit<TransportTls, "servername">;

/** What the peers of a node are made from. */
export interface PeerSettings {
  readonly keepAlive: KeepAlive;
  /** Whether to speak HTTP/2. Default: false. */
  readonly http2?: boolean;
  /** Absent: plain TCP. */
  readonly tls?: PeerTls;
  /** Addresses that no connection may go to. The same for as long as the process runs. */
  readonly denied?: AddressTest;
}

/** A peer and the requests that use it. */
export interface PeerLease {
  readonly peer: Peer;
  users: number;
  /** Whether it gets no new requests. */
  retired: boolean;
}

/** Names of TLS servers that one node keeps connections for; the one that was used least recently makes room for the next. */
const MAX_SERVER_NAMES = 64;

/**
 * The peers of one node: one, or one for each name of TLS server that is asked for. A peer that is no longer wanted is handed to
 * `release` when the last request that uses it is done.
 */
export class NodePeers {
  readonly #host: string;
  readonly #port: number;
  readonly #release: (peer: Peer) => void;
  readonly #leases: Map<string, PeerLease> = new Map();
  #settings: PeerSettings;
  #signature: string;

  constructor(host: string, port: number, settings: PeerSettings, release: (peer: Peer) => void) {
    this.#host = host;
    this.#port = port;
    this.#release = release;
    this.#settings = settings;
    this.#signature = JSON.stringify(settings);
  }

  /** New peers follow the new settings; equal settings change nothing. */
  update(settings: PeerSettings): void {
    const signature = JSON.stringify(settings);
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.#settings = settings;
    this.retire();
  }

  /** The peer for the next request. The caller hands it back with {@link NodePeers.leave}. */
  use(servername: string): PeerLease {
    const name = this.#settings.tls === undefined ? "" : servername;
    let lease = this.#leases.get(name);
    if (lease === undefined) {
      lease = this.#make(name);
      if (this.#leases.size >= MAX_SERVER_NAMES) this.#retireOldest();
      this.#leases.set(name, lease);
    } else if (this.#leases.size > 1) {
      this.#leases.delete(name);
      this.#leases.set(name, lease);
    }
    lease.users++;
    return lease;
  }

  leave(lease: PeerLease): void {
    lease.users--;
    if (lease.retired && lease.users === 0) this.#release(lease.peer);
  }

  /** Gives no request to the present peers any more; the next one is made anew, with connections of its own. */
  retire(): void {
    for (const lease of this.#leases.values()) this.#retire(lease);
    this.#leases.clear();
  }

  #retireOldest(): void {
    for (const [name, lease] of this.#leases) {
      this.#leases.delete(name);
      this.#retire(lease);
      return;
    }
  }

  #retire(lease: PeerLease): void {
    lease.retired = true;
    if (lease.users === 0) this.#release(lease.peer);
  }

  #make(servername: string): PeerLease {
    const { tls, keepAlive, denied, http2 } = this.#settings;
    const peer: Peer = {
      host: this.#host,
      port: this.#port,
      keepAlive,
      ...(http2 === true ? { http2 } : {}),
      ...(tls === undefined ? {} : { tls: { ...tls, servername } }),
      ...(denied === undefined ? {} : { denied }),
    };
    return { peer, users: 0, retired: false };
  }
}

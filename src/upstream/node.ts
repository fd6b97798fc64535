import type { NodeSettings } from "./settings.ts";
import { NodePeers, type PeerSettings } from "./peers.ts";
import type { Peer } from "../forward/transport.ts";
import type { BalancedNode } from "./balance/balancer.ts";

/** A node of an upstream, with everything that is known of it. The same object from when its host and port appear until they go. */
export class UpstreamNode implements BalancedNode {
  /** `host:port`, an IPv6 host in brackets. */
  readonly id: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  weight: number;
  priority: number;
  /** Whether checks let it have requests; `trial` = one at a time, to see whether it has recovered. */
  use: "open" | "trial" | "closed" = "open";
  /** Whether a request that tries a recovering node is under way. */
  trying: boolean = false;
  /** Requests that it is serving. */
  active: number = 0;
  readonly peers: NodePeers;

  constructor(settings: NodeSettings, peers: PeerSettings, release: (peer: Peer) => void) {
    this.host = bareHost(settings.host);
    this.port = settings.port;
    this.id = nodeId(settings.host, settings.port);
    this.weight = settings.weight;
    this.priority = settings.priority ?? 0;
    this.peers = new NodePeers(this.host, this.port, peers, release);
  }
}

/** What tells nodes of one upstream apart: `host:port` in lower case. */
export function nodeId(host: string, port: number): string {
  return `${bracketed(bareHost(host))}:${port}`;
}

/** A host as it is written before a port. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function bareHost(host: string): string {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return bare.toLowerCase();
}

/** Whether a host is an address rather than a name. */
export function isAddress(host: string): boolean {
  return host.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

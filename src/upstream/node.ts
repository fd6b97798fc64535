import type { Node } from "../config/nodes.ts";
import type { Peer } from "../forward/transport.ts";
import type { BalancedNode, Balancer } from "./balance/balancer.ts";
import { bracketed } from "./host-header.ts";
import { NodePeers, type PeerSettings } from "./peers.ts";

/** A node of an upstream, with what a pick needs. The same object from when its host and port appear until they go. */
export class UpstreamNode implements BalancedNode {
  /** `host:port`, an IPv6 host in brackets. */
  readonly id: string;
  /** Without brackets, in lower case. */
  readonly host: string;
  readonly port: number;
  /** Whether the host is to be looked up, rather than an address. */
  readonly named: boolean;
  weight: number;
  priority: number;
  /** Whether checks let it have requests; `trial` = one at a time, to see whether it has recovered. */
  use: "open" | "trial" | "closed" = "open";
  /** Whether a request that tries a recovering node is under way. */
  trying: boolean = false;
  /** Requests that it is serving. */
  active: number = 0;
  readonly peers: NodePeers;
  /** The one that chooses it; set when the configuration changes. */
  balancer: Balancer<UpstreamNode> | undefined;

  constructor({ host, port, weight, priority }: Node, peers: PeerSettings, release: (peer: Peer) => void) {
    this.host = bareHost(host);
    this.port = port;
    this.id = nodeId(host, port);
    this.named = !this.host.includes(":") && !/^\d{1,3}(\.\d{1,3}){3}$/.test(this.host);
    this.weight = weight;
    this.priority = priority;
    this.peers = new NodePeers(this.host, port, peers, release);
  }
}

/** What tells the nodes of an upstream apart: `host:port`. */
export function nodeId(host: string, port: number): string {
  return `${bracketed(bareHost(host))}:${port}`;
}

function bareHost(host: string): string {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return bare.toLowerCase();
}

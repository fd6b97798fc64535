import type { Peer, TransportTimeouts } from "../forward/transport.ts";
import { createBalancer } from "./balance/create.ts";
import { bracketed, isAddress, nodeId, UpstreamNode } from "./node.ts";
import type { PeerLease, PeerSettings } from "./peers.ts";
import { type Outcome, PickedNode, type PickedOwner } from "./picked.ts";
import { toKeepAlive, toTimeouts, type UpstreamSettings, usesTls } from "./settings.ts";
import { Tiers } from "./tiers.ts";
import { systemTimers, type Timers } from "./timers.ts";

export { type Outcome, PickedNode } from "./picked.ts";

/** What an upstream needs of its surroundings. */
export interface UpstreamEnvironment {
  /** Called once a node's connections are no longer wanted and no request uses them; usually `transport.release`. */
  readonly release: (peer: Peer) => void;
  /** Default: the runtime's clock. */
  readonly timers?: Timers;
  /** A number from 0 up to, but not including, 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/** What a pick goes by. */
export interface PickRequest {
  /** The value of an nginx variable, as in `remote_addr`, `arg_x`, `http_x`, `cookie_x`, `consumer_name`; asked for only by `chash`. */
  readonly key: (name: string) => string | undefined;
  /** Nodes that were tried already. */
  readonly exclude?: ReadonlySet<UpstreamNode>;
  /** The Host field that will be sent; names the TLS server where `pass_host` is `pass`. */
  readonly host?: string;
}

/** One upstream of the configuration, at work: its nodes, what is known of them, and the choice between them. */
export class Upstream implements PickedOwner {
  /** As in the configuration's key, or the route's where it is written inline; for logs. */
  readonly id: string;
  readonly #environment: UpstreamEnvironment;
  readonly #timers: Timers;
  readonly #nodes: Map<string, UpstreamNode> = new Map();
  #tiers: Tiers;
  #settings: UpstreamSettings;
  #peerSettings: PeerSettings;
  #scheme: string;
  #timeouts: TransportTimeouts;
  #closed = false;

  constructor(id: string, settings: UpstreamSettings, environment: UpstreamEnvironment) {
    this.id = id;
    this.#environment = environment;
    this.#timers = environment.timers ?? systemTimers;
    this.#settings = settings;
    this.#scheme = settings.scheme ?? "http";
    this.#timeouts = toTimeouts(settings.timeout);
    this.#peerSettings = toPeerSettings(settings);
    this.#tiers = new Tiers(createBalancer(settings.type));
    this.#updateNodes();
  }

  get scheme(): string {
    return this.#scheme;
  }

  /** The upstream's own limits; a route's `timeout` goes before them. */
  get timeouts(): TransportTimeouts {
    return this.#timeouts;
  }

  /** Tries after the first. */
  get retries(): number {
    return this.#settings.retries ?? Math.max(0, this.#nodes.size - 1);
  }

  /** Milliseconds after the first try's start in which another one may begin; 0 = no limit. */
  get retryTimeout(): number {
    return (this.#settings.retry_timeout ?? 0) * 1000;
  }

  /** Takes up a new configuration. What is known of nodes that stay, by host and port, is kept. */
  update(settings: UpstreamSettings): void {
    const type = this.#settings.type;
    this.#settings = settings;
    this.#scheme = settings.scheme ?? "http";
    this.#timeouts = toTimeouts(settings.timeout);
    this.#peerSettings = toPeerSettings(settings);
    if (settings.type !== type) this.#tiers = new Tiers(createBalancer(settings.type));
    this.#updateNodes();
  }

  /** A node for the next try; undefined where none is left. Every node that is given out has to be handed back with `done`. */
  pick(request: PickRequest): PickedNode | undefined {
    const node = this.#closed ? undefined : this.#tiers.pick(undefined, request.exclude);
    if (node === undefined) return undefined;
    node.active++;
    return new PickedNode(this, node, node.peers.use(this.#servername(node, request.host)));
  }

  /** Ends checks and lets go of all nodes. Requests under way go on to their end. */
  close(): void {
    this.#closed = true;
    for (const node of this.#nodes.values()) node.peers.retire();
    this.#nodes.clear();
    this.#tiers.update([]);
  }

  measured(node: UpstreamNode, outcome: Outcome): void {
    this.#tiers.balancerOf(node)?.measured?.(node, outcome.ms, outcome.ok);
  }

  finished(node: UpstreamNode, lease: PeerLease): void {
    node.active--;
    this.#tiers.balancerOf(node)?.done?.(node);
    node.peers.leave(lease);
  }

  hostHeader(node: UpstreamNode, client: string): string {
    switch (this.#settings.pass_host) {
      case "node": {
        const standard = usesTls(this.#scheme) ? 443 : 80;
        return node.port === standard ? bracketed(node.host) : node.id;
      }
      case "rewrite":
        return this.#settings.upstream_host ?? client;
      default:
        return client;
    }
  }

  /** The name to ask a TLS server for: that of the Host field, as the server will choose its certificate by it. */
  #servername(node: UpstreamNode, host: string | undefined): string {
    if (this.#peerSettings.tls === undefined) return "";
    if (this.#settings.pass_host === "node") return node.host;
    const name = this.#settings.pass_host === "rewrite" ? this.#settings.upstream_host : host;
    return name === undefined ? node.host : withoutPort(name);
  }

  #updateNodes(): void {
    const gone = new Set(this.#nodes.keys());
    for (const settings of this.#settings.nodes ?? []) {
      const id = nodeId(settings.host, settings.port);
      gone.delete(id);
      const node = this.#nodes.get(id);
      if (node === undefined) {
        this.#nodes.set(id, new UpstreamNode(settings, this.#peerSettings, this.#environment.release));
        continue;
      }
      node.weight = settings.weight;
      node.priority = settings.priority ?? 0;
      node.peers.update(this.#peerSettings);
    }
    for (const id of gone) {
      this.#nodes.get(id)?.peers.retire();
      this.#nodes.delete(id);
    }
    this.#tiers.update(this.#nodes.values());
  }
}

function toPeerSettings(settings: UpstreamSettings): PeerSettings {
  const keepAlive = toKeepAlive(settings.keepalive_pool);
  if (!usesTls(settings.scheme ?? "http")) return { keepAlive };
  const { client_cert: cert, client_key: key, ca, verify } = settings.tls ?? {};
  return {
    keepAlive,
    tls: {
      verify: verify ?? true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    },
  };
}

/** `example.com` of `example.com:8443`, `::1` of `[::1]:8443`. */
function withoutPort(host: string): string {
  const bracket = host.startsWith("[") ? host.indexOf("]") : -1;
  if (bracket > 0) return host.slice(1, bracket).toLowerCase();
  const colon = host.lastIndexOf(":");
  return (colon < 0 ? host : host.slice(0, colon)).toLowerCase();
}

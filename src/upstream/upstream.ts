import type { InlineUpstream } from "../config/upstream.ts";
import { GatewayError } from "../errors.ts";
import type { Peer, TransportTimeouts } from "../forward/transport.ts";
import type { AddressTest } from "../net/cidr.ts";
import type { Balancer } from "./balance/balancer.ts";
import { createBalancer } from "./balance/create.ts";
import { explainPick, type NodeExplanation } from "./explain.ts";
import { compileHashKey, type HashKey } from "./hash-key.ts";
import { Health, type HealthEvent, type HealthSnapshot } from "./health/health.ts";
import type { Probe } from "./health/probe.ts";
import { toProbeTarget } from "./health/target.ts";
import { toHostHeader, toServername } from "./host-header.ts";
import { NameWatch } from "./name-watch.ts";
import { nodeId, UpstreamNode } from "./node.ts";
import { isOfTheNode, type Outcome } from "./outcome.ts";
import type { PeerSettings } from "./peers.ts";
import { PickedNode, type PickedOwner } from "./picked.ts";
import type { Resolve } from "./resolver.ts";
import { decideRetry, type FailedTry, type RetryDecision, type RetryLimits } from "./retry.ts";
import { RetryBudget, type RetryBudgetOptions } from "./retry-budget.ts";
import { type ClientCertificate, toPeerSettings, toTimeouts } from "./settings.ts";
import { Tiers } from "./tiers.ts";
import { systemTimers, type Timers } from "./timers.ts";

export type { NodeExplanation } from "./explain.ts";
export type { HealthEvent, HealthSnapshot } from "./health/health.ts";
export type { UpstreamNode } from "./node.ts";
export type { Outcome } from "./outcome.ts";
export type { PickedNode } from "./picked.ts";
export type { FailedTry, RetryDecision, RetryLimits } from "./retry.ts";

/** What an upstream needs of its surroundings. */
export interface UpstreamEnvironment {
  /** Called once a node's connections are no longer wanted and no request uses them; usually `transport.release`. */
  readonly release: (peer: Peer) => void;
  /** Makes active checks; without it they are not made. See `createProbe`. */
  readonly probe?: Probe;
  /** Looks up nodes' names, so that their connections are made anew when their addresses change. Without it they are not. */
  readonly resolve?: Resolve;
  /** Finds the client certificate of an ssl resource, for `tls.client_cert_id`. */
  readonly certificate?: (id: string) => ClientCertificate | undefined;
  /** PEM of authorities trusted besides the system's. */
  readonly ca?: string;
  /** Addresses that no node may have. Default: every address may be one. */
  readonly denied?: AddressTest;
  /** Told of every change of a node's health; for logs. */
  readonly healthChanged?: (upstream: Upstream, event: HealthEvent) => void;
  /** Default: 20 % of the requests and 10 per second. */
  readonly retryBudget?: RetryBudgetOptions;
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
  /** The Host field that would be passed on; names the TLS server where `pass_host` is `pass`. */
  readonly host?: string;
}

/** What an upstream is doing, as `GET /upstreams` of the control API shows it; no field ever holds a secret. */
export interface UpstreamSnapshot {
  readonly id: string;
  readonly name?: string;
  readonly type: string;
  /** Whether checks have closed every node, so that all are used. */
  readonly all_unhealthy: boolean;
  readonly nodes: readonly NodeSnapshot[];
}

/** One node of an {@link UpstreamSnapshot}. */
export interface NodeSnapshot {
  /** `host:port`. */
  readonly node: string;
  readonly weight: number;
  readonly priority: number;
  /** Whether checks let it have requests; `trial` = one at a time, to see whether it has recovered. */
  readonly use: "open" | "trial" | "closed";
  /** Requests that it is serving. */
  readonly active: number;
  /** Absent without checks. */
  readonly health?: HealthSnapshot;
}

/**
 * One upstream of the configuration, at work: its nodes, what is known of them, and the choice between them.
 *
 * @example
 * ```ts
 * const upstream = new Upstream("1", config, { release: (peer) => transport.release(peer) });
 * const picked = upstream.pick({ key: variable });
 * if (picked === undefined) throw new GatewayError("no_healthy_node", 503, "...");
 * const answer = await transport.send({ peer: picked.peer, ... });
 * picked.answered(answer.status, ms);
 * // ... and when the body is over:
 * picked.done({ ok: true, status: answer.status, ms });
 * ```
 */
export class Upstream implements PickedOwner {
  /** As in the configuration's key, or the owner's where it is written inline; for logs. */
  readonly id: string;
  readonly #environment: UpstreamEnvironment;
  readonly #timers: Timers;
  readonly #nodes: Map<string, UpstreamNode> = new Map();
  readonly #budget: RetryBudget;
  readonly #health: Health;
  readonly #names: NameWatch | undefined;
  #config: InlineUpstream;
  #peerSettings: PeerSettings;
  #timeouts: TransportTimeouts;
  #retryLimits: RetryLimits = { retries: 0, timeout: 0 };
  /** Only where the balancer goes by a key. */
  #hashKey: HashKey | undefined;
  #tiers: Tiers;

  /** @throws {GatewayError} `missing_reference` where there is no certificate of the name in `tls.client_cert_id`. */
  constructor(id: string, config: InlineUpstream, environment: UpstreamEnvironment) {
    const { timers = systemTimers, random = Math.random, resolve } = environment;
    this.id = id;
    this.#environment = environment;
    this.#timers = timers;
    this.#config = config;
    this.#peerSettings = this.#toPeerSettings(config);
    this.#timeouts = toTimeouts(config.timeout);
    this.#budget = new RetryBudget(timers.now, environment.retryBudget);
    this.#tiers = this.#createTiers();
    this.#names = resolve && new NameWatch(timers, resolve, (node) => node.peers.retire());
    this.#health = new Health({
      timers,
      random,
      probe: environment.probe,
      target: (node, settings) => toProbeTarget(settings, this.#config, node, this.#peerSettings.tls),
      useChanged: () => this.#tiers.refresh(),
      stateChanged: (event) => environment.healthChanged?.(this, event),
    });
    this.#take(config);
  }

  get scheme(): InlineUpstream["scheme"] {
    return this.#config.scheme;
  }

  /** The upstream's own limits; a route's `timeout` goes before them. */
  get timeouts(): TransportTimeouts {
    return this.#timeouts;
  }

  /** `retries` and `retry_timeout` as they stand now. */
  get retryLimits(): RetryLimits {
    return this.#retryLimits;
  }

  /**
   * Takes up a new configuration. What is known of nodes that stay, by host and port, is kept; so are their connections, where the settings
   * of these are the same.
   *
   * @throws {GatewayError} as the constructor; then the upstream goes on as it was.
   */
  update(config: InlineUpstream): void {
    this.#peerSettings = this.#toPeerSettings(config);
    this.#timeouts = toTimeouts(config.timeout);
    const { type } = this.#config;
    this.#config = config;
    if (config.type !== type) this.#tiers = this.#createTiers();
    this.#take(config);
  }

  /** A node for the next try; undefined where none is left. Every node that is given out has to be handed back with `done`. */
  pick(request: PickRequest): PickedNode | undefined {
    const { exclude } = request;
    if (exclude === undefined || exclude.size === 0) this.#budget.deposit();
    const node = this.#tiers.pick(this.#hashKey?.(request.key), exclude);
    if (node === undefined) return undefined;
    node.active++;
    if (node.use !== "open") node.trying = true;
    if (node.named) this.#names?.use(node);
    const { tls } = this.#peerSettings;
    const lease = node.peers.use(tls === undefined ? "" : toServername(this.#config, node, request.host));
    return new PickedNode(this, node, lease);
  }

  /** Tells of each node whether {@link Upstream.pick} would choose it now, and why not; nothing is counted. */
  explainPick(request: PickRequest): NodeExplanation[] {
    const key = this.#hashKey?.(request.key), tried = request.exclude;
    return explainPick({
      nodes: this.#nodes.values(),
      picked: this.#tiers.peek(key, tried),
      tried,
      allDown: this.#tiers.allDown,
      type: this.#config.type,
      key,
      health: (node) => this.#health.snapshot(node),
    });
  }

  /** Whether a try that failed may be followed by another one, with `exclude` holding the nodes tried so far. */
  decideRetry(failed: FailedTry): RetryDecision {
    return decideRetry(failed, this.#retryLimits, () => this.#budget.withdraw());
  }

  snapshot(): UpstreamSnapshot {
    const { name, type } = this.#config;
    return {
      id: this.id,
      ...(name === undefined ? {} : { name }),
      type,
      all_unhealthy: this.#nodes.size > 0 && this.#tiers.allDown,
      nodes: Array.from(this.#nodes.values(), (node) => {
        const health = this.#health.snapshot(node);
        const { id, weight, priority, use, active } = node;
        return { node: id, weight, priority, use, active, ...(health === undefined ? {} : { health }) };
      }),
    };
  }

  /** Ends checks and lets go of all nodes. Requests under way go on to their end; there are no picks any more. */
  close(): void {
    this.#health.close();
    this.#names?.close();
    for (const node of this.#nodes.values()) node.peers.retire();
    this.#nodes.clear();
    this.#tiers.update([]);
  }

  hostHeader(node: UpstreamNode, client: string): string {
    return toHostHeader(this.#config, node, client);
  }

  measured(node: UpstreamNode, balancer: Balancer<UpstreamNode> | undefined, outcome: Outcome): void {
    // With pass_host: pass the client chooses the name that the certificate is checked against; its choice must not take nodes out.
    const chosen = outcome.code === "tls_failed" && this.#config.pass_host === "pass";
    if (chosen || !isOfTheNode(outcome)) {
      node.trying = false;
      return;
    }
    balancer?.measured?.(node, outcome.ms, outcome.ok);
    this.#health.observe(node, outcome);
  }

  #createTiers(): Tiers {
    const environment = { now: this.#timers.now, random: this.#environment.random ?? Math.random };
    const { type } = this.#config;
    return new Tiers(() => createBalancer(type, environment));
  }

  #toPeerSettings(config: InlineUpstream): PeerSettings {
    const id = config.tls?.client_cert_id;
    const certificate = id === undefined ? undefined : this.#environment.certificate?.(id);
    if (id !== undefined && certificate === undefined) {
      const message =
        `Cannot use upstream ${this.id} as 'tls.client_cert_id' must name an ssl of type client: current value is ${id}`;
      throw new GatewayError("missing_reference", 502, message);
    }
    const { ca, denied } = this.#environment;
    const settings = toPeerSettings(config, certificate, ca);
    return denied === undefined ? settings : { ...settings, denied };
  }

  #take(config: InlineUpstream): void {
    this.#hashKey = config.type === "chash" ? compileHashKey(config) : undefined;
    this.#takeNodes(config);
    this.#retryLimits = {
      retries: config.retries ?? Math.max(0, this.#nodes.size - 1),
      timeout: config.retry_timeout * 1000,
    };
    this.#health.update(config.checks, this.#nodes.values());
    this.#tiers.update(this.#nodes.values());
  }

  /** Where the same address stands in the list twice, the last one counts. */
  #takeNodes(config: InlineUpstream): void {
    const gone = new Set(this.#nodes.keys());
    for (const settings of config.nodes ?? []) {
      // Where a resource is read such a node is refused; this is for those that come another way, as in a plugin's configuration.
      if (this.#environment.denied?.(settings.host)) continue;
      const id = nodeId(settings.host, settings.port);
      gone.delete(id);
      const node = this.#nodes.get(id);
      if (node === undefined) {
        this.#nodes.set(id, new UpstreamNode(settings, this.#peerSettings, this.#environment.release));
        continue;
      }
      node.weight = settings.weight;
      node.priority = settings.priority;
      node.peers.update(this.#peerSettings);
    }
    for (const id of gone) {
      const node = this.#nodes.get(id)!;
      this.#nodes.delete(id);
      this.#names?.forget(node);
      node.peers.retire();
    }
  }
}

import type { Peer } from "../forward/transport.ts";
import type { Balancer } from "./balance/balancer.ts";
import type { UpstreamNode } from "./node.ts";
import type { Outcome } from "./outcome.ts";
import type { PeerLease } from "./peers.ts";

/** What an upstream wants to hear of a node that it gave out. */
export interface PickedOwner {
  hostHeader(node: UpstreamNode, client: string): string;
  measured(node: UpstreamNode, balancer: Balancer<UpstreamNode> | undefined, outcome: Outcome): void;
}

/** A node that was chosen for one try. Whoever picked it calls {@link PickedNode.done}, whatever happens. */
export class PickedNode {
  /** For `exclude` of the next pick. */
  readonly node: UpstreamNode;
  /** The same object for as long as the node's connections are to be shared. */
  readonly peer: Peer;
  readonly #owner: PickedOwner;
  readonly #lease: PeerLease;
  /** The one that counts this request, whatever the configuration says of the node since. */
  readonly #balancer: Balancer<UpstreamNode> | undefined;
  #answered = false;
  #done = false;

  constructor(owner: PickedOwner, node: UpstreamNode, lease: PeerLease) {
    this.#owner = owner;
    this.node = node;
    this.peer = lease.peer;
    this.#lease = lease;
    this.#balancer = node.balancer;
  }

  get host(): string {
    return this.node.host;
  }

  get port(): number {
    return this.node.port;
  }

  /** The Host field to send by the upstream's `pass_host`. `client` is the Host field that would be passed on. */
  hostHeader(client: string): string {
    return this.#owner.hostHeader(this.node, client);
  }

  /**
   * Tells the upstream of the answer's head as soon as it is there, where {@link PickedNode.done} comes with the body's end only. Optional, but
   * without it a node is judged by an answer only when all of it has passed.
   *
   * @param ms Milliseconds since the try began.
   */
  answered(status: number, ms: number): void {
    if (this.#answered || this.#done) return;
    this.#answered = true;
    this.#owner.measured(this.node, this.#balancer, { ok: true, status, ms });
  }

  /** The request no longer uses the node: the try failed, or the answer's body is over, or the tunnel. Only the first call counts. */
  done(outcome: Outcome): void {
    if (this.#done) return;
    this.#done = true;
    if (!this.#answered || !outcome.ok) this.#owner.measured(this.node, this.#balancer, outcome);
    this.node.active--;
    this.#balancer?.done?.(this.node);
    this.node.peers.leave(this.#lease);
  }
}

import type { Peer } from "../forward/transport.ts";
import type { UpstreamNode } from "./node.ts";
import type { PeerLease } from "./peers.ts";

/** How a try ended. */
export interface Outcome {
  /** Whether the node gave an answer and, where its end is known, gave all of it. */
  readonly ok: boolean;
  /** The answer's status, where there was one. */
  readonly status?: number;
  /** The error's code, as in `connect_refused`, where the try failed. */
  readonly code?: string;
  /** Milliseconds until the answer's head, or the failure. */
  readonly ms: number;
}

/** What an upstream wants to hear of a node that it gave out. */
export interface PickedOwner {
  measured(node: UpstreamNode, outcome: Outcome): void;
  finished(node: UpstreamNode, lease: PeerLease): void;
  hostHeader(node: UpstreamNode, client: string): string;
}

/** A node that was chosen for one try. Whoever picked it calls {@link PickedNode.done}, whatever happens. */
export class PickedNode {
  /** For `exclude` of the next pick. */
  readonly node: UpstreamNode;
  readonly #lease: PeerLease;
  readonly #owner: PickedOwner;
  #answered = false;
  #done = false;

  constructor(owner: PickedOwner, node: UpstreamNode, lease: PeerLease) {
    this.#owner = owner;
    this.node = node;
    this.#lease = lease;
  }

  get peer(): Peer {
    return this.#lease.peer;
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

  /** Optional: tells the upstream of the answer's head as soon as it is there, when {@link PickedNode.done} comes with the body's end. */
  answered(status: number, ms: number): void {
    if (this.#answered || this.#done) return;
    this.#answered = true;
    this.#owner.measured(this.node, { ok: true, status, ms });
  }

  /** The request no longer uses the node: the try failed, or the answer's body is over, or the tunnel. Only the first call counts. */
  done(outcome: Outcome): void {
    if (this.#done) return;
    this.#done = true;
    if (!this.#answered || !outcome.ok) this.#owner.measured(this.node, outcome);
    this.#owner.finished(this.node, this.#lease);
  }
}

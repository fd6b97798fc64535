import type { UpstreamNode } from "./node.ts";
import type { Resolve } from "./resolver.ts";
import type { Timers } from "./timers.ts";

/** Milliseconds between two look-ups of a name, whatever its time to live says. */
const SHORTEST = 1_000;
const LONGEST = 300_000;
/** Milliseconds before a look-up that failed is made again. */
const AFTER_FAILURE = 10_000;

interface Watched {
  /** In order, so that answers can be compared; undefined until the first one. */
  addresses: string | undefined;
  /** Whether the node was picked since the last look-up. */
  used: boolean;
  /** Ends the wait for the next look-up; undefined where there is none to come. */
  cancel: (() => void) | undefined;
  looking: boolean;
}

/**
 * Notices when the addresses behind nodes' names change. A transport connects by name and so finds the new addresses by itself, but a
 * connection that is kept alive by traffic would stay with the old one for as long as there are requests.
 *
 * Only nodes that are being used are looked up, so that an idle upstream costs nothing.
 */
export class NameWatch {
  readonly #timers: Timers;
  readonly #resolve: Resolve;
  readonly #changed: (node: UpstreamNode) => void;
  readonly #watched: Map<UpstreamNode, Watched> = new Map();

  constructor(timers: Timers, resolve: Resolve, changed: (node: UpstreamNode) => void) {
    this.#timers = timers;
    this.#resolve = resolve;
    this.#changed = changed;
  }

  /** The node is about to be used. */
  use(node: UpstreamNode): void {
    const watched = this.#watched.get(node);
    if (watched === undefined) {
      const first = { addresses: undefined, used: true, cancel: undefined, looking: false };
      this.#watched.set(node, first);
      void this.#look(node, first);
      return;
    }
    watched.used = true;
    if (watched.cancel === undefined && !watched.looking) void this.#look(node, watched);
  }

  forget(node: UpstreamNode): void {
    this.#watched.get(node)?.cancel?.();
    this.#watched.delete(node);
  }

  close(): void {
    for (const node of [...this.#watched.keys()]) this.forget(node);
  }

  async #look(node: UpstreamNode, watched: Watched): Promise<void> {
    watched.used = false;
    watched.looking = true;
    let wait = AFTER_FAILURE;
    try {
      const { addresses, ttl } = await this.#resolve(node.host);
      wait = Math.min(LONGEST, Math.max(SHORTEST, ttl));
      this.#compare(node, watched, [...addresses].sort().join(" "));
    } catch {
      // The addresses that were known serve on: a name server that is away must not take the nodes with it.
    }
    watched.looking = false;
    if (this.#watched.get(node) !== watched) return;
    watched.cancel = this.#timers.after(wait, () => {
      watched.cancel = undefined;
      if (watched.used) void this.#look(node, watched);
    });
  }

  #compare(node: UpstreamNode, watched: Watched, addresses: string): void {
    if (addresses === "" || addresses === watched.addresses) return;
    const before = watched.addresses;
    watched.addresses = addresses;
    if (before !== undefined && this.#watched.get(node) === watched) this.#changed(node);
  }
}

import type { WatchEvent } from "./client.ts";
import { Doubt } from "./doubt.ts";

/**
 * Cuts what a watch sends into whole revisions. etcd joins many revisions in one message, and splits a large message into fragments, also
 * in the middle of a revision. What is complete is given at once, so that a large backlog is never held as a whole.
 */
export class RevisionCutter {
  #open: WatchEvent[] = [];

  /** Events of a revision wait for their rest. */
  get waiting(): boolean {
    return this.#open.length > 0;
  }

  /**
   * @param fragment More of the last revision may follow.
   * @returns The events of each revision that is complete, in order.
   * @throws Doubt where revisions do not come in order.
   */
  push(events: readonly WatchEvent[], fragment: boolean): WatchEvent[][] {
    const complete: WatchEvent[][] = [];
    for (const event of events) {
      const revision = this.#open[0]?.item.mod ?? event.item.mod;
      if (event.item.mod < revision) throw new Doubt("protocol", "etcd sent events out of order");
      if (event.item.mod > revision) this.#close(complete);
      this.#open.push(event);
    }
    if (!fragment) this.#close(complete);
    return complete;
  }

  #close(complete: WatchEvent[][]): void {
    if (this.#open.length > 0) complete.push(this.#open);
    this.#open = [];
  }
}

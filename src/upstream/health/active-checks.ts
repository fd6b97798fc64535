import type { ActiveCheck } from "../../config/checks.ts";
import type { Timers } from "../timers.ts";
import type { Probe, ProbeResult, ProbeTarget } from "./probe.ts";

/** A node under active checks. */
interface Checked<N> {
  readonly node: N;
  /** Ends the wait for its next probe, or the probe. */
  stop: () => void;
}

/** What active checks need of their upstream. */
export interface ActiveChecksOwner<N> {
  readonly timers: Timers;
  readonly random: () => number;
  readonly probe: Probe;
  target(node: N, settings: ActiveCheck): ProbeTarget;
  usable(node: N): boolean;
  found(node: N, settings: ActiveCheck, result: ProbeResult): void;
}

/**
 * Probes the nodes of one upstream by turns: each at the interval of the state that it is in, the first time after a random part of it so
 * that many upstreams do not probe in step, and no more than `concurrency` at once.
 */
export class ActiveChecks<N> {
  readonly #owner: ActiveChecksOwner<N>;
  readonly #checked: Map<N, Checked<N>> = new Map();
  readonly #queue: Set<Checked<N>> = new Set();
  #settings: ActiveCheck | undefined;
  #running = 0;

  constructor(owner: ActiveChecksOwner<N>) {
    this.#owner = owner;
  }

  /** Takes up new settings and nodes; the rounds of nodes that stay go on. */
  update(settings: ActiveCheck | undefined, nodes: Iterable<N>): void {
    this.#settings = settings;
    const stay = new Set(settings === undefined ? [] : nodes);
    for (const [node, checked] of this.#checked) {
      if (stay.has(node)) continue;
      this.#checked.delete(node);
      this.#queue.delete(checked);
      checked.stop();
    }
    for (const node of stay) {
      if (this.#checked.has(node)) continue;
      const checked: Checked<N> = { node, stop: () => {} };
      this.#checked.set(node, checked);
      this.#wait(checked, this.#owner.random() * this.#interval(node));
    }
  }

  close(): void {
    this.update(undefined, []);
  }

  /** Milliseconds. */
  #interval(node: N): number {
    const settings = this.#settings;
    if (settings === undefined) return 0;
    return (this.#owner.usable(node) ? settings.healthy : settings.unhealthy).interval * 1000;
  }

  #wait(checked: Checked<N>, ms: number): void {
    checked.stop = this.#owner.timers.after(ms, () => {
      checked.stop = () => {};
      this.#queue.add(checked);
      this.#next();
    });
  }

  #next(): void {
    const settings = this.#settings;
    if (settings === undefined) return;
    for (const checked of this.#queue) {
      if (this.#running >= settings.concurrency) return;
      this.#queue.delete(checked);
      this.#running++;
      void this.#run(checked, settings);
    }
  }

  async #run(checked: Checked<N>, settings: ActiveCheck): Promise<void> {
    const { node } = checked, { timers } = this.#owner;
    const began = timers.now();
    const result = await this.#probe(checked, settings);
    this.#running--;
    if (result !== undefined && this.#checked.get(node) === checked) {
      this.#owner.found(node, settings, result);
      // Whoever heard of it may have closed the upstream.
      if (this.#checked.get(node) === checked) {
        this.#wait(checked, Math.max(0, this.#interval(node) - (timers.now() - began)));
      }
    }
    this.#next();
  }

  /** Undefined where it was stopped. */
  async #probe(checked: Checked<N>, settings: ActiveCheck): Promise<ProbeResult | undefined> {
    const target = this.#owner.target(checked.node, settings);
    const controller = new AbortController();
    const { timers, probe } = this.#owner;
    const result = await new Promise<ProbeResult | undefined>((resolve) => {
      const cancel = timers.after(target.timeout, () => resolve({ kind: "timeout" }));
      const end = (found: ProbeResult | undefined) => {
        cancel();
        resolve(found);
      };
      checked.stop = () => end(undefined);
      probe(target, controller.signal).then(end, (error: unknown) => {
        // A probe that breaks its promise not to fail says nothing of the node.
        end({ kind: "skipped", reason: error instanceof Error ? error.name : "unknown error" });
      });
    });
    checked.stop = () => {};
    controller.abort();
    return result;
  }
}

import type { Delta } from "../store/delta.ts";
import type { Store } from "../store/store.ts";
import type { PluginLayer } from "./chain.ts";
import { type ChainParts, createGlobalChain } from "./chains.ts";
import type { Answer } from "./request-view.ts";

/** The global rules at work: their plugins run before those of every route, and for requests that no route takes. */
export class GlobalRules {
  readonly #store: Pick<Store, "all">;
  readonly #parts: ChainParts;
  #layers: readonly PluginLayer[] = [];
  #inner: Answer | undefined;
  #chain: Answer | undefined;

  constructor(store: Pick<Store, "all">, parts: ChainParts) {
    this.#store = store;
    this.#parts = parts;
  }

  /** The chain around everything; undefined while there is no global rule. */
  get chain(): Answer | undefined {
    return this.#chain;
  }

  /** For explanations. */
  get layers(): readonly PluginLayer[] {
    return this.#layers;
  }

  /** Says what the chain is around. */
  around(inner: Answer): void {
    this.#inner = inner;
  }

  apply(delta: Delta): void {
    if (!delta.changes.some(({ kind }) => kind === "global_rule")) return;
    this.#layers = [...this.#store.all("global_rule")]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, plugins }) => ({ from: `global_rule/${id}`, uses: plugins }));
    this.#chain = this.#inner && createGlobalChain(this.#layers, this.#inner, this.#parts);
  }
}

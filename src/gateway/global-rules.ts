import { isUnresolved } from "../config/load.ts";
import type { Delta } from "../store/delta.ts";
import type { Store } from "../store/store.ts";
import { compose, type Terminal } from "../pipeline/compose.ts";
import { authenticates, mergePlugins, type PluginLayer, splitPhases } from "./chain.ts";
import type { Failure } from "./entry.ts";
import { createLoggers, createMiddleware } from "./environments.ts";
import type { GlobalAccess } from "./global-access.ts";
import type { Answer } from "./request-view.ts";
import { type ChainParts, fail, runChain, toError, viewOf } from "./run-chain.ts";

/** Without what the rule asks for, every route would be open to everyone. */
const UNRESOLVED: Failure = {
  code: "missing_reference",
  status: 503,
  message: "A global rule refers to a secret that could not be resolved",
};

/**
 * The global rules at work: in each phase their plugins run before those of the route, and for requests that no route takes. What rewrites is a chain around
 * everything; what decides on access is asked for by the route's own chain, once that has rewritten. While one of the rules is there in outline only, the
 * others are around a refusal.
 */
export class GlobalRules {
  readonly #store: Pick<Store, "all">;
  readonly #parts: ChainParts;
  #layers: readonly PluginLayer[] = [];
  #inner: Answer | undefined;
  #chain: Answer | undefined;
  #access: GlobalAccess | undefined;
  #refusal: Failure | undefined;

  constructor(store: Pick<Store, "all">, parts: ChainParts) {
    this.#store = store;
    this.#parts = parts;
  }

  /** The chain around everything; undefined while no global rule rewrites or refuses. */
  get chain(): Answer | undefined {
    return this.#chain;
  }

  /** Undefined while there is no global rule. */
  get access(): GlobalAccess | undefined {
    return this.#access;
  }

  /** Why every request is refused. */
  get refusal(): Failure | undefined {
    return this.#refusal;
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
    const rules = [...this.#store.all("global_rule")];
    this.#refusal = rules.some(isUnresolved) ? UNRESOLVED : undefined;
    this.#layers = rules
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, plugins }) => ({ from: `global_rule/${id}`, uses: plugins }));
    this.#compose(this.#parts);
  }

  #compose(parts: ChainParts): void {
    const links = mergePlugins(this.#layers, parts.catalogue);
    const { rewrite, access } = splitPhases(links);
    const deciding = createMiddleware(access, parts);
    this.#access = links.length === 0 ? undefined : {
      chain: deciding.length === 0 ? undefined : compose(deciding, (c) => viewOf(c).afterGlobal!(c)),
      authenticates: authenticates(links, parts.catalogue),
      loggers: createLoggers(links, parts),
    };
    const inner = this.#inner, refusal = this.#refusal;
    const rewriting = createMiddleware(rewrite, parts);
    if (inner === undefined || rewriting.length === 0 && refusal === undefined) this.#chain = undefined;
    else {
      const terminal: Terminal = refusal === undefined
        ? async (c) => await inner(c, viewOf(c))
        : (c) => Promise.resolve(fail(toError(refusal), viewOf(c), parts));
      const chain = compose(rewriting, terminal);
      this.#chain = (context, view) => runChain(chain, context, view, parts);
    }
  }
}

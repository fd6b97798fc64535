import { Matcher } from "../match/matcher.ts";
import type { Shadow } from "../match/shadow.ts";
import type { Match, MatchRequest, RouterName } from "../match/route.ts";
import type { Explanation } from "../match/explanation.ts";
import type { Steps } from "../match/steps.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { Delta } from "../store/delta.ts";
import type { Store } from "../store/store.ts";
import {
  compileLoneNode,
  compileRoute,
  LONE_NODE_ID,
  LONE_NODE_ROUTE,
  type Lookup,
  type RouteEntry,
  toMatchRoute,
} from "./entry.ts";
import type { ActiveRoute } from "./request-view.ts";
import { touchedUpstreams, upstreamConfig } from "./upstream-configs.ts";
import type { UpstreamSet } from "./upstreams.ts";

/** What the table asks the store. */
export type TableStore = Pick<Store, "get" | "dependents" | "allDependents">;

export interface TableOptions {
  readonly store: TableStore;
  readonly catalogue: Catalogue;
  readonly upstreams: UpstreamSet;
  readonly router: RouterName;
  /** Makes what answers a route's requests. */
  readonly createAnswer: (entry: RouteEntry) => ActiveRoute;
}

/**
 * The snapshot, compiled for matching. A change compiles the routes that it concerns, and only those; each is put in its own place of the match
 * tree. A request that holds an entry keeps it, whatever changes meanwhile.
 */
export class RouteTable {
  readonly #store: TableStore;
  readonly #catalogue: Catalogue;
  readonly #upstreams: UpstreamSet;
  readonly #matcher: Matcher<ActiveRoute>;
  readonly #lookup: Lookup;
  readonly #createAnswer: (entry: RouteEntry) => ActiveRoute;

  constructor({ store, catalogue, upstreams, router, createAnswer }: TableOptions) {
    this.#store = store;
    this.#catalogue = catalogue;
    this.#upstreams = upstreams;
    this.#createAnswer = createAnswer;
    this.#matcher = new Matcher({ router });
    this.#lookup = { get: (kind, id) => store.get(kind, id), upstream: (key) => upstreams.get(key) };
  }

  get size(): number {
    return this.#matcher.size;
  }

  match(request: MatchRequest): Match<ActiveRoute> | undefined | "body" {
    return this.#matcher.match(request);
  }

  explain(request: MatchRequest): Steps<Explanation> {
    return this.#matcher.explainInSteps(request);
  }

  /** Routes that an equal one keeps from ever being matched. */
  shadowed(): readonly Shadow[] {
    return this.#matcher.shadowed();
  }

  /** Takes up what a batch changed; in one turn of the event loop, so that no request sees half of it. */
  apply(delta: Delta): void {
    // Upstreams come first: routes are compiled against them.
    for (const key of touchedUpstreams(delta, this.#store)) this.#upstreams.set(key, upstreamConfig(key, this.#store));
    for (const id of this.#routesOf(delta)) this.#compile(id);
    for (const change of delta.changes) if (change.kind === "node") this.#applyLoneNode(change.after !== undefined);
  }

  /** Ids of the routes that changed, or that refer to what changed. */
  #routesOf({ changes, first }: Delta): Set<string> {
    const ids = new Set<string>();
    for (const { kind, id, before, after } of changes) {
      if (kind === "route") {
        ids.add(id);
        continue;
      }
      // Every route is among the changes of the first list.
      if (first) continue;
      // An upstream that stays was changed in place: what refers to it need not know.
      if (kind === "upstream" && before !== undefined && after !== undefined) continue;
      for (const dependent of this.#store.allDependents(kind, id)) {
        if (dependent.kind === "route") ids.add(dependent.id);
      }
    }
    return ids;
  }

  #compile(id: string): void {
    const route = this.#store.get("route", id);
    if (route === undefined) {
      this.#matcher.delete(id);
      return;
    }
    const service = route.service_id === undefined ? undefined : this.#store.get("service", route.service_id);
    const entry = compileRoute(route, this.#lookup, this.#catalogue);
    this.#matcher.set(toMatchRoute(route, service), this.#createAnswer(entry));
  }

  #applyLoneNode(present: boolean): void {
    if (!present) {
      this.#matcher.delete(LONE_NODE_ID);
      return;
    }
    const entry = compileLoneNode(this.#lookup);
    this.#matcher.set(LONE_NODE_ROUTE, this.#createAnswer(entry));
  }
}

import { type CompiledRoute, compileRoute } from "./candidate.ts";
import { explain } from "./explain.ts";
import type { Explanation } from "./explanation.ts";
import { HostIndex } from "./host-index.ts";
import type { Match, MatchIssue, MatchRequest, MatchRoute, RouterName } from "./route.ts";
import { findShadows, type Shadow } from "./shadow.ts";
import { finish, type Steps } from "./steps.ts";
import { walkHosts } from "./walk.ts";

/** How a {@link Matcher} matches. */
export interface MatcherOptions {
  /** Default: `radixtree_host_uri`, APISIX's own default. */
  readonly router?: RouterName;
}

/** What a {@link Matcher} holds. */
export interface MatcherSize {
  readonly routes: number;
  /** Levels of hosts that have routes, that of any host included. */
  readonly hosts: number;
  /** Pairs of a host and a path that have routes. */
  readonly paths: number;
  /** Nodes of the tree of host suffixes, its root left out. */
  readonly nodes: number;
}

/**
 * Finds the route of a request as Apache APISIX does, in a table that is changed in place, one route at a time: neither a change nor a match takes longer
 * for the number of routes elsewhere in it.
 *
 * @example
 * ```ts
 * const matcher = new Matcher<string>();
 * matcher.set({ id: "1", uris: ["/a/*"], hosts: [], methods: [], remoteAddrs: [], vars: [], priority: 0 }, "the value");
 * matcher.match(request); // { value: "the value", id: "1", uri: "/a/*", ... }
 * ```
 */
export class Matcher<T> {
  readonly router: RouterName;
  readonly #index = new HostIndex<T>();
  readonly #routes = new Map<string, CompiledRoute<T>>();

  constructor(options: MatcherOptions = {}) {
    this.router = options.router ?? "radixtree_host_uri";
  }

  /** Number of routes, those that are disabled included. */
  get size(): number {
    return this.#routes.size;
  }

  /** Everything that keeps the route from being compiled; empty where nothing does. Never throws. */
  check(route: MatchRoute): readonly MatchIssue[] {
    const compiled = compileRoute(this.router, route, undefined);
    return Array.isArray(compiled) ? compiled : [];
  }

  /**
   * Inserts a route, or replaces the one of the same id. Where it cannot be compiled nothing changes, and the answer is what {@link Matcher.check}
   * says; it is empty otherwise.
   */
  set(route: MatchRoute, value: T): readonly MatchIssue[] {
    const compiled = compileRoute(this.router, route, value);
    if (Array.isArray(compiled)) return compiled;
    this.delete(route.id);
    this.#routes.set(route.id, compiled);
    if (route.disabled !== true) { for (const candidate of compiled.candidates) this.#index.add(candidate); }
    return [];
  }

  /** @returns Whether there was such a route. */
  delete(id: string): boolean {
    const compiled = this.#routes.get(id);
    if (compiled === undefined) return false;
    this.#routes.delete(id);
    if (compiled.source.disabled !== true) {
      for (const candidate of compiled.candidates) {
        this.#index.remove(candidate);
      }
    }
    return true;
  }

  has(id: string): boolean {
    return this.#routes.has(id);
  }

  /**
   * The route of a request; undefined where there is none. `body`: whether a route fits depends on the request's body: buffer it (bounded; null where it is
   * too large) and ask again.
   */
  match(request: MatchRequest): Match<T> | undefined | "body" {
    return walkHosts(this.#index, request);
  }

  /** Why a request goes where it goes: the same walk as {@link Matcher.match}, told step by step. Not for every request: it looks at much more. */
  explain(request: MatchRequest): Explanation {
    return finish(this.explainInSteps(request));
  }

  /**
   * The same in steps of some microseconds. The first is the walk, which takes as long as a match that looks at all that might fit; the others tell of the
   * routes as they were then, whatever changes meanwhile.
   */
  explainInSteps(request: MatchRequest): Steps<Explanation> {
    return explain(this.router, this.#index, this.#routes.values(), request);
  }

  /** How much the tree holds: for tests, benchmarks and the status. */
  measure(): MatcherSize {
    let hosts = 0;
    for (const level of this.#index.levels()) if (!level.empty) hosts++;
    return { routes: this.size, hosts, paths: this.#index.size, nodes: this.#index.countNodes() };
  }

  /** Routes that never win at some of their places, since an equal one stands before them. */
  shadowed(): readonly Shadow[] {
    return findShadows(this.#index);
  }
}

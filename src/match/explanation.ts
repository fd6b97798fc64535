import type { PredicateKind, PredicatePart, Verdict } from "./predicate.ts";
import type { PathParams, RouterName } from "./route.ts";

/** Why a request goes where it goes. Data only, and JSON as it is; `renderExplanation` makes text of it. */
export interface Explanation {
  readonly router: RouterName;
  /** The request as it was matched. */
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly path: string;
    readonly address: string;
  };
  /** `needs_body`: not before the body is known. */
  readonly outcome: "matched" | "not_found" | "needs_body";
  /** Null unless matched. */
  readonly winner: ExplainedWinner | null;
  /** What was looked at, in this order. */
  readonly levels: readonly ExplainedLevel[];
  /** What may surprise: a higher priority that did not count, a route that is disabled or shadowed. */
  readonly notes: readonly ExplainedNote[];
  /** Where nothing matched: the routes that lacked least, best first. */
  readonly nearest: readonly NearMiss[];
}

/**
 * Why the winner stood before the next route that would have taken the request: `only` (there was none), its host, its path (`exact_path` before any prefix,
 * `longer_prefix` before a shorter one), and among routes of the same host and path their priority, the longer configured path, the smaller id.
 */
export type WinningRule = "only" | "host" | "exact_path" | "longer_prefix" | "priority" | "longer_path" | "id";

/** A route at one of its places. */
export interface ExplainedPlace {
  readonly id: string;
  /** Null for a route found under any host. */
  readonly host: string | null;
  /** As configured. */
  readonly uri: string;
  readonly priority: number;
}

export interface ExplainedWinner extends ExplainedPlace {
  readonly params: PathParams;
  readonly rule: WinningRule;
  /** The next route that would have taken the request. */
  readonly before: ExplainedPlace | null;
}

/** The routes of one host. */
export interface ExplainedLevel {
  readonly kind: "exact" | "wildcard" | "any";
  /** As configured; null for routes without a host (and for routers that do not index hosts). */
  readonly host: string | null;
  /** Empty where no path of these routes fits. */
  readonly paths: readonly ExplainedPath[];
}

/** The routes of one host and path. */
export interface ExplainedPath {
  readonly kind: "exact" | "prefix";
  readonly path: string;
  readonly candidates: readonly ExplainedCandidate[];
  /** How many more there are that are not listed. */
  readonly omitted: number;
}

export interface ExplainedCandidate extends ExplainedPlace {
  /** `passes`: it would have won, had none stood before it. */
  readonly result: "wins" | "passes" | "fails" | "needs_body";
  readonly predicates: readonly ExplainedPredicate[];
}

export interface ExplainedPredicate {
  readonly kind: PredicateKind;
  readonly configured: string;
  readonly actual: string;
  readonly verdict: Verdict;
  /** The comparisons of `vars`. */
  readonly parts?: readonly PredicatePart[];
}

export interface ExplainedNote {
  readonly kind: "priority_not_compared" | "disabled" | "shadowed";
  readonly id: string;
  /** In words. */
  readonly text: string;
}

/** A route that did not take the request, and all that it lacked. */
export interface NearMiss extends ExplainedPlace {
  readonly lacks: readonly ExplainedLack[];
}

export interface ExplainedLack {
  /** `host` and `path` are places, the others predicates; `disabled` is the route's status. */
  readonly kind: PredicateKind | "host" | "disabled";
  readonly configured: string;
  readonly actual: string;
  /** In words where the values do not tell: `differs in one segment`, `differs in letter case`, ... */
  readonly hint?: string;
}

import type { MatchRequest, PathParams } from "./route.ts";

/** What a predicate says of a request; `body`: that it cannot say before the body was buffered. */
export type Verdict = "pass" | "fail" | "body";

/** Which property of a route a predicate stands for, in the order they are tried. */
export type PredicateKind = "methods" | "remote_addrs" | "hosts" | "path" | "vars";

/** One condition of a route beside its place in the tree. */
export interface Predicate {
  readonly kind: PredicateKind;
  /** As configured, for people. */
  readonly configured: string;
  test(request: MatchRequest, params: PathParams): Verdict;
  /** What the request has, for people. Not used when matching. */
  actual(request: MatchRequest, params: PathParams): string;
  /** The parts of a compound predicate, for people. Not used when matching. */
  parts?(request: MatchRequest, params: PathParams): readonly PredicatePart[];
}

/** One comparison of a `vars` expression. */
export interface PredicatePart {
  readonly configured: string;
  readonly actual: string;
  readonly verdict: Verdict;
}

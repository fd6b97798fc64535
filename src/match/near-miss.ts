import type { Candidate, CompiledRoute } from "./candidate.ts";
import { shorten, toPlace } from "./explain-recorder.ts";
import type { ExplainedLack, NearMiss } from "./explanation.ts";
import { describeMethods } from "./methods.ts";
import { NO_PARAMS } from "./path-pattern.ts";
import { pathHint } from "./path-hint.ts";
import { compareIds } from "./rank.ts";
import type { MatchRequest, PathParams } from "./route.ts";

/** Most near misses that are told. */
const MAX_NEAREST = 5;

/** The routes that lack least of what the request has, best first. */
export function findNearest(routes: Iterable<CompiledRoute<unknown>>, request: MatchRequest): NearMiss[] {
  const misses: Weighed[] = [];
  for (const route of routes) {
    let best: Weighed | undefined;
    for (const candidate of route.candidates) {
      const lacks = lacksOf(candidate, request);
      if (lacks === undefined) continue;
      const weight = lacks.reduce((sum, lack) => sum + (lack.kind === "path" ? 2 : 1), 0);
      if (best === undefined || weight < best.weight) best = { miss: { ...toPlace(candidate), lacks }, weight };
    }
    if (best !== undefined) misses.push(best);
  }
  misses.sort((a, b) =>
    a.weight - b.weight || b.miss.uri.length - a.miss.uri.length || compareIds(a.miss.id, b.miss.id)
  );
  return misses.slice(0, MAX_NEAREST).map(({ miss }) => miss);
}

/** A miss, and how far it is: a path that differs counts twice, since it is more often another thing altogether. */
interface Weighed {
  readonly miss: NearMiss;
  readonly weight: number;
}

/** All that a route lacks at one place to take the request; undefined where it is too far from it to be of interest. */
export function lacksOf(candidate: Candidate<unknown>, request: MatchRequest): ExplainedLack[] | undefined {
  const { route, pattern, host } = candidate;
  const lacks: ExplainedLack[] = [];
  const params = paramsOf(candidate, request.path);
  if (params === undefined) {
    const hint = pathHint(pattern, request.path);
    if (hint === undefined) return undefined;
    lacks.push({ kind: "path", configured: pattern.uri, actual: shorten(request.path), hint });
  }
  if (host !== undefined && !hostFits(host, request.host)) {
    lacks.push({ kind: "host", configured: host, actual: request.host });
  }
  const methods = candidate.methods === 0 ? [] : [describeMethods(route.source.methods)];
  for (const predicate of [...methods, ...candidate.predicates]) {
    if (predicate.test(request, params ?? NO_PARAMS) === "pass") continue;
    const failed = predicate.parts?.(request, params ?? NO_PARAMS).filter(({ verdict }) => verdict !== "pass") ?? [];
    if (failed.length === 0) {
      const actual = shorten(predicate.actual(request, params ?? NO_PARAMS));
      lacks.push({ kind: predicate.kind, configured: shorten(predicate.configured), actual });
    }
    for (const part of failed) {
      lacks.push({ kind: predicate.kind, configured: shorten(part.configured), actual: shorten(part.actual) });
    }
  }
  if (route.source.disabled === true) lacks.push({ kind: "disabled", configured: "status 0", actual: "status 1" });
  return lacks;
}

function paramsOf({ pattern }: Candidate<unknown>, path: string): PathParams | undefined {
  if (pattern.exact ? path !== pattern.key : !path.startsWith(pattern.key)) return undefined;
  return pattern.params === undefined ? NO_PARAMS : pattern.params(path);
}

function hostFits(configured: string, host: string): boolean {
  return configured.startsWith("*") ? host.endsWith(configured.slice(1)) : configured === host;
}

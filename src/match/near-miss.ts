import { Best } from "./best.ts";
import type { Candidate, CompiledRoute } from "./candidate.ts";
import { shorten, toPlace } from "./explain-recorder.ts";
import type { ExplainedLack, NearMiss } from "./explanation.ts";
import { describeMethods } from "./methods.ts";
import { NO_PARAMS } from "./path-pattern.ts";
import { hostHint } from "./host-hint.ts";
import { pathHint } from "./path-hint.ts";
import { compareIds } from "./rank.ts";
import type { MatchRequest, PathParams } from "./route.ts";
import { commonStart, editDistance } from "./spelling.ts";
import type { Steps } from "./steps.ts";

/** Most near misses that are told. */
const MAX_NEAREST = 5;

/** Where fewer routes than this are near, others whose paths are the most alike are told as well. */
const MIN_NEAREST = 3;

/** Most paths that are compared letter by letter, and longest parts of them. */
const MAX_COMPARED = 1000;
const MAX_LETTERS = 64;

/** The routes that lack least of what the request has, best first. Looks at one place of a route in a step. */
export function* findNearest(routes: readonly CompiledRoute<unknown>[], request: MatchRequest): Steps<NearMiss[]> {
  const near = new Best<Weighed>(MAX_NEAREST, compare);
  const far = new Best<Weighed>(MAX_COMPARED, (a, b) => a.weight - b.weight);
  for (const route of routes) {
    let best: Weighed | undefined, alike: Weighed | undefined;
    for (const candidate of route.candidates) {
      yield;
      best = lighter(best, weighNear(candidate, request));
      if (best === undefined && near.size < MIN_NEAREST) alike = lighter(alike, weighFar(candidate, request));
    }
    if (best !== undefined) near.add(best);
    else if (alike !== undefined && route.source.disabled !== true) far.add(alike);
  }
  const nearest = [...near.inOrder()];
  if (nearest.length < MIN_NEAREST) nearest.push(...yield* mostAlike(far, request, MIN_NEAREST - nearest.length));
  return nearest.map(({ candidate, lacks }) => ({ ...toPlace(candidate), lacks }));
}

/** A route at the place where it is nearest, and how far that is. */
interface Weighed {
  readonly candidate: Candidate<unknown>;
  readonly lacks: readonly ExplainedLack[];
  readonly weight: number;
}

function lighter(a: Weighed | undefined, b: Weighed | undefined): Weighed | undefined {
  return a === undefined || b !== undefined && b.weight < a.weight ? b : a;
}

function weighNear(candidate: Candidate<unknown>, request: MatchRequest): Weighed | undefined {
  const lacks = lacksOf(candidate, request);
  return lacks && { candidate, lacks, weight: lacks.reduce((sum, lack) => sum + weightOf(lack), 0) };
}

/** A path that differs counts twice, since it is more often another thing altogether; a host that is nearly right, half. */
function weightOf({ kind, hint }: ExplainedLack): number {
  return kind === "path" ? 2 : kind === "host" && hint !== undefined ? 0.5 : 1;
}

function compare(a: Weighed, b: Weighed): number {
  return a.weight - b.weight || b.candidate.pattern.uri.length - a.candidate.pattern.uri.length ||
    compareIds(a.candidate.route.id, b.candidate.route.id);
}

/** Of paths none of which is near, the one that begins most like the request's is the nearest; of those alike, one whose host fits. */
function weighFar(candidate: Candidate<unknown>, request: MatchRequest): Weighed {
  const { host, pattern } = candidate;
  const fits = host === undefined || hostFits(host, request.host);
  return { candidate, lacks: [], weight: (fits ? 0 : 0.5) - commonStart(pattern.uri, request.path) };
}

/** The routes whose paths are most like the request's. Compares one in a step. */
function* mostAlike(far: Best<Weighed>, request: MatchRequest, most: number): Steps<Weighed[]> {
  const start = request.path.slice(0, MAX_LETTERS);
  const compared = new Best<{ readonly one: Weighed; readonly weight: number }>(
    most,
    (a, b) => a.weight - b.weight || compare(a.one, b.one),
  );
  for (const one of far.inOrder()) {
    yield;
    const edits = editDistance(one.candidate.pattern.key.slice(0, MAX_LETTERS), start, MAX_LETTERS);
    compared.add({ one, weight: Math.ceil(one.weight) * MAX_LETTERS + edits });
  }
  return compared.inOrder().map(({ one }) => ({ ...one, lacks: allLacksOf(one.candidate, request) }));
}

/** All that a route lacks at one place to take the request; undefined where it is too far from it to be of interest. */
export function lacksOf(candidate: Candidate<unknown>, request: MatchRequest): ExplainedLack[] | undefined {
  const { pattern } = candidate;
  if (paramsOf(candidate, request.path) !== undefined) return allLacksOf(candidate, request);
  const hint = pathHint(pattern, request.path);
  return hint === undefined ? undefined : allLacksOf(candidate, request, hint);
}

/** @param near In what its path differs, where that is one thing. */
function allLacksOf(candidate: Candidate<unknown>, request: MatchRequest, near?: string): ExplainedLack[] {
  const { route, pattern, host } = candidate;
  const lacks: ExplainedLack[] = [];
  const params = paramsOf(candidate, request.path);
  if (params === undefined) {
    const hint = near ?? farHint(pattern.uri, request.path);
    lacks.push({ kind: "path", configured: pattern.uri, actual: shorten(request.path), hint });
  }
  if (host !== undefined && !hostFits(host, request.host)) {
    const hint = hostHint(host, request.host);
    lacks.push({ kind: "host", configured: host, actual: request.host, ...(hint === undefined ? {} : { hint }) });
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

/** For a path that differs in more than one thing. */
function farHint(uri: string, path: string): string {
  const common = uri.slice(0, commonStart(uri, path));
  const segments = common.slice(0, common.lastIndexOf("/") + 1);
  return segments.length > 1 ? `begins alike, with ${shorten(segments)}` : "is another path";
}

function paramsOf({ pattern }: Candidate<unknown>, path: string): PathParams | undefined {
  if (pattern.exact ? path !== pattern.key : !path.startsWith(pattern.key)) return undefined;
  return pattern.params === undefined ? NO_PARAMS : pattern.params(path);
}

function hostFits(configured: string, host: string): boolean {
  return configured.startsWith("*") ? host.endsWith(configured.slice(1)) : configured === host;
}

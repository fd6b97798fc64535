import type { SuffixNode } from "./suffix-tree.ts";
import { Bucket } from "./bucket.ts";
import type { Candidate } from "./candidate.ts";
import type { HostIndex } from "./host-index.ts";
import type { PathIndex } from "./path-index.ts";
import { methodBit } from "./methods.ts";
import { NO_PARAMS } from "./path-pattern.ts";
import { hashPrefixes, type PrefixHashes } from "./prefix-hashes.ts";
import type { Place } from "./place.ts";
import type { Predicate, Verdict } from "./predicate.ts";
import type { Match, MatchRequest, PathParams } from "./route.ts";

/** How the routes of one level are found by host. */
export type LevelKind = "exact" | "wildcard" | "any";

/** How the routes of one place are found by path. */
export type PathKind = "exact" | "prefix";

/**
 * Is told every step of one walk. With a recorder the walk also tries the predicates after one that failed, and goes on after the winner, so that the
 * recorder learns what else there was; what it answers stays the same.
 */
export interface WalkRecorder<T> {
  /** The routes of one host (as configured; undefined for those without one) are looked at. */
  level(kind: LevelKind, host: string | undefined): void;
  /** The routes of one path, or prefix, are looked at. */
  place(kind: PathKind, path: string): void;
  /** A route is tried. `params` is undefined where the path does not fit its pattern. */
  candidate(candidate: Candidate<T>, params: PathParams | undefined): void;
  /** A predicate of the last candidate was tried. */
  predicate(predicate: Predicate, params: PathParams, verdict: Verdict): void;
  /** What came of the last candidate. */
  result(verdict: Verdict): void;
  /** Whether of this place enough is told: a route that fails is passed to `omit` then, and nothing else is told of it. */
  readonly isFull: boolean;
  omit(): void;
}

/** What a walk ends with: the route, undefined for none, or that a route cannot be judged before the body was buffered. */
export type WalkResult<T> = Match<T> | undefined | "body";

/** How many routes of one place a recorder is told of after the one that is the answer. */
const MAX_BEYOND = 1000;

/** Goes through the levels of hosts: that host, its suffixes, longest first, and routes without a host. */
export function walkHosts<T>(index: HostIndex<T>, request: MatchRequest, recorder?: WalkRecorder<T>): WalkResult<T> {
  let found: WalkResult<T>;
  const hashes = hashPrefixes(request.path);
  const exact = index.exact(request.host);
  if (exact !== undefined) {
    recorder?.level("exact", request.host);
    found = walkPaths(index, exact, hashes, request, recorder);
    if (found !== undefined && recorder === undefined) return found;
  }
  for (
    let node: SuffixNode<PathIndex<T>> | undefined = index.deepest(request.host);
    node !== undefined;
    node = node.parent
  ) {
    if (node.value === undefined) continue;
    recorder?.level("wildcard", `*${suffixOf(node)}`);
    const level: WalkResult<T> = walkPaths(index, node.value.level, hashes, request, recorder);
    found ??= level;
    if (found !== undefined && recorder === undefined) return found;
  }
  if (!index.any.empty) recorder?.level("any", undefined);
  const last = walkPaths(index, index.any.level, hashes, request, recorder);
  return found ?? last;
}

function suffixOf(node: SuffixNode<unknown>): string {
  return node.parent === undefined ? node.label : node.label + suffixOf(node.parent);
}

/** Goes through the paths of one level: that path, then its prefixes, longest first. */
function walkPaths<T>(
  index: HostIndex<T>,
  level: number,
  hashes: PrefixHashes,
  request: MatchRequest,
  recorder: WalkRecorder<T> | undefined,
): WalkResult<T> {
  const { path } = request;
  let found: WalkResult<T>;
  const exact = index.exactPath(level, hashes, path);
  if (exact !== undefined) {
    recorder?.place("exact", path);
    found = walkPlace(exact, request, recorder);
    if (found !== undefined && recorder === undefined) return found;
  }
  const count = index.countLengths(level);
  for (let i = 0; i < count; i++) {
    const length = index.prefixLength(level, i, path);
    const place = length === undefined ? undefined : index.prefix(level, hashes, path, length);
    if (place === undefined) continue;
    recorder?.place("prefix", path.slice(0, length));
    const one: WalkResult<T> = walkPlace(place, request, recorder);
    found ??= one;
    if (found !== undefined && recorder === undefined) return found;
  }
  return found;
}

function walkPlace<T>(place: Place<T>, request: MatchRequest, recorder: WalkRecorder<T> | undefined): WalkResult<T> {
  if (!(place instanceof Bucket)) return judge(place, request, recorder);
  if (recorder !== undefined) return walkList(place.candidates, request, recorder);
  const fitting = place.fitting(request.host, request.path);
  if (!place.byHost) return walkList(fitting, request, undefined);
  for (let i = 0; i < fitting.length; i++) {
    const found = judge(fitting[i]!, request, undefined, fitting[i]!.beyondHosts);
    if (found !== undefined) return found;
  }
  return undefined;
}

function walkList<T>(
  list: readonly Candidate<T>[],
  request: MatchRequest,
  recorder: WalkRecorder<T> | undefined,
): WalkResult<T> {
  let found: WalkResult<T>;
  let beyond = 0;
  for (let i = 0; i < list.length; i++) {
    const tried = recorder?.isFull === true
      ? judgeBriefly(list[i]!, request, recorder)
      : judge(list[i]!, request, recorder);
    found ??= tried;
    if (found !== undefined && (recorder === undefined || beyond++ === MAX_BEYOND)) return found;
  }
  return found;
}

/** Tries one route as a match does, and tells more only if it does not fail: thousands may share a place. */
function judgeBriefly<T>(candidate: Candidate<T>, request: MatchRequest, recorder: WalkRecorder<T>): WalkResult<T> {
  if (judge(candidate, request, undefined) !== undefined) return judge(candidate, request, recorder);
  recorder.omit();
  return undefined;
}

/** Tries one route: its path where being found is not all, its methods, and all else that it asks for. */
function judge<T>(
  candidate: Candidate<T>,
  request: MatchRequest,
  recorder: WalkRecorder<T> | undefined,
  predicates: readonly Predicate[] = candidate.predicates,
): WalkResult<T> {
  const { fits, methods } = candidate;
  const methodsFit = methods === 0 || (methods & methodBit(request.method)) !== 0;
  const pathFits = fits === undefined || fits(request.path, candidate.uri);
  if (recorder === undefined) {
    if (!methodsFit || !pathFits) return undefined;
    // Most routes ask for nothing more, and parameters only matter to who reads them.
    if (predicates.length === 0) return fits === undefined ? candidate : new ParameterMatch(candidate, request.path);
  }
  const params = !pathFits ? undefined : fits === undefined ? NO_PARAMS : candidate.pattern.params!(request.path);
  recorder?.candidate(candidate, params);
  let verdict: Verdict = params === undefined || !methodsFit ? "fail" : "pass";
  for (let i = 0; i < predicates.length; i++) {
    const predicate = predicates[i]!;
    const one = predicate.test(request, params ?? NO_PARAMS);
    recorder?.predicate(predicate, params ?? NO_PARAMS, one);
    if (verdict === "pass") verdict = one;
    if (verdict !== "pass" && recorder === undefined) break;
  }
  recorder?.result(verdict);
  if (verdict !== "pass") return verdict === "body" ? "body" : undefined;
  return fits === undefined ? candidate : new ParameterMatch(candidate, request.path);
}

/** A route whose path has parameters, which are taken out of the path once somebody asks for them. */
class ParameterMatch<T> implements Match<T> {
  readonly value: T;
  readonly id: string;
  readonly uri: string;
  readonly host: string | undefined;
  readonly #candidate: Candidate<T>;
  readonly #path: string;
  #params: PathParams | undefined;

  constructor(candidate: Candidate<T>, path: string) {
    this.value = candidate.value;
    this.id = candidate.id;
    this.uri = candidate.uri;
    this.host = candidate.host;
    this.#candidate = candidate;
    this.#path = path;
  }

  get params(): PathParams {
    return this.#params ??= this.#candidate.pattern.params!(this.#path) ?? NO_PARAMS;
  }
}

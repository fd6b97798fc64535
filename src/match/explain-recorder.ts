import type { Candidate } from "./candidate.ts";
import type {
  ExplainedCandidate,
  ExplainedLevel,
  ExplainedPath,
  ExplainedPlace,
  ExplainedPredicate,
} from "./explanation.ts";
import { describeMethods } from "./methods.ts";
import { NO_PARAMS } from "./path-pattern.ts";
import type { Predicate, PredicatePart, Verdict } from "./predicate.ts";
import type { MatchRequest, PathParams } from "./route.ts";
import type { LevelKind, PathKind, WalkRecorder } from "./walk.ts";

/** Most candidates that are listed of one host and path, beside those that pass. */
const MAX_LISTED = 20;

/** Longest value that is shown. */
const MAX_SHOWN = 200;

/** A candidate that passed, and where. */
export interface Passed<T> {
  readonly candidate: Candidate<T>;
  readonly params: PathParams;
  readonly kind: PathKind;
}

type Writable<V> = { -readonly [K in keyof V]: V[K] };
type OpenPath = Writable<Omit<ExplainedPath, "candidates">> & { candidates: ExplainedCandidate[] };
type OpenLevel = Writable<Omit<ExplainedLevel, "paths">> & { paths: OpenPath[] };

/** Writes a walk down. */
export class ExplainRecorder<T> implements WalkRecorder<T> {
  readonly levels: OpenLevel[] = [];
  /** In the order of the walk: the first is the winner unless a body was needed before it. */
  readonly passed: Passed<T>[] = [];
  #request: MatchRequest;
  #candidate: { readonly candidate: Candidate<T>; readonly params: PathParams | undefined } | undefined;
  /** What was tried of it; texts are made of it where it is listed. */
  #tried: { readonly predicate: Predicate; readonly params: PathParams; readonly verdict: Verdict }[] = [];
  /** Whether the walk's answer is known. */
  #decided = false;

  constructor(request: MatchRequest) {
    this.#request = request;
  }

  level(kind: LevelKind, host: string | undefined): void {
    this.levels.push({ kind, host: host ?? null, paths: [] });
  }

  place(kind: PathKind, path: string): void {
    this.levels.at(-1)!.paths.push({ kind, path, candidates: [], omitted: 0 });
  }

  candidate(candidate: Candidate<T>, params: PathParams | undefined): void {
    this.#candidate = { candidate, params };
    this.#tried = [];
  }

  predicate(predicate: Predicate, params: PathParams, verdict: Verdict): void {
    this.#tried.push({ predicate, params, verdict });
  }

  result(verdict: Verdict): void {
    const { candidate, params } = this.#candidate!;
    const path = this.#path;
    const result = verdict === "body" ? "needs_body" : verdict === "fail" ? "fails" : this.#decided ? "passes" : "wins";
    if (verdict !== "fail") this.#decided = true;
    if (verdict === "pass") this.passed.push({ candidate, params: params!, kind: path.kind });
    if (this.isFull && result !== "wins" && result !== "needs_body") path.omitted++;
    else path.candidates.push({ ...toPlace(candidate), result, predicates: this.#explainTried(candidate, params) });
  }

  get isFull(): boolean {
    return this.#path.candidates.length >= MAX_LISTED;
  }

  omit(): void {
    this.#path.omitted++;
  }

  get #path(): OpenPath {
    return this.levels.at(-1)!.paths.at(-1)!;
  }

  #explainTried(candidate: Candidate<T>, params: PathParams | undefined): ExplainedPredicate[] {
    const request = this.#request;
    const predicates: ExplainedPredicate[] = [];
    if (candidate.fits !== undefined) {
      const verdict = params === undefined ? "fail" : "pass";
      predicates.push({ kind: "path", configured: candidate.pattern.uri, actual: shorten(request.path), verdict });
    }
    if (candidate.methods !== 0) {
      const methods = describeMethods(candidate.route.source.methods);
      const { kind, configured } = methods;
      predicates.push({ kind, configured, actual: request.method, verdict: methods.test(request, NO_PARAMS) });
    }
    for (const { predicate, params, verdict } of this.#tried) {
      const parts = predicate.parts?.(request, params).map(shortenPart);
      predicates.push({
        kind: predicate.kind,
        configured: shorten(predicate.configured),
        actual: shorten(predicate.actual(request, params)),
        verdict,
        ...(parts === undefined ? {} : { parts }),
      });
    }
    return predicates;
  }
}

/** A candidate as it is shown. */
export function toPlace(candidate: Candidate<unknown>): ExplainedPlace {
  const { route, host, pattern } = candidate;
  return { id: route.id, host: host ?? null, uri: pattern.uri, priority: route.priority };
}

function shortenPart(part: PredicatePart): PredicatePart {
  return { configured: shorten(part.configured), actual: shorten(part.actual), verdict: part.verdict };
}

/** Cuts what is too long to read. */
export function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

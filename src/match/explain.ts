import type { CompiledRoute } from "./candidate.ts";
import { ExplainRecorder, type Passed, toPlace } from "./explain-recorder.ts";
import type { ExplainedNote, ExplainedWinner, Explanation, WinningRule } from "./explanation.ts";
import type { HostIndex } from "./host-index.ts";
import { findNearest, lacksOf } from "./near-miss.ts";
import { rankRule } from "./rank.ts";
import type { MatchRequest, RouterName } from "./route.ts";
import { shadowedBy } from "./shadow.ts";
import type { Steps } from "./steps.ts";
import { walkHosts } from "./walk.ts";

/** Most routes that are looked at beside the walk, for near misses and disabled ones. */
const MAX_SCANNED = 50_000;

/** Most notes of one explanation. */
const MAX_NOTES = 10;

/** Most routes beside the winner that are looked at for notes. */
const MAX_NOTED = 100;

/**
 * Walks as the match does, and tells every step.
 *
 * @returns Steps of which the first is the walk and takes hold of the routes as they are then: what changes between later ones, which look at one place
 * of a route each, is not seen.
 */
export function* explain<T>(
  router: RouterName,
  index: HostIndex<T>,
  routes: Iterable<CompiledRoute<T>>,
  request: MatchRequest,
): Steps<Explanation> {
  const recorder = new ExplainRecorder<T>(request);
  const found = walkHosts(index, request, recorder);
  const { method, host, path, address } = request;
  const outcome = found === undefined ? "not_found" : found === "body" ? "needs_body" : "matched";
  const winner = outcome === "matched" ? toWinner(recorder.passed) : null;
  const notes = outcome === "matched" ? notesOfPassed(index, recorder.passed) : [];
  const scanned = take(routes, MAX_SCANNED);
  yield;
  notes.push(...yield* notesOfDisabled(scanned, request));
  return {
    router,
    request: { method, host, path, address },
    outcome,
    winner,
    levels: recorder.levels,
    notes: notes.slice(0, MAX_NOTES),
    nearest: outcome === "not_found" ? yield* findNearest(scanned, request) : [],
  };
}

function take<T>(routes: Iterable<CompiledRoute<T>>, most: number): CompiledRoute<T>[] {
  const taken: CompiledRoute<T>[] = [];
  for (const route of routes) {
    if (taken.length === most) break;
    taken.push(route);
  }
  return taken;
}

function toWinner<T>(passed: readonly Passed<T>[]): ExplainedWinner {
  const [winner, ...others] = passed;
  // Another place of the same route is no rival.
  const next = others.find(({ candidate }) => candidate.route !== winner!.candidate.route);
  return {
    ...toPlace(winner!.candidate),
    params: { ...winner!.params },
    rule: next === undefined ? "only" : ruleOf(winner!, next),
    before: next === undefined ? null : toPlace(next.candidate),
  };
}

function ruleOf<T>(winner: Passed<T>, next: Passed<T>): WinningRule {
  if (winner.candidate.host !== next.candidate.host) return "host";
  if (winner.kind !== next.kind) return "exact_path";
  if (winner.candidate.pattern.key !== next.candidate.pattern.key) return "longer_prefix";
  return rankRule(winner.candidate, next.candidate);
}

function notesOfPassed<T>(index: HostIndex<T>, passed: readonly Passed<T>[]): ExplainedNote[] {
  const winner = passed[0]!.candidate;
  const notes: ExplainedNote[] = [];
  const told = new Set<string>([winner.route.id]);
  for (const { candidate } of passed.slice(0, MAX_NOTED)) {
    if (notes.length === MAX_NOTES) break;
    const { route } = candidate;
    if (told.has(route.id)) continue;
    told.add(route.id);
    const by = shadowedBy(index, candidate);
    if (by !== undefined) {
      notes.push({
        kind: "shadowed",
        id: route.id,
        text:
          `Route ${route.id} never wins here: route ${by.id} has the same host, path and priority, and asks for no more.`,
      });
    } else if (route.priority > winner.route.priority) {
      notes.push({
        kind: "priority_not_compared",
        id: route.id,
        text:
          `Route ${route.id} has the higher priority ${route.priority}, which counts only among routes of the same host and path.`,
      });
    }
  }
  return notes;
}

function* notesOfDisabled<T>(routes: readonly CompiledRoute<T>[], request: MatchRequest): Steps<ExplainedNote[]> {
  const notes: ExplainedNote[] = [];
  for (const route of routes) {
    if (notes.length === MAX_NOTES) break;
    if (route.source.disabled !== true || !(yield* fitsOtherwise(route, request))) continue;
    notes.push({
      kind: "disabled",
      id: route.id,
      text: `Route ${route.id} fits the request, but is disabled (status 0).`,
    });
  }
  return notes;
}

/** Whether a disabled route fits a request but for that. */
function* fitsOtherwise<T>(route: CompiledRoute<T>, request: MatchRequest): Steps<boolean> {
  for (const candidate of route.candidates) {
    yield;
    if (lacksOf(candidate, request)?.every(({ kind }) => kind === "disabled") === true) return true;
  }
  return false;
}

import type { Candidate, CompiledRoute } from "./candidate.ts";
import type { HostIndex } from "./host-index.ts";
import { isPrefix } from "./path-pattern.ts";
import { candidatesOf } from "./place.ts";

/** A route that can never win at one of its places. */
export interface Shadow {
  readonly id: string;
  /** The route that wins instead. */
  readonly by: string;
  /** undefined for routes without a host. */
  readonly host: string | undefined;
  readonly uri: string;
}

/** Most routes of one place that are compared with one, those nearest before it. */
const MAX_COMPARED = 50;

/** Most shadows that are told. */
const MAX_SHADOWS = 1000;

/** Finds the places where one route stands before an equal one that asks for no less: same host, path and priority. */
export function findShadows<T>(index: HostIndex<T>): readonly Shadow[] {
  const shadows: Shadow[] = [];
  for (const place of index.places()) {
    const all = candidatesOf(place);
    for (const [at, candidate] of all.entries()) {
      const by = coverBefore(all, at);
      if (by === undefined) continue;
      shadows.push({ id: candidate.route.id, by: by.id, host: candidate.host, uri: candidate.pattern.uri });
      if (shadows.length === MAX_SHADOWS) return shadows;
    }
  }
  return shadows;
}

/** The route that keeps a candidate from ever winning. */
export function shadowedBy<T>(index: HostIndex<T>, candidate: Candidate<T>): CompiledRoute<T> | undefined {
  const place = index.of(candidate)?.placeOf(candidate);
  const all = place === undefined ? [] : candidatesOf(place);
  return coverBefore(all, all.indexOf(candidate));
}

function coverBefore<T>(all: readonly Candidate<T>[], at: number): CompiledRoute<T> | undefined {
  const candidate = all[at];
  for (let i = at - 1; i >= Math.max(0, at - MAX_COMPARED); i--) {
    const other = all[i]!;
    if (other.route.priority !== candidate!.route.priority) return undefined;
    if (other.route !== candidate!.route && covers(other, candidate!)) return other.route;
  }
  return undefined;
}

/** Whether the first takes every request that the second takes, as far as can be told by comparing what is configured. */
function covers(a: Candidate<unknown>, b: Candidate<unknown>): boolean {
  if (a.pattern.params !== undefined && !isPrefix(a.pattern) && a.pattern.uri !== b.pattern.uri) return false;
  const [all, some] = [a.route.source, b.route.source];
  const [mask, part] = [a.methods, b.methods];
  if (mask !== 0 && (part === 0 || (mask & part) !== part)) return false;
  if (a.host === undefined && !includesAll(all.hosts, some.hosts)) return false;
  if (!includesAll(all.remoteAddrs, some.remoteAddrs)) return false;
  return isNothing(all.vars) || JSON.stringify(all.vars) === JSON.stringify(some.vars);
}

/** An empty list stands for everything. */
function includesAll(all: readonly string[], some: readonly string[]): boolean {
  return all.length === 0 || (some.length > 0 && some.every((one) => all.includes(one)));
}

function isNothing(vars: unknown): boolean {
  return vars === undefined || vars === null || (typeof vars === "object" && Object.keys(vars).length === 0);
}

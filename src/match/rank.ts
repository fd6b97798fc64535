import type { Candidate } from "./candidate.ts";

/** Which of the rules put one route before another of the same host and path. */
export type RankRule = "priority" | "longer_path" | "id";

/**
 * Orders routes of one host and path: higher priority, then the longer configured path, then the smaller id. Unlike APISIX, which leaves the
 * last to the order of arrival, this is a total order, so that every instance agrees.
 */
export function compareRank(a: Candidate<unknown>, b: Candidate<unknown>): number {
  return b.route.priority - a.route.priority || b.pattern.length - a.pattern.length ||
    compareIds(a.route.id, b.route.id) ||
    compareText(a.pattern.uri, b.pattern.uri);
}

/** The first rule in which two candidates of one host and path differ. */
export function rankRule(a: Candidate<unknown>, b: Candidate<unknown>): RankRule {
  if (a.route.priority !== b.route.priority) return "priority";
  return a.pattern.length === b.pattern.length ? "id" : "longer_path";
}

const DIGITS = /^\d+$/;

/** Numbers before other ids and by their value, the others by UTF-16 code units. */
export function compareIds(a: string, b: string): number {
  const numeric = DIGITS.test(a);
  if (numeric !== DIGITS.test(b)) return numeric ? -1 : 1;
  if (!numeric) return compareText(a, b);
  // Ids that the store generates have 20 digits, more than a number holds.
  const shortA = a.replace(/^0+(?=\d)/, "");
  const shortB = b.replace(/^0+(?=\d)/, "");
  return shortA.length - shortB.length || compareText(shortA, shortB) || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

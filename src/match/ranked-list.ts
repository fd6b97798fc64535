import type { Candidate } from "./candidate.ts";
import { compareRank } from "./rank.ts";

/** Puts a candidate where it belongs in a list that is sorted best first. */
export function insertRanked<T>(list: Candidate<T>[], candidate: Candidate<T>): void {
  list.splice(positionOf(list, candidate), 0, candidate);
}

/** Takes a candidate out of a list that is sorted best first. */
export function removeRanked<T>(list: Candidate<T>[], candidate: Candidate<T>): void {
  const at = positionOf(list, candidate);
  if (list[at] === candidate) list.splice(at, 1);
}

function positionOf<T>(list: readonly Candidate<T>[], candidate: Candidate<T>): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareRank(list[middle]!, candidate) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

import { Bucket } from "./bucket.ts";
import type { Candidate } from "./candidate.ts";

/** The routes of one host and one path. Nearly always it is one route, which then stands there itself: that is one step less to it. */
export type Place<T> = Candidate<T> | Bucket<T>;

/** The place with one route more. */
export function addTo<T>(place: Place<T> | undefined, candidate: Candidate<T>): Place<T> {
  if (place === undefined) return candidate;
  if (place instanceof Bucket) {
    place.add(candidate);
    return place;
  }
  const bucket = new Bucket<T>();
  bucket.add(place);
  bucket.add(candidate);
  return bucket;
}

/** The place with one route less; undefined where none is left. */
export function removeFrom<T>(place: Place<T> | undefined, candidate: Candidate<T>): Place<T> | undefined {
  if (!(place instanceof Bucket)) return place === candidate ? undefined : place;
  place.remove(candidate);
  return place.size === 1 ? place.candidates[0] : place;
}

/** The routes of a place, best first. */
export function candidatesOf<T>(place: Place<T>): readonly Candidate<T>[] {
  return place instanceof Bucket ? place.candidates : [place];
}

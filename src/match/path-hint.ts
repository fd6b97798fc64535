import { isPrefix, type PathPattern } from "./path-pattern.ts";
import { isAlmost } from "./spelling.ts";

/** In what a path that does not fit a configured one differs, in words; undefined where it differs in more than one thing. */
export function pathHint(pattern: PathPattern, path: string): string | undefined {
  const { key, exact, uri } = pattern;
  const { lower, segments } = requested(path);
  if (exact) {
    if (`${path}/` === key) return "has a slash at its end";
    if (path === `${key}/`) return "has no slash at its end";
    if (path.length === key.length && lower === key.toLowerCase()) return "differs in letter case";
    return bySegments(key, segments, false);
  }
  if (pattern.params === undefined || isPrefix(pattern)) {
    if (`${path}/` === key) return "takes what follows the slash, not the path without it";
    if (lower.startsWith(key.toLowerCase())) return "differs in letter case";
    return bySegments(key, segments, true);
  }
  return uri.includes("/*") || uri.startsWith("*") ? undefined : bySegments(uri, segments, false);
}

interface Requested {
  readonly path: string;
  readonly lower: string;
  readonly segments: readonly string[];
}

/** The last path that was asked for: it is compared with all routes, one after the other. */
let last: Requested = { path: "", lower: "", segments: [""] };

function requested(path: string): Requested {
  if (path !== last.path) last = { path, lower: path.toLowerCase(), segments: path.split("/") };
  return last;
}

/**
 * Compares a configured path, segment by segment, with what was asked for.
 *
 * @param prefix Whether the configured one is a prefix, whose last segment may be the beginning of one, and what follows does not count.
 */
function bySegments(wanted: string, found: readonly string[], prefix: boolean): string | undefined {
  let count = 0, differing = 0, alike = false, spelled = false;
  for (let start = 0, slash = 0; slash >= 0; start = slash + 1) {
    slash = wanted.indexOf("/", start);
    const stop = slash < 0 ? wanted.length : slash, length = stop - start;
    const actual = found[count++];
    if (actual === undefined) continue;
    const fits = (actual.length === length && wanted.startsWith(actual, start)) ||
      (length > 0 && wanted[start] === ":" && actual !== "") ||
      (prefix && slash < 0 && actual.startsWith(wanted.slice(start)));
    if (fits) alike ||= length > 0;
    else if (++differing > 1) return undefined;
    else spelled = isAlmost(wanted.slice(start, stop), actual);
  }
  const actual = prefix ? Math.min(found.length, count) : found.length;
  if (count === actual) {
    if (differing !== 1) return undefined;
    if (spelled) return "is spelled almost so";
    return alike ? "differs in one segment" : undefined;
  }
  // The root has a slash in common with every path, which makes none of them near.
  if (!alike || differing > 0 || Math.abs(count - actual) !== 1) return undefined;
  return count > actual ? "has one segment more" : "has one segment less";
}

import { isPrefix, type PathPattern } from "./path-pattern.ts";
import { isAlmost } from "./spelling.ts";

/** In what a path that does not fit a configured one differs, in words; undefined where it differs in more than one thing. */
export function pathHint(pattern: PathPattern, path: string): string | undefined {
  const { key, exact, uri } = pattern;
  if (exact) {
    if (`${path}/` === key) return "has a slash at its end";
    if (path === `${key}/`) return "has no slash at its end";
    if (path.toLowerCase() === key.toLowerCase()) return "differs in letter case";
    return bySegments(key.split("/"), path.split("/"));
  }
  if (pattern.params === undefined || isPrefix(pattern)) {
    if (`${path}/` === key) return "takes what follows the slash, not the path without it";
    if (path.toLowerCase().startsWith(key.toLowerCase())) return "differs in letter case";
    const wanted = key.split("/");
    // What the prefix says of its last segment may be a part of it.
    const found = path.split("/").slice(0, wanted.length);
    if (found.at(-1)?.startsWith(wanted.at(-1)!)) found[found.length - 1] = wanted.at(-1)!;
    return bySegments(wanted, found);
  }
  const wanted = uri.split("/");
  const found = path.split("/");
  return wanted.some((segment) => segment.startsWith("*")) ? undefined : bySegments(wanted, found);
}

function bySegments(wanted: readonly string[], found: readonly string[]): string | undefined {
  const fits = (i: number): boolean => wanted[i] === found[i] || (wanted[i]!.startsWith(":") && found[i] !== "");
  const short = Math.min(wanted.length, found.length);
  const differing = wanted.slice(0, short).flatMap((_, i) => fits(i) ? [] : [i]);
  const alike = wanted.slice(0, short).some((segment, i) => segment !== "" && fits(i));
  if (wanted.length === found.length) {
    const [at] = differing;
    if (differing.length !== 1 || at === undefined) return undefined;
    if (isAlmost(wanted[at]!, found[at]!)) return "is spelled almost so";
    return alike ? "differs in one segment" : undefined;
  }
  // The root has a slash in common with every path, which makes none of them near.
  if (!alike || differing.length > 0 || Math.abs(wanted.length - found.length) !== 1) return undefined;
  return wanted.length > found.length ? "has one segment more" : "has one segment less";
}

import type { PathParams } from "./route.ts";
import { fitsByHand } from "./path-fits.ts";
import { compileRegex } from "./regex.ts";

/** What a segment of a configured path takes: this text, any one segment, or all that is left. The last two have names. */
export type PathPart = { readonly text: string } | { readonly one: string } | { readonly rest: string };

/** Characters that mean more than themselves in a regular expression. */
const SPECIAL = /[\\^$.|?*+()[\]{}]/;

/** Takes a path apart: its parameters, or undefined where the path is another one. */
type TakeApart = (path: string) => PathParams | undefined;

/** A path with `:name` or `*name` segments, compiled. */
export interface PathParts {
  readonly params: TakeApart;
  /** Whether {@link PathParts.params} finds any. It is given the configured path. */
  readonly fits: (path: string, uri: string) => boolean;
  /** What {@link SegmentTrie} can index; undefined where a segment is a regular expression. */
  readonly parts: readonly PathPart[] | undefined;
}

/**
 * Compiles a path with `:name` or `*name` segments. The usual ones (one `*`, no characters special to regular expressions) are compared
 * by hand; the others by the linear-time engine.
 *
 * @returns undefined where no segment begins with `:` or `*`; a text where it cannot be compiled, which says why.
 */
export function compilePathParts(uri: string): PathParts | undefined | string {
  const parts = splitPath(uri).map(toPart);
  if (parts.every((part) => "text" in part)) return undefined;
  const stars = parts.filter((part) => "rest" in part).length;
  const regular = parts.some((part) => "text" in part && SPECIAL.test(part.text));
  const names = parts.map((part) => "one" in part ? part.one : "rest" in part ? part.rest : undefined);
  const repeated = names.some((name, i) => name !== undefined && names.indexOf(name) !== i);
  if (stars <= 1 && !regular && !repeated) {
    const params = byHand(parts);
    // Slashes at the end of a configured path count once.
    return { params, parts, fits: uri.endsWith("//") ? (path) => params(path) !== undefined : fitsByHand };
  }
  const params = byRegex(parts);
  if (typeof params === "string") return params;
  return { params, parts: regular ? undefined : parts, fits: (path) => params(path) !== undefined };
}

/** Empty segments at the end are one: nginx has merged a request's slashes. */
function splitPath(uri: string): string[] {
  const segments = uri.split("/");
  const slash = segments.length > 1 && segments.at(-1) === "";
  while (segments.at(-1) === "" && segments.length > 0) segments.pop();
  if (slash) segments.push("");
  return segments;
}

function toPart(segment: string): PathPart {
  if (segment.startsWith(":")) return { one: segment.slice(1) };
  // APISIX calls a rest without a name `:ext`.
  if (segment.startsWith("*")) return { rest: segment.slice(1) || ":ext" };
  return { text: segment };
}

/** Compares from the front up to the star, from the back down to it; what is left is the star's. */
function byHand(parts: readonly PathPart[]): TakeApart {
  const star = parts.findIndex((part) => "rest" in part);
  const front = star < 0 ? parts : parts.slice(0, star);
  const back = star < 0 ? [] : parts.slice(star + 1);
  const rest = star < 0 ? undefined : (parts[star] as { rest: string }).rest;
  return (path) => {
    const params: Record<string, string> = Object.create(null);
    let at = 0;
    for (const [i, part] of front.entries()) {
      const slash = path.indexOf("/", at);
      const stop = slash < 0 ? path.length : slash;
      if (!takes(part, path, at, stop, params)) return undefined;
      const last = i === parts.length - 1;
      if (last) return stop === path.length ? params : undefined;
      if (slash < 0) return undefined;
      at = slash + 1;
    }
    let end = path.length;
    for (const part of back.toReversed()) {
      const slash = end === 0 ? -1 : path.lastIndexOf("/", end - 1);
      if (slash < at) return undefined;
      if (!takes(part, path, slash + 1, end, params)) return undefined;
      end = slash;
    }
    params[rest!] = path.slice(at, end);
    return params;
  };
}

function takes(part: PathPart, path: string, at: number, stop: number, params: Record<string, string>): boolean {
  if ("text" in part) return stop - at === part.text.length && path.startsWith(part.text, at);
  if ("one" in part) {
    if (stop === at) return false;
    params[part.one] = path.slice(at, stop);
  }
  return true;
}

function byRegex(parts: readonly PathPart[]): TakeApart | string {
  const names: string[] = [];
  const pattern = parts.map((part) => {
    if ("text" in part) return part.text;
    // Groups of the user's own would shift numbers, so ours have names.
    const group = `gw${names.length}`;
    names.push("one" in part ? part.one : part.rest);
    return "one" in part ? `(?P<${group}>[^/]+)` : `(?P<${group}>(?:.|\\n)*)`;
  }).join("/");
  const regex = compileRegex(pattern, false);
  if (typeof regex === "string") return regex;
  return (path) => {
    const groups = regex.whole(path, names.map((_, i) => `gw${i}`));
    if (groups === undefined) return undefined;
    const params: Record<string, string> = Object.create(null);
    for (const [i, name] of names.entries()) params[name] = groups[i]!;
    return params;
  };
}

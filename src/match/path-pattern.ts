import { compilePathParts, type PathPart } from "./path-parts.ts";
import type { MatchIssue, PathParams } from "./route.ts";

/** One configured path, compiled. */
export interface PathPattern {
  /** As configured. */
  readonly uri: string;
  /** Length of {@link PathPattern.uri} in bytes, which ranks routes of the same key. */
  readonly length: number;
  /** Whether the path must be {@link PathPattern.key}, or begin with it. */
  readonly exact: boolean;
  /** What the tree is searched for. */
  readonly key: string;
  /** Set where being found under the key is not all: the path's parameters, or undefined where the path is another one. */
  readonly params: ((path: string) => PathParams | undefined) | undefined;
  /** Set where {@link PathPattern.params} is: whether the path is no other one. It is given {@link PathPattern.uri}. */
  readonly fits: ((path: string, uri: string) => boolean) | undefined;
  /** The segments, where each is a text, a parameter or a rest. */
  readonly parts: readonly PathPart[] | undefined;
}

/** No parameters. */
export const NO_PARAMS: PathParams = Object.freeze(Object.create(null) as Record<string, string>);

const encoder: TextEncoder = new TextEncoder();

/**
 * Compiles a configured path as lua-resty-radixtree reads it (`lib/resty/radixtree.lua`, `common_route_data` and `fetch_pat`).
 *
 * - `/a`: that path. `/a*`, `/a/*`: what begins with what stands before `*`.
 * - With parameters, `/a/:id` takes one segment that is not empty, and `/a/*rest` all that follows.
 * - `*` before the end: whatever stands after it is compared only where some segment begins with `*` (or, after the first `*`, with `:`);
 *   `*` takes any text, slashes included, `:id` one segment, and the other segments are regular expressions, unescaped. So `/a/*\/b` is what it
 *   looks like, and `/a*b` is the prefix `/a`.
 */
export function compilePath(uri: string, withParameters: boolean): PathPattern | MatchIssue["message"] {
  const colon = withParameters ? uri.indexOf(":") : -1;
  const mark = colon >= 0 ? colon : uri.indexOf("*");
  const length = encoder.encode(uri).length;
  if (mark < 0) return { uri, length, exact: true, key: uri, params: undefined, fits: undefined, parts: undefined };
  const key = uri.slice(0, mark);
  // A prefix and nothing else, which the tree has compared already.
  if (mark === uri.length - 1 && uri[mark] === "*") {
    const params = withParameters && key.endsWith("/") ? restAfter(key.length) : undefined;
    const fits = params === undefined ? undefined : () => true;
    return { uri, length, exact: false, key, params, fits, parts: undefined };
  }
  const compiled = compilePathParts(uri);
  if (typeof compiled === "string") return compiled;
  const { params, fits, parts } = compiled ?? {};
  return { uri, length, exact: false, key, params, fits, parts };
}

/** Whether a path is a prefix and nothing else, as `/a*` and `/a/*`. */
export function isPrefix({ exact, uri, key }: PathPattern): boolean {
  return !exact && uri.length === key.length + 1 && uri.endsWith("*");
}

/** What `/a/*` takes; APISIX calls a rest without a name `:ext`. */
function restAfter(length: number): (path: string) => PathParams {
  return (path) => {
    const params: Record<string, string> = Object.create(null);
    params[":ext"] = path.slice(length);
    return params;
  };
}

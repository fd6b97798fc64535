/** How request paths become the path that routes are matched against. All off by default, as in Apache APISIX (`conf/config-default`). */
export interface PathOptions {
  /** Take one slash off the end, so that `/a/` is matched as `/a`. `/` stays. */
  readonly deleteTailSlash?: boolean;
  /** Cut `;...` off every segment, as servlet containers do (`/a;v=1/b` is matched as `/a/b`). */
  readonly likeServlet?: boolean;
  /** Match `%2F` as the text `%2F` rather than as a slash, where nothing but percent-decoding separates the target from its path. */
  readonly keepEncodedSlash?: boolean;
}

/** A request target, taken apart. */
export interface NormalizedTarget {
  /** What nginx calls `$uri`: decoded, dot segments resolved, slashes merged. */
  readonly path: string;
  /** What routes are matched against: {@link NormalizedTarget.path}, but for {@link PathOptions.keepEncodedSlash}. */
  readonly matchPath: string;
  /** What follows the first `?`, as received; undefined without one. */
  readonly query: string | undefined;
}

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;
const QUESTION = 0x3f;
const HASH = 0x23;

/**
 * Makes the function that takes request targets in origin form apart. It answers undefined for a target that nginx answers
 * with 400: one that does not begin with a slash, holds a control character, `%` without two hexadecimal digits, `%00`, or leaves the root
 * by `..`; with `likeServlet` also parameters on a dot segment or on an empty one.
 *
 * Bytes that are not UTF-8 become lone surrogates (0xDC80 to 0xDCFF), so that no two paths become one.
 *
 * Rules: nginx `ngx_http_parse_complex_uri` with `merge_slashes on`; APISIX `apisix/init.lua` for the options.
 *
 * @example
 * ```ts
 * const normalize = createPathNormalizer();
 * normalize("/a/./b//%63?x=1"); // { path: "/a/b/c", matchPath: "/a/b/c", query: "x=1" }
 * normalize("/%zz"); // undefined
 * ```
 */
export function createPathNormalizer(options: PathOptions = {}): (target: string) => NormalizedTarget | undefined {
  const { deleteTailSlash = false, likeServlet = false, keepEncodedSlash = false } = options;
  const plain = !deleteTailSlash && !likeServlet && !keepEncodedSlash;
  return (target) => {
    const end = normalEnd(target);
    const decoded = end >= 0 ? (end === target.length ? target : target.slice(0, end)) : resolve(target);
    if (decoded === undefined) return undefined;
    const mark = end >= 0 ? end : target.indexOf("?");
    const query = mark >= 0 && mark < target.length ? target.slice(mark + 1) : undefined;
    if (plain) return { path: decoded, matchPath: decoded, query };
    let path = decoded;
    if (likeServlet && path.includes(";")) {
      const cut = cutParameters(path);
      if (cut === undefined) return undefined;
      path = cut;
    }
    if (deleteTailSlash && path.length > 1 && path.endsWith("/")) path = path.slice(0, -1);
    return { path, matchPath: keepEncodedSlash ? keepSlashes(target, decoded, path) : path, query };
  };
}

/** Where the path of a target ends that is already normal, or -1 where it is not, or may not be. */
function normalEnd(target: string): number {
  if (target.charCodeAt(0) !== SLASH) return -1;
  let afterSlash = true;
  for (let i = 1; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code === QUESTION) return i;
    // A segment that begins with a dot is left to the slow way, though few of them are dot segments.
    if (afterSlash && (code === SLASH || code === DOT)) return -1;
    if (code === PERCENT || code === HASH || code <= 0x20 || code >= 0x7f) return -1;
    afterSlash = code === SLASH;
  }
  return target.length;
}

/** The path of any target, or undefined where it is malformed. */
function resolve(target: string): string | undefined {
  if (target.charCodeAt(0) !== SLASH) return undefined;
  const out: number[] = [SLASH];
  let at = 1;
  while (at <= target.length) {
    let code = at < target.length ? target.charCodeAt(at) : -1;
    if (code === QUESTION || code === HASH) code = -1;
    else if (code === PERCENT) {
      code = hexByte(target, at + 1);
      if (code <= 0) return undefined;
      at += 2;
    } else if (code >= 0 && (code <= 0x20 || code === 0x7f)) return undefined;
    // A slash or the end closes a segment; a decoded slash is one too.
    if (code === SLASH || code === -1) {
      if (!closeSegment(out)) return undefined;
      if (code === -1) break;
      if (out[out.length - 1] !== SLASH) out.push(SLASH);
    } else {
      if (code > 0xff) pushUtf8(out, target.codePointAt(at)!);
      else out.push(code);
      if (code >= 0xd800 && code <= 0xdbff) at++;
    }
    at++;
  }
  return decodeUtf8(out);
}

/** Takes `.` and `..` off the end of a path whose last segment is complete. False where `..` leaves the root. */
function closeSegment(out: number[]): boolean {
  const last = out.length - 1;
  if (out[last] !== DOT) return true;
  if (out[last - 1] === SLASH) {
    out.length = last;
    return true;
  }
  if (out[last - 1] !== DOT || out[last - 2] !== SLASH) return true;
  const parent = out.lastIndexOf(SLASH, last - 3);
  if (last - 3 < 0 || parent < 0) return false;
  out.length = parent + 1;
  return true;
}

function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function pushUtf8(out: number[], codePoint: number): void {
  out.push(...new TextEncoder().encode(String.fromCodePoint(codePoint)));
}

const strict: TextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 to text; a byte that is not part of a character becomes 0xDC00 + byte. */
export function decodeUtf8(bytes: ArrayLike<number>): string {
  const all = Uint8Array.from(bytes);
  try {
    return strict.decode(all);
  } catch {
    const parts: string[] = [];
    let good = 0;
    for (let at = 0; at < all.length;) {
      const length = characterLength(all, at);
      if (length === 0) {
        parts.push(strict.decode(all.subarray(good, at)), String.fromCharCode(0xdc00 + all[at]!));
        good = at + 1;
      }
      at += length === 0 ? 1 : length;
    }
    parts.push(strict.decode(all.subarray(good)));
    return parts.join("");
  }
}

/** Bytes of the well-formed character that begins at `at`, or 0 (RFC 3629 section 4). */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = first >= 0xc2 && first <= 0xdf
    ? 2
    : (first & 0xf0) === 0xe0
    ? 3
    : first >= 0xf0 && first <= 0xf4
    ? 4
    : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1]!;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = at + 2; i < at + length; i++) if ((bytes[i]! & 0xc0) !== 0x80) return 0;
  return length;
}

/** @returns undefined where a parameter hides a dot segment or an empty one, by which filters in front could be passed. */
function cutParameters(path: string): string | undefined {
  const segments = path.split("/");
  for (const [i, segment] of segments.entries()) {
    const mark = segment.indexOf(";");
    if (mark < 0) continue;
    const cut = segment.slice(0, mark);
    if (cut === "" && i < segments.length - 1) return undefined;
    if (/^(?:\.|%2e){1,2}$/i.test(cut)) return undefined;
    segments[i] = cut;
  }
  return segments.join("/");
}

/** `%2F` stays as it is, but only where decoding alone makes the target its path: nothing is hidden behind it then. */
function keepSlashes(target: string, decoded: string, path: string): string {
  const mark = target.indexOf("?");
  const raw = mark < 0 ? target : target.slice(0, mark);
  if (!/%2f/i.test(raw)) return path;
  const whole = percentDecode(raw, false);
  return whole === decoded ? percentDecode(raw, true) : path;
}

function percentDecode(raw: string, keepSlash: boolean): string {
  const out: number[] = [];
  for (let at = 0; at < raw.length; at++) {
    const byte = raw.charCodeAt(at) === PERCENT ? hexByte(raw, at + 1) : -1;
    if (byte === SLASH && keepSlash) out.push(PERCENT, 0x32, 0x46);
    else out.push(byte >= 0 ? byte : raw.charCodeAt(at) & 0xff);
    if (byte >= 0) at += 2;
  }
  return decodeUtf8(out);
}

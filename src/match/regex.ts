import { RE2JS } from "re2js";
import { quote } from "../config/issue.ts";

/** Longest pattern that is accepted, in UTF-16 units. */
const MAX_PATTERN = 4096;

/** Longest text that is searched, in UTF-16 units; of a longer one the beginning. As long as nginx lets a header field be by default. */
const MAX_INPUT = 8192;

/** Most instructions of a compiled pattern: time is linear in the text, but by a factor that grows with them. */
const MAX_PROGRAM = 1000;

/** A regular expression of a user's, which takes time linear in its input. */
export interface Regex {
  /** Whether it is found anywhere in the text. */
  search(text: string): boolean;
  /** The named groups where it takes the whole text, as a search that prefers the first alternative finds it. */
  whole(text: string, groups: readonly string[]): string[] | undefined;
  /** Where it is found, first to last, none within another. Unlike for the others, it is the caller who bounds the text. */
  matches(text: string): Generator<RegexMatch>;
}

/** One place where a {@link Regex} was found. */
export interface RegexMatch {
  /** Where it begins and ends, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** A group by its number, 0 for all of it; undefined where it took no part, or there is none. */
  group(number: number): string | undefined;
}

/** How a pattern is to be understood; all off by default. */
export interface RegexModes {
  /** `.` takes line breaks, too. */
  readonly dotAll?: boolean;
  /** `^` and `$` stand for the beginning and end of every line. */
  readonly multiline?: boolean;
}

/**
 * Compiles a regular expression in RE2's syntax (https://github.com/google/re2/wiki/Syntax), which is PCRE's without what needs
 * backtracking: back references, look-around, atomic groups, possessive repetition. Letter case of the whole ASCII and Unicode range is
 * ignored where asked.
 *
 * @returns Where it cannot be compiled, what it must be and is, in words.
 */
export function compileRegex(pattern: string, ignoreCase: boolean, modes: RegexModes = {}): Regex | string {
  if (pattern.length > MAX_PATTERN) {
    return `must be a regular expression of at most ${MAX_PATTERN} characters, has ${pattern.length}`;
  }
  const flags = (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) | (modes.dotAll === true ? RE2JS.DOTALL : 0) |
    (modes.multiline === true ? RE2JS.MULTILINE : 0);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern, flags);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace("error parsing regexp: ", "") : String(error);
    return `must be a regular expression of RE2's syntax (linear time: no back references, look-around, atomic groups), ` +
      `is ${quote(pattern)}: ${reason.slice(0, 200)}`;
  }
  if (compiled.programSize() > MAX_PROGRAM) {
    return `must be a regular expression that compiles to at most ${MAX_PROGRAM} instructions, is ${quote(pattern)}: ` +
      `it has ${compiled.programSize()}; repeat less`;
  }
  return {
    search: (text: string): boolean => compiled.test(text.length > MAX_INPUT ? text.slice(0, MAX_INPUT) : text),
    whole: (text: string, groups: readonly string[]): string[] | undefined => {
      if (text.length > MAX_INPUT) return undefined;
      const matcher = compiled.matcher(text);
      if (!matcher.lookingAt() || matcher.end() !== text.length) return undefined;
      return groups.map((group) => matcher.group(group) ?? "");
    },
    *matches(text) {
      const matcher = compiled.matcher(text);
      const count = matcher.groupCount();
      const group = (number: number) => number > count ? undefined : matcher.group(number) ?? undefined;
      while (matcher.find()) yield { start: matcher.start(), end: matcher.end(), group };
    },
  };
}

import { RE2JS } from "re2js";
import { quote } from "../config/issue.ts";

/** Longest pattern that is accepted, in UTF-16 units. */
const MAX_PATTERN = 4096;

/** Longest text that is searched, in UTF-16 units; of a longer one the beginning. */
const MAX_INPUT = 65_536;

/** A regular expression of a user's, which takes time linear in its input. */
export interface Regex {
  /** Whether it is found anywhere in the text. */
  search(text: string): boolean;
  /** The named groups where it takes the whole text, as a search that prefers the first alternative finds it. */
  whole(text: string, groups: readonly string[]): string[] | undefined;
}

/**
 * Compiles a regular expression in RE2's syntax (https://github.com/google/re2/wiki/Syntax), which is PCRE's without what needs
 * backtracking: back references, look-around, atomic groups, possessive repetition. Letter case of the whole ASCII and Unicode range is
 * ignored where asked.
 *
 * @returns Where it cannot be compiled, what it must be and is, in words.
 */
export function compileRegex(pattern: string, ignoreCase: boolean): Regex | string {
  if (pattern.length > MAX_PATTERN) {
    return `must be a regular expression of at most ${MAX_PATTERN} characters, has ${pattern.length}`;
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace("error parsing regexp: ", "") : String(error);
    return `must be a regular expression of RE2's syntax (linear time: no back references, look-around, atomic groups), ` +
      `is ${quote(pattern)}: ${reason.slice(0, 200)}`;
  }
  return {
    search: (text: string): boolean => compiled.test(text.length > MAX_INPUT ? text.slice(0, MAX_INPUT) : text),
    whole: (text: string, groups: readonly string[]): string[] | undefined => {
      if (text.length > MAX_INPUT) return undefined;
      const matcher = compiled.matcher(text);
      if (!matcher.lookingAt() || matcher.end() !== text.length) return undefined;
      return groups.map((group) => matcher.group(group) ?? "");
    },
  };
}

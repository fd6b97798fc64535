import { RE2JS } from "re2js";

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
 * @returns The reason in words where it cannot be compiled.
 */
export function compileRegex(pattern: string, ignoreCase: boolean): Regex | string {
  if (pattern.length > MAX_PATTERN) {
    return `Cannot use the regular expression as it must be at most ${MAX_PATTERN} characters long: it has ${pattern.length}`;
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace("error parsing regexp: ", "") : String(error);
    return `Cannot use the regular expression '${pattern}' as it must be one of RE2's (linear time: no back references, ` +
      `look-around, atomic groups): ${reason}`;
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

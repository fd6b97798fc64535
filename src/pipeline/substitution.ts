import { quote } from "../config/issue.ts";
import { compileRegex, type RegexMatch, type RegexModes } from "../match/regex.ts";

/** Replaces what a user's regular expression finds. Takes time linear in the text, which the caller bounds. */
export interface Substitution {
  /** Replaces the first match. Undefined where there is none. */
  first(text: string): Substituted | undefined;
  /** Replaces every match; lets other work run in between where there are many. */
  all(text: string): Promise<string>;
}

/** A text of which a part was replaced. */
export interface Substituted {
  readonly text: string;
  /** A group of the match by its number, 0 for all of it; undefined where it took no part, or there is none. */
  capture(number: number): string | undefined;
}

/** Why a {@link Substitution} cannot be made. */
export interface SubstitutionFault {
  readonly at: "pattern" | "replacement";
  /** What it must be and is, in words. */
  readonly message: string;
}

/** Milliseconds of work without a break. */
const SLICE = 5;

/**
 * Prepares a substitution. In the replacement `$1` and `${1}` stand for a group, `$0` for the whole match, `$$` for a dollar sign, as in `ngx.re.sub`
 * (https://github.com/openresty/lua-nginx-module#ngxresub).
 */
export function compileSubstitution(
  pattern: string,
  replacement: string,
  options: RegexModes & { readonly ignoreCase?: boolean } = {},
): Substitution | SubstitutionFault {
  const regex = compileRegex(pattern, options.ignoreCase === true, options);
  if (typeof regex === "string") return { at: "pattern", message: regex };
  const parts = parseReplacement(replacement);
  if (typeof parts === "string") return { at: "replacement", message: parts };

  const fill = (match: RegexMatch) => {
    let text = "";
    for (const part of parts) text += typeof part === "string" ? part : match.group(part) ?? "";
    return text;
  };
  return {
    first(text) {
      for (const match of regex.matches(text)) {
        return { text: text.slice(0, match.start) + fill(match) + text.slice(match.end), capture: match.group };
      }
      return undefined;
    },
    async all(text) {
      let replaced = "", end = 0, count = 0, pause = performance.now() + SLICE;
      for (const match of regex.matches(text)) {
        replaced += text.slice(end, match.start) + fill(match);
        end = match.end;
        if (++count % 64 !== 0 || performance.now() < pause) continue;
        await new Promise((resolve) => setTimeout(resolve, 0));
        pause = performance.now() + SLICE;
      }
      return end === 0 && replaced === "" ? text : replaced + text.slice(end);
    },
  };
}

function parseReplacement(text: string): (string | number)[] | string {
  const parts: (string | number)[] = [];
  let literal = "", end = 0;
  for (const found of text.matchAll(/\$(?:\$|(\d+)|\{(\d+)\})?/g)) {
    literal += text.slice(end, found.index);
    end = found.index + found[0].length;
    if (found[0] === "$") return `must write a dollar sign as "$$", a group as "$1" or "\${1}", is ${quote(text)}`;
    const number = found[1] ?? found[2];
    if (number === undefined) {
      literal += "$";
      continue;
    }
    if (literal !== "") parts.push(literal);
    literal = "";
    parts.push(Number(number));
  }
  literal += text.slice(end);
  if (literal !== "") parts.push(literal);
  return parts;
}

import { compileVariable } from "../match/compile-variable.ts";
import { type RequestVariables, toText } from "../match/request-variables.ts";
import type { Variable } from "../match/variable.ts";

/** Fills a text's variables in for one request. */
export type Template = (variables: RequestVariables) => string;

/**
 * Prepares a text that holds variables: `$name` and `${name}` stand for their values, what is absent for nothing, `\$` for a dollar sign (APISIX
 * `core/utils.lua`, resolve_var).
 *
 * @example
 * ```ts
 * const key = compileTemplate("$remote_addr-${http_x_user}");
 * key(c.get("exchange").variables); // "10.0.0.7-jack"
 * ```
 */
export function compileTemplate(text: string): Template {
  const parts: (string | Variable)[] = [];
  let literal = "", end = 0;
  for (const found of text.matchAll(/\\\$|\$(?:\{(\w+)\}|(\w+))/g)) {
    literal += text.slice(end, found.index);
    end = found.index + found[0].length;
    const name = found[1] ?? found[2];
    if (name === undefined) {
      literal += "$";
      continue;
    }
    if (literal !== "") parts.push(literal);
    literal = "";
    parts.push(compileVariable(name));
  }
  literal += text.slice(end);
  if (parts.length === 0) return () => literal;
  if (literal !== "") parts.push(literal);
  return (variables) => {
    let filled = "";
    for (const part of parts) filled += typeof part === "string" ? part : toText(variables.read(part)) ?? "";
    return filled;
  };
}

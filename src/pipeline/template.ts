import { compileVariable } from "../match/compile-variable.ts";
import { toText } from "../match/request-variables.ts";
import type { Variable, VariableReader } from "../match/variable.ts";

/** Fills a text's variables in for one request. */
export type Template = (variables: VariableReader) => string;

/** As {@link Template}; undefined where no variable of the text has a value, or the text has none. */
export type KeyTemplate = (variables: VariableReader) => string | undefined;

/**
 * Prepares a text that holds variables: `$name` and `${name}` stand for their values, what is absent for nothing, `\$` for a dollar sign;
 * `${name ?? text}` for the text where the variable is absent (APISIX `core/utils.lua`, resolve_var). As there, dots belong to a name.
 *
 * @throws {SyntaxError} where {@link checkTemplate} tells why.
 *
 * @example
 * ```ts
 * const key = compileTemplate("$remote_addr-${http_x_user ?? nobody}");
 * key(c.get("exchange").variables); // "10.0.0.7-jack"
 * ```
 */
export function compileTemplate(text: string): Template {
  const parts = parse(text);
  const [only] = parts;
  if (only === undefined) return () => "";
  if (parts.length === 1 && typeof only === "string") return () => only;
  return (variables) => {
    let filled = "";
    for (const part of parts) filled += typeof part === "string" ? part : valueOf(part, variables) ?? "";
    return filled;
  };
}

/** As {@link compileTemplate}, for keys that requests are told apart by: where they have nothing of it, there is no key. */
export function compileKeyTemplate(text: string): KeyTemplate {
  const parts = parse(text);
  return (variables) => {
    let filled = "", resolved = false;
    for (const part of parts) {
      const value = typeof part === "string" ? part : valueOf(part, variables);
      if (value === undefined) continue;
      filled += value;
      if (typeof part !== "string") resolved = true;
    }
    return resolved ? filled : undefined;
  };
}

/** Why a text cannot be used as a template, or undefined. */
export function checkTemplate(text: string): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A variable of a text, and what stands for it where it is absent. */
interface Slot {
  readonly variable: Variable;
  readonly fallback: string | undefined;
}

/** A name of digits alone (`$1`, for groups of a regular expression) ends with them. */
const SLOT = /\\\$|\$(?:\{\s*([^}]+?)\s*\}|(\d+|[\w.]+))/g;

function parse(text: string): (string | Slot)[] {
  const parts: (string | Slot)[] = [];
  let literal = "", end = 0;
  for (const found of text.matchAll(SLOT)) {
    literal += text.slice(end, found.index);
    end = found.index + found[0].length;
    const inside = found[1] ?? found[2];
    if (inside === undefined) {
      literal += "$";
      continue;
    }
    if (literal !== "") parts.push(literal);
    literal = "";
    const [name = "", fallback] = inside.split(/\s*\?\?\s*/);
    parts.push({ variable: compileVariable(name), fallback });
  }
  literal += text.slice(end);
  if (literal !== "") parts.push(literal);
  return parts;
}

function valueOf({ variable, fallback }: Slot, variables: VariableReader): string | undefined {
  return toText(variables.read(variable)) ?? fallback;
}

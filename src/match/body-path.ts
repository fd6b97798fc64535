import { quote } from "../config/issue.ts";
import type { VariableValue } from "./variable-value.ts";

/** One step into a value. */
type Step =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "all" }
  | { readonly kind: "anywhere" };

/** Most values that a JSONPath yields or visits. */
const MAX_VISITS = 10_000;

/**
 * Prepares `post_arg.`'s path. Names joined by dots yield the one value there; with `[n]`, `[*]`, `.*`, `['name']` or `..name` it is a JSONPath, which yields the
 * list of what it finds, or nothing where that is empty (`apisix/core/ctx.lua`).
 *
 * @throws {SyntaxError} for slices, filters and scripts, which are not supported, and for what is malformed.
 */
export function compileBodyPath(path: string): (body: VariableValue) => VariableValue {
  if (!/[[*]|\.\./.test(path)) {
    const names = path.split(".").filter((name) => name !== "");
    return (body) => names.reduce<VariableValue>(member, body);
  }
  const steps = parseSteps(path);
  return (body) => {
    const found = walk(body, steps);
    return found.length === 0 ? undefined : found;
  };
}

function member(value: VariableValue, name: string): VariableValue {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isObject(value: VariableValue): value is { readonly [key: string]: VariableValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseSteps(path: string): Step[] {
  const steps: Step[] = [];
  const token = /\.\.|\.|\[\s*(?:(\*)|(\d+)|'([^']*)'|"([^"]*)")\s*\]|(\*)|([^.[\]*]+)/y;
  let last = "";
  while (token.lastIndex < path.length) {
    const at = token.lastIndex;
    const found = token.exec(path);
    if (found === null) {
      throw new SyntaxError(
        `must be a JSONPath of names, [n], [*], ['name'], .* and .., is ${quote(path)}: see character ${at + 1}`,
      );
    }
    const [text, star, index, single, double, bareStar, name] = found;
    if (text === "..") steps.push({ kind: "anywhere" });
    else if (star !== undefined || bareStar !== undefined) steps.push({ kind: "all" });
    else if (index !== undefined) steps.push({ kind: "index", index: Number(index) });
    else if (text !== ".") steps.push({ kind: "name", name: single ?? double ?? name! });
    last = text;
  }
  if (last.startsWith(".")) throw new SyntaxError(`must be a JSONPath that does not end with a dot, is ${quote(path)}`);
  return steps;
}

function walk(body: VariableValue, steps: readonly Step[]): VariableValue[] {
  let values: VariableValue[] = [body];
  for (const step of steps) {
    const next: VariableValue[] = [];
    for (const value of values) {
      if (next.length > MAX_VISITS) break;
      if (step.kind === "anywhere") descend(value, next);
      else if (step.kind === "all") next.push(...children(value));
      else if (step.kind === "index") {
        if (Array.isArray(value) && step.index < value.length) next.push(value[step.index] as VariableValue);
      } else if (isObject(value) && Object.hasOwn(value, step.name)) next.push(value[step.name]);
    }
    values = next;
  }
  return values;
}

function children(value: VariableValue): readonly VariableValue[] {
  const all: readonly VariableValue[] = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return all.length > MAX_VISITS ? all.slice(0, MAX_VISITS) : all;
}

/** The value and everything inside it, parents first. */
function descend(value: VariableValue, into: VariableValue[]): void {
  const open: VariableValue[] = [value];
  while (open.length > 0 && into.length <= MAX_VISITS) {
    const next = open.pop();
    into.push(next);
    for (const child of children(next).toReversed()) open.push(child);
  }
}

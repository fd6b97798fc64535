import { describe, quote } from "../config/issue.ts";
import { type Comparison, compileComparison } from "./comparison.ts";
import type { PredicatePart, Verdict } from "./predicate.ts";
import type { MatchIssue, PathParams } from "./route.ts";
import type { VariableReader } from "./variable.ts";

/** A compiled `vars` expression. */
export interface Expression {
  test(reader: VariableReader, params: PathParams): Verdict;
  /** Every comparison, with what it found; for people. */
  parts(reader: VariableReader, params: PathParams): readonly PredicatePart[];
}

/** Deepest nesting that is accepted; what is deeper was made to do harm. */
const MAX_DEPTH = 32;

/**
 * Compiles an expression of lua-resty-expr (`lib/resty/expr/v1.lua`) as JSON: `[[name, op, value], ...]` (all must hold) or
 * `["AND" | "OR" | "!AND" | "!OR", expression, expression, ...]`, nested. `["name", "!", op, value]` negates, `["name", value]` is `==` to the value
 * in lower case.
 *
 * @param path Where the expression stands, for issues.
 * @returns undefined where there is nothing to test (`[]`, and `{}`, which is how Lua writes an empty list), and where issues were added.
 */
export function compileExpression(rule: unknown, path: string, issues: MatchIssue[]): Expression | undefined {
  if (rule === undefined || rule === null || isEmpty(rule)) return undefined;
  if (!Array.isArray(rule)) {
    issues.push({ path, message: `must be a list, is ${describe(rule)}` });
    return undefined;
  }
  if (!Array.isArray(rule[0]) && logicOf(rule[0]) === undefined) {
    const message = 'must hold each comparison as a list of its own, as in [["arg_a", "==", "1"]]';
    issues.push({ path, message });
    return undefined;
  }
  return compile(rule, path, issues, 0);
}

function isEmpty(rule: unknown): boolean {
  return typeof rule === "object" && rule !== null && Object.keys(rule).length === 0;
}

function compile(rule: unknown, path: string, issues: MatchIssue[], depth: number): Expression | undefined {
  if (!Array.isArray(rule) || rule.length === 0) {
    const message = `must be a list that is not empty, is ${describe(rule)}`;
    issues.push({ path, message });
    return undefined;
  }
  if (depth > MAX_DEPTH) {
    issues.push({ path, message: `must be nested at most ${MAX_DEPTH} deep` });
    return undefined;
  }
  const list: unknown[] = rule;
  if (Array.isArray(list[0])) return compileAll("AND", list, 0, path, issues, depth);
  const logic = logicOf(list[0]);
  if (logic === undefined) return toExpression(compileComparison(list, path, issues));
  if (list.length <= 2) {
    issues.push({
      path,
      message: `must have two expressions or more after ${quote(logic)}`,
    });
    return undefined;
  }
  return compileAll(logic, list, 1, path, issues, depth);
}

type Logic = "AND" | "OR" | "!AND" | "!OR";

function logicOf(word: unknown): Logic | undefined {
  const upper = typeof word === "string" ? word.toUpperCase() : "";
  return upper === "AND" || upper === "OR" || upper === "!AND" || upper === "!OR" ? upper : undefined;
}

function compileAll(
  logic: Logic,
  list: readonly unknown[],
  from: number,
  path: string,
  issues: MatchIssue[],
  depth: number,
): Expression | undefined {
  const inner: Expression[] = [];
  for (let i = from; i < list.length; i++) {
    const one = compile(list[i], `${path}[${i}]`, issues, depth + 1);
    if (one !== undefined) inner.push(one);
  }
  const all = logic === "AND" || logic === "!AND";
  const negate = logic.startsWith("!");
  return {
    test: (reader, params) => {
      const verdict = combine(inner, all, reader, params);
      return negate ? not(verdict) : verdict;
    },
    parts: (reader, params) => inner.flatMap((one) => one.parts(reader, params)),
  };
}

/** Stops at the first answer that decides; a missing body decides nothing while another part may. */
function combine(inner: readonly Expression[], all: boolean, reader: VariableReader, params: PathParams): Verdict {
  const deciding: Verdict = all ? "fail" : "pass";
  let open = false;
  for (const one of inner) {
    const verdict = one.test(reader, params);
    if (verdict === deciding) return verdict;
    if (verdict === "body") open = true;
  }
  return open ? "body" : not(deciding);
}

function not(verdict: Verdict): Verdict {
  return verdict === "body" ? "body" : verdict === "pass" ? "fail" : "pass";
}

function toExpression(comparison: Comparison | undefined): Expression | undefined {
  if (comparison === undefined) return undefined;
  return {
    test: (reader, params) => comparison.test(reader, params),
    parts: (reader, params) => [{
      configured: comparison.text,
      actual: comparison.actual(reader, params),
      verdict: comparison.test(reader, params),
    }],
  };
}

import { describe, quote } from "../config/issue.ts";
import { compileVariable } from "./compile-variable.ts";
import { OPERATORS } from "./operators.ts";
import type { Verdict } from "./predicate.ts";
import type { MatchIssue, PathParams } from "./route.ts";
import type { VariableValue } from "./variable-value.ts";
import { NEEDS_BODY, type Variable, type VariableReader } from "./variable.ts";

/** One comparison of a variable with a value. */
export interface Comparison {
  /** For people, as in `arg_a == "1"`. */
  readonly text: string;
  test(reader: VariableReader, params: PathParams): Verdict;
  actual(reader: VariableReader, params: PathParams): string;
}

/** A comparison's parts, after its many spellings. */
interface Parts {
  readonly name: unknown;
  readonly op: unknown;
  readonly value: unknown;
  readonly negate: boolean;
}

/** Compiles `[name, op, value]` and its other spellings; see `compileExpression`. */
export function compileComparison(
  list: readonly unknown[],
  path: string,
  issues: MatchIssue[],
): Comparison | undefined {
  const parts = spell(list);
  if (typeof parts === "string") {
    issues.push({ path, message: parts });
    return undefined;
  }
  const { name, op, value, negate } = parts;
  if (typeof name !== "string" || name === "") {
    issues.push({
      path: `${path}[0]`,
      message: `must be the name of a variable, is ${describe(name)}`,
    });
    return undefined;
  }
  let variable: Variable;
  try {
    variable = compileVariable(name);
  } catch (error) {
    issues.push({ path: `${path}[0]`, message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
  const compare = OPERATORS.get(op as string)!(value);
  if (typeof compare === "string") {
    issues.push({ path: `${path}[${list.length - 1}]`, message: compare });
    return undefined;
  }
  const text = `${name} ${negate ? "! " : ""}${op as string}${value === undefined ? "" : ` ${JSON.stringify(value)}`}`;
  return {
    text,
    test: (reader, params) => {
      const actual = valueOf(variable, reader, params);
      if (actual === NEEDS_BODY) return "body";
      return compare(actual) === negate ? "fail" : "pass";
    },
    actual: (reader, params) => show(valueOf(variable, reader, params)),
  };
}

function valueOf(variable: Variable, reader: VariableReader, params: PathParams): VariableValue | typeof NEEDS_BODY {
  return variable.param !== undefined && Object.hasOwn(params, variable.param)
    ? params[variable.param]
    : reader.read(variable);
}

/** The quirks of lua-resty-expr's `compile_expr`; a JSON null is a value when it is read and none when it is compared. */
function spell(list: readonly unknown[]): Parts | string {
  const negate = list.length === 4;
  if (negate && list[1] !== "!") {
    return `must have "!" as the second of four parts, has ${describe(list[1])}`;
  }
  const [name, operator, value] = negate ? [list[0], list[2], list[3]] : list;
  if (operator === undefined) return "must have an operator and a value";
  const known = `must have one of ${[...OPERATORS.keys()].join(" ")} as its operator, has`;
  if (typeof operator !== "string" && typeof operator !== "number") return `${known} ${describe(operator)}`;
  const op = String(operator).toLowerCase();
  if (value === undefined && !OPERATORS.has(op)) return { name, op: "==", value: op, negate };
  if (!OPERATORS.has(op)) return `${known} ${quote(op)}`;
  return { name, op, value: value === null ? undefined : value, negate };
}

function show(value: VariableValue | typeof NEEDS_BODY): string {
  if (value === NEEDS_BODY) return "(needs the body)";
  return value === undefined ? "(none)" : JSON.stringify(value);
}

import * as v from "valibot";
import { list } from "../config/schema-tools.ts";
import { compileExpression, type Expression } from "../match/expression.ts";
import type { MatchIssue, PathParams } from "../match/route.ts";
import type { VariableReader } from "../match/variable.ts";

/** Schema of an expression, as in a route's `vars`; issues point into it. */
export const expressionSchema: v.GenericSchema<unknown, unknown[]> = v.pipe(
  list(v.unknown()),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const issues: MatchIssue[] = [];
    compileExpression(dataset.value, "", issues);
    for (const { path, message } of issues) addIssue(stepsTo(path, dataset.value, message));
  }),
);

function stepsTo(path: string, value: unknown, message: string): v.RawCheckIssueInfo<unknown[]> {
  const steps: v.ArrayPathItem[] = [];
  let input = value;
  for (const [, index] of path.matchAll(/\[(\d+)\]/g)) {
    if (!Array.isArray(input)) break;
    const key = Number(index);
    steps.push({ type: "array", origin: "value", input, key, value: input[key] });
    input = input[key];
  }
  const [first, ...rest] = steps;
  return first === undefined ? { message } : { message, path: [first, ...rest] };
}

const NO_PARAMS: PathParams = {};

/**
 * Prepares an expression that {@link expressionSchema} accepts. What cannot be told without the request's body counts as not holding, as a variable
 * that is not there.
 */
export function compileCondition(rule: readonly unknown[]): (variables: VariableReader) => boolean {
  const expression: Expression | undefined = compileExpression(rule, "", []);
  return expression === undefined ? () => true : (variables) => expression.test(variables, NO_PARAMS) === "pass";
}

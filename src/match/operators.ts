import { describe } from "../config/issue.ts";
import { compileCidrs } from "../net/cidr.ts";
import { compileRegex } from "./regex.ts";
import type { VariableValue } from "./variable-value.ts";

/** Compares a variable's value with the configured one. */
export type Compare = (actual: VariableValue) => boolean;

/** Prepares a comparison with a configured value (undefined = none, nil in Lua), or tells what it must be and is, in words. */
type Operator = (value: unknown) => Compare | string;

/** The operators of lua-resty-expr (`lib/resty/expr/v1.lua`), with Lua's ideas of equality and of numbers. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["==", equal],
  ["~=", (value) => {
    const same = equal(value);
    return (actual) => !same(actual);
  }],
  [">", (value) => numeric(value, (a, b) => a > b)],
  [">=", (value) => numeric(value, (a, b) => a >= b)],
  ["<", (value) => numeric(value, (a, b) => a < b)],
  ["<=", (value) => numeric(value, (a, b) => a <= b)],
  ["~~", (value) => regex(value, false)],
  ["~*", (value) => regex(value, true)],
  ["in", (value) => {
    if (!Array.isArray(value)) return () => false;
    const list = new Set<unknown>(value);
    return (actual) => actual !== undefined && list.has(actual);
  }],
  [
    "has",
    (value) => (actual) => Array.isArray(actual) && value !== undefined && actual.includes(value as VariableValue),
  ],
  ["ipmatch", ipmatch],
]);

/** A number is compared with the number that the value reads as; all else by type and value, so that a list equals nothing. */
function equal(value: unknown): Compare {
  if (typeof value === "number") return (actual) => toNumber(actual) === value;
  return (actual) => actual === value;
}

function numeric(value: unknown, holds: (a: number, b: number) => boolean): Compare {
  const wanted = toNumber(value);
  if (wanted === undefined) return () => false;
  return (actual) => {
    const number = toNumber(actual);
    return number !== undefined && holds(number, wanted);
  };
}

function regex(value: unknown, ignoreCase: boolean): Compare | string {
  if (typeof value !== "string" && typeof value !== "number") {
    return `must be a regular expression, is ${describe(value)}`;
  }
  const compiled = compileRegex(String(value), ignoreCase);
  if (typeof compiled === "string") return compiled;
  return (actual) => {
    if (typeof actual === "string") return compiled.search(actual);
    // `?a` without `=` is true, which Lua's search reads as the text `true`; false and nil are never searched.
    return actual === true || typeof actual === "number" ? compiled.search(String(actual)) : false;
  };
}

function ipmatch(value: unknown): Compare | string {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0 || !list.every((one) => typeof one === "string" && one !== "")) {
    return `must be an address, a CIDR range or a list of them, is ${describe(value)}`;
  }
  const inside = compileCidrs(list as string[]);
  if (typeof inside !== "function") return inside[0]!.message;
  return (actual) => typeof actual === "string" && inside(actual);
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]+)$/;
const WORD = /^([+-]?)(inf|infinity|nan)$/i;

/** Lua's `tonumber`: white space around is ignored, hexadecimal is read, and what is no number is undefined. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  if (DECIMAL.test(text)) return Number(text);
  const hex = HEXADECIMAL.exec(text);
  if (hex !== null) return (hex[1] === "-" ? -1 : 1) * parseInt(hex[2]!, 16);
  const word = WORD.exec(text);
  if (word === null) return undefined;
  if (word[2]!.toLowerCase() === "nan") return NaN;
  return word[1] === "-" ? -Infinity : Infinity;
}

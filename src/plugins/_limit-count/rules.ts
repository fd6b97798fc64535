import type { PluginExchange } from "../../pipeline/context.ts";
import { compileKeyTemplate } from "../../pipeline/template.ts";
import { compileLimitKey, type KeyType } from "../_limit/key.ts";
import { compileQuantity, type Quantity } from "../_limit/number.ts";

/** One of a configuration's `rules`. */
export interface RuleOptions {
  readonly count: Quantity;
  readonly time_window: Quantity;
  readonly key: string;
  readonly header_prefix?: string;
}

/** What a configuration says of what is counted. */
export interface CountOptions {
  readonly count?: Quantity;
  readonly time_window?: Quantity;
  readonly key: string;
  readonly key_type: KeyType;
  readonly rules?: readonly RuleOptions[];
}

/** One count of one request. */
export interface Step {
  readonly key: string;
  readonly limit: number;
  readonly windowMs: number;
  /** What stands before `RateLimit-` in the names of the rule's header fields. */
  readonly prefix: string | undefined;
}

/** The counts of one request; undefined where none applies, or a text makes no number. */
export type Plan = (exchange: PluginExchange) => readonly Step[] | undefined;

/** Longest window, in seconds; some 3000 years. */
const LONGEST = 1e11;

/** Prepares what is counted (APISIX `plugins/limit-count/init.lua`, get_rules). */
export function compilePlan(options: CountOptions): Plan {
  if (options.rules !== undefined) return compileRules(options.rules);
  const key = compileLimitKey(options.key, options.key_type);
  const read = compileSizes(options.count!, options.time_window!);
  return (exchange) => {
    const sizes = read(exchange);
    return sizes && [{ key: key(exchange), ...sizes, prefix: undefined }];
  };
}

function compileRules(rules: readonly RuleOptions[]): Plan {
  const compiled = rules.map(({ key, count, time_window, header_prefix }, index) => ({
    key: compileKeyTemplate(key),
    read: compileSizes(count, time_window),
    // Rules whose keys come to the same text still count apart.
    name: `${index}:`,
    prefix: header_prefix ?? String(index + 1),
  }));
  return (exchange) => {
    const steps: Step[] = [];
    for (const { key, read, name, prefix } of compiled) {
      const found = key(exchange.variables);
      if (found === undefined) continue;
      const sizes = read(exchange);
      // A rule that applies must not be escaped by sending no number.
      if (sizes === undefined) return undefined;
      steps.push({ key: name + found, ...sizes, prefix });
    }
    return steps.length === 0 ? undefined : steps;
  };
}

function compileSizes(count: Quantity, window: Quantity) {
  const readCount = compileQuantity(count, 1);
  const readWindow = compileQuantity(window, 1);
  return ({ variables }: PluginExchange): Pick<Step, "limit" | "windowMs"> | undefined => {
    const limit = readCount(variables), seconds = readWindow(variables);
    if (limit === undefined || seconds === undefined) return undefined;
    return { limit, windowMs: Math.min(seconds, LONGEST) * 1000 };
  };
}

import type { PluginExchange } from "../../pipeline/context.ts";
import { compileKeyTemplate } from "../../pipeline/template.ts";
import { compileLimitKey } from "../_limit/key.ts";
import { compileQuantity, type Quantity } from "../_limit/number.ts";

/** One of a configuration's `rules`. */
export interface RuleOptions {
  readonly conn: Quantity;
  readonly burst: Quantity;
  readonly key: string;
}

/** What a configuration says of what is counted. */
export interface ConnOptions {
  readonly conn?: Quantity;
  readonly burst?: Quantity;
  readonly key?: string;
  readonly key_type: "var" | "var_combination";
  readonly rules?: readonly RuleOptions[];
}

/** One count of one request. */
export interface Step {
  readonly key: string;
  /** Requests that go on at once. */
  readonly conn: number;
  /** Further requests, which wait. */
  readonly burst: number;
}

/** The counts of one request; undefined where none applies, or a text makes no number. */
export type Plan = (exchange: PluginExchange) => readonly Step[] | undefined;

/** Prepares what is counted (APISIX `plugins/limit-conn/init.lua`, get_rules). */
export function compilePlan(options: ConnOptions): Plan {
  if (options.rules !== undefined) return compileRules(options.rules);
  const key = compileLimitKey(options.key!, options.key_type);
  const read = compileSizes(options.conn!, options.burst!);
  return (exchange) => {
    const sizes = read(exchange);
    return sizes && [{ key: key(exchange), ...sizes }];
  };
}

function compileRules(rules: readonly RuleOptions[]): Plan {
  const compiled = rules.map(({ key, conn, burst }, index) => ({
    key: compileKeyTemplate(key),
    read: compileSizes(conn, burst),
    // Rules whose keys come to the same text still count apart.
    name: `${index}:`,
  }));
  return (exchange) => {
    const steps: Step[] = [];
    for (const { key, read, name } of compiled) {
      const found = key(exchange.variables);
      if (found === undefined) continue;
      const sizes = read(exchange);
      // A rule that applies must not be escaped by sending no number.
      if (sizes === undefined) return undefined;
      steps.push({ key: name + found, ...sizes });
    }
    return steps.length === 0 ? undefined : steps;
  };
}

function compileSizes(conn: Quantity, burst: Quantity) {
  const readConn = compileQuantity(conn, 1);
  const readBurst = compileQuantity(burst, 0);
  return ({ variables }: PluginExchange): Pick<Step, "conn" | "burst"> | undefined => {
    const most = readConn(variables), more = readBurst(variables);
    return most === undefined || more === undefined ? undefined : { conn: most, burst: more };
  };
}

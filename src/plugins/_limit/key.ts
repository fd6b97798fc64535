import { compileVariable } from "../../match/compile-variable.ts";
import { toText } from "../../match/request-variables.ts";
import { compileKeyTemplate } from "../../pipeline/template.ts";
import type { PluginExchange } from "../../pipeline/context.ts";

/** How a limiter's `key` is meant. */
export type KeyType = "var" | "var_combination" | "constant";

/** What one request is counted under. */
export type LimitKey = (exchange: PluginExchange) => string;

/**
 * Prepares a limiter's `key`. Where a request has nothing of it, the client's address counts, as in APISIX
 * (`plugins/limit-count/init.lua`, run_rate_limit).
 */
export function compileLimitKey(key: string, type: KeyType): LimitKey {
  if (type === "constant") return () => key;
  if (type === "var_combination") {
    const template = compileKeyTemplate(key);
    return ({ variables, address }) => template(variables) ?? address;
  }
  const variable = compileVariable(key);
  return ({ variables, address }) => toText(variables.read(variable)) ?? address;
}

/** Why {@link compileLimitKey} would throw, or undefined. */
export function checkLimitKey(key: string, type: KeyType): string | undefined {
  try {
    compileLimitKey(key, type);
    return undefined;
  } catch (error) {
    return `must be a key that can be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

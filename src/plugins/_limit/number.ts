import * as v from "valibot";
import { integer } from "../../config/fields.ts";
import { either } from "../../config/schema-tools.ts";
import type { RequestVariables } from "../../match/request-variables.ts";
import { checkTemplate, compileTemplate } from "../../pipeline/template.ts";

/** A number, or a text with variables that must make one in each request. */
export type Quantity = number | string;

/** Reads a {@link Quantity} in one request; undefined where it makes no integer of at least the least. */
export type ReadQuantity = (variables: RequestVariables) => number | undefined;

/** Schema of an integer of at least `least`, or of a text that makes one (`"$http_x_quota"`, `"${http_x_quota ?? 10}"`). */
export function quantity(least: 0 | 1): v.GenericSchema<unknown, Quantity> {
  return either(
    (input) => typeof input !== "string",
    integer(least),
    v.pipe(
      v.string(),
      v.minLength(1, "must be a number, or a text with variables"),
      v.check((text) => checkTemplate(text) === undefined, "must be a text whose variables can be read"),
    ) as v.GenericSchema<unknown, string>,
  );
}

/** Prepares a quantity, as APISIX's resolve_var (`plugins/limit-count/init.lua`, `plugins/limit-conn/init.lua`). */
export function compileQuantity(value: Quantity, least: 0 | 1): ReadQuantity {
  if (typeof value === "number") return () => value;
  const template = compileTemplate(value);
  return (variables) => {
    const text = template(variables).trim();
    if (!/^\d+(?:\.0*)?$/.test(text)) return undefined;
    const found = Number(text);
    return Number.isSafeInteger(found) && found >= least ? found : undefined;
  };
}

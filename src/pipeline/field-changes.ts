import * as v from "valibot";
import { fields, text } from "../config/fields.ts";
import { describe, quote } from "../config/issue.ts";
import { either, list, object } from "../config/schema-tools.ts";
import { fieldNameFault, fieldValueFault, toFieldText } from "./field-value.ts";
import { checkTemplate, compileTemplate, type Template } from "./template.ts";

/** A field and the values that it is to have. */
export interface FieldTemplates {
  readonly name: string;
  readonly values: readonly Template[];
}

/** A change of header fields, prepared: done in this order. */
export interface FieldChanges {
  readonly add: readonly FieldTemplates[];
  readonly set: readonly FieldTemplates[];
  readonly remove: readonly string[];
}

/** A field's value as plugins may write it. */
export type FieldValue = string | number;

/** By name; a list stands for several fields of that name. */
export type FieldValues = Readonly<Record<string, FieldValue | readonly FieldValue[]>>;

const fieldValue: v.GenericSchema<unknown, FieldValue> = either(
  (input) => typeof input === "number",
  v.number("must be a string or a number") as v.GenericSchema<unknown, number>,
  checked(v.string("must be a string or a number") as v.GenericSchema<unknown, string>, valueFault),
);

const fieldName: v.GenericSchema<unknown, string> = checked(text(), fieldNameFault);

/** Names of fields. */
export const fieldNames: v.GenericSchema<unknown, string[]> = v.pipe(
  list(fieldName),
  v.minLength(1, "must have at least 1 item"),
);

/** Fields by their name, each with one value. */
export const singleValues: v.GenericSchema<unknown, Record<string, FieldValue>> = byName(fieldValue);

/** Fields by their name, each with one value or several. */
export const fieldValues: v.GenericSchema<unknown, Record<string, FieldValue | FieldValue[]>> = byName(
  either(
    Array.isArray,
    v.pipe(list(fieldValue), v.minLength(1, "must have at least 1 item")) as v.GenericSchema<unknown, FieldValue[]>,
    fieldValue,
  ),
);

/**
 * The `headers` option of plugins: an object of `add`, `set`, `remove`; or, as older configurations have it, of the fields to set (APISIX tells them apart
 * in the same way: by whether one of the three is an object or an array).
 */
export function fieldChanges<Add>(
  add: v.GenericSchema<unknown, Add>,
  set: v.GenericSchema<unknown, FieldValues>,
): v.GenericSchema<
  unknown,
  { add?: Add; set?: FieldValues; remove?: string[] } | Record<string, FieldValue>
> {
  const verbs = fields({
    add: v.exactOptional(add),
    set: v.exactOptional(set),
    remove: v.exactOptional(fieldNames),
  });
  return either(hasVerbs, verbs, singleValues) as ReturnType<typeof fieldChanges<Add>>;
}

/** Whether a `headers` option is of the newer form. */
export function hasVerbs(
  headers: unknown,
): headers is { readonly add?: unknown; readonly set?: FieldValues; readonly remove?: readonly string[] } {
  if (typeof headers !== "object" || headers === null) return false;
  const { add, set, remove } = headers as Readonly<Record<string, unknown>>;
  return [add, set, remove].some((verb) => typeof verb === "object" && verb !== null);
}

/** Prepares fields by their name. */
export function compileFields(values: FieldValues = {}): FieldTemplates[] {
  return Object.entries(values).map(([name, value]) => ({
    name,
    values: (typeof value === "object" ? value : [value]).map((one) => compileTemplate(toFieldText(String(one)))),
  }));
}

/** Why a configured value cannot be used, as `must ...`. */
export function valueFault(value: string): string | undefined {
  const fault = checkTemplate(value);
  return fault === undefined ? fieldValueFault(value) : `must be a template: ${fault}`;
}

function byName<T>(value: v.GenericSchema<unknown, T>): v.GenericSchema<unknown, Record<string, T>> {
  return v.pipe(
    object(v.record(v.string(), value, "must be an object") as v.GenericSchema<unknown, Record<string, T>>),
    v.rawCheck<Record<string, T>>(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const names = Object.keys(dataset.value);
      if (names.length === 0) addIssue({ message: "must have at least 1 field, is an empty object" });
      for (const name of names) {
        const fault = fieldNameFault(name);
        if (fault !== undefined) addIssue({ message: `has a field ${quote(name)} whose name ${fault}` });
      }
    }),
  ) as v.GenericSchema<unknown, Record<string, T>>;
}

function checked(
  schema: v.GenericSchema<unknown, string>,
  faultOf: (value: string) => string | undefined,
): v.GenericSchema<unknown, string> {
  return v.pipe(
    schema,
    v.rawCheck<string>(({ dataset, addIssue }) => {
      const fault = dataset.typed ? faultOf(dataset.value) : undefined;
      if (fault !== undefined) addIssue({ message: `${fault}, is ${describe(dataset.value)}` });
    }),
  ) as v.GenericSchema<unknown, string>;
}

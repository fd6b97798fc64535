import * as v from "valibot";
import { toPath } from "./issue.ts";

/** A piece of JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What JSON Schema can say of a rule, for `schemas.ts`. */
const FRAGMENTS = new WeakMap<object, JsonSchema>();
/** How a choice picks its branch, so that unknown fields are looked for in the branch that was validated. */
const CHOICES = new WeakMap<object, (input: unknown) => boolean>();

/** A rule across fields, for {@link ruled}. */
export interface Rule<T> {
  /** Yields what is wrong, or `undefined`. */
  readonly test: (value: T) => string | undefined;
  /** The same rule in JSON Schema, as far as that can say it. */
  readonly json?: JsonSchema | undefined;
  /** The field that the issue points to; default: the object as a whole. */
  readonly at?: string | ((value: T) => string) | undefined;
}

/** Makes a {@link Rule}. */
export function rule<T>(test: Rule<T>["test"], json?: JsonSchema, at?: Rule<T>["at"]): Rule<T> {
  return { test, json, at };
}

/** A schema whose values must also keep rules; they are asked once the value has the schema's type. */
export function ruled<T>(
  schema: v.GenericSchema<unknown, T>,
  ...rules: readonly Rule<T>[]
): v.GenericSchema<unknown, T> {
  return v.pipe(schema, ...rules.map(toAction)) as v.GenericSchema<unknown, T>;
}

function toAction<T>({ test, json, at }: Rule<T>): v.RawCheckAction<T> {
  const action = v.rawCheck<T>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const message = test(dataset.value);
    if (message === undefined) return;
    const key = typeof at === "function" ? at(dataset.value) : at;
    if (key === undefined) return addIssue({ message });
    const input = dataset.value as Record<string, unknown>;
    addIssue({ message, path: [{ type: "object", origin: "value", input, key, value: input[key] }] });
  });
  if (json !== undefined) FRAGMENTS.set(action, json);
  return action;
}

/** The JSON Schema of the rule that an action of {@link ruled} applies. */
export function fragmentOf(action: object): JsonSchema | undefined {
  return FRAGMENTS.get(action);
}

/**
 * One of two schemas, chosen by looking at the value, so that issues are those of the branch that was meant (a union tells of both).
 */
export function either<A, B>(
  isFirst: (input: unknown) => boolean,
  first: v.GenericSchema<unknown, A>,
  second: v.GenericSchema<unknown, B>,
): v.GenericSchema<unknown, A | B> {
  const schema: v.GenericSchema<unknown, A | B> = {
    ...v.union([first, second]),
    "~run": (dataset, config) =>
      (isFirst(dataset.value) ? first : second)["~run"](dataset, config) as v.OutputDataset<
        A | B,
        v.BaseIssue<unknown>
      >,
  };
  CHOICES.set(schema, isFirst);
  return schema;
}

/** An array; `{}` counts as an empty one, since Lua's JSON encoder writes an empty table so. */
export function list<T>(item: v.GenericSchema<unknown, T>): v.GenericSchema<unknown, T[]> {
  const array = v.array(item, "must be an array");
  return {
    ...array,
    "~run": (dataset, config) => {
      if (isEmptyObject(dataset.value)) dataset.value = [];
      return array["~run"](dataset, config);
    },
  };
}

const noObject = v.custom<never>(() => false, "must be an object");

/** Only objects: to valibot, arrays are objects, too. An empty array counts as an empty object, since some writers know no difference. */
export function object<T>(schema: v.GenericSchema<unknown, T>): v.GenericSchema<unknown, T> {
  return {
    ...schema,
    "~run": (dataset, config) => {
      if (Array.isArray(dataset.value)) {
        if (dataset.value.length > 0) {
          return noObject["~run"](dataset, config) as v.OutputDataset<T, v.BaseIssue<unknown>>;
        }
        dataset.value = {};
      }
      return schema["~run"](dataset, config);
    },
  };
}

function isEmptyObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  for (const _ in value) return false;
  return true;
}

/** Collects the paths of fields that a schema does not know. */
export type UnknownFields = (value: unknown, path: string, found: string[]) => void;

/** The parts of a valibot schema that {@link unknownFields} looks at. */
interface SchemaShape {
  readonly type: string;
  readonly pipe?: readonly [SchemaShape, ...unknown[]];
  readonly entries?: Readonly<Record<string, SchemaShape>>;
  readonly item?: SchemaShape;
  readonly value?: SchemaShape;
  readonly wrapped?: SchemaShape;
  readonly options?: readonly SchemaShape[];
}

/**
 * Prepares a search for fields that `schema` does not know, in values that it accepts; `undefined` where it knows no fields at all.
 * Schemas are loose objects, so that one schema serves the store (which keeps such fields) and the Admin API (which refuses them).
 */
export function unknownFields(schema: v.GenericSchema): UnknownFields | undefined {
  return walk(schema as unknown as SchemaShape);
}

function walk(schema: SchemaShape): UnknownFields | undefined {
  if (schema.pipe !== undefined) {
    const first = schema.pipe[0];
    return first === schema ? walkPlain(schema) : walk(first);
  }
  return walkPlain(schema);
}

function walkPlain(schema: SchemaShape): UnknownFields | undefined {
  switch (schema.type) {
    case "exact_optional":
      return schema.wrapped && walk(schema.wrapped);
    case "loose_object":
      return walkObject(schema.entries ?? {});
    case "array":
      return each(schema.item && walk(schema.item));
    case "record":
      return each(schema.value && walk(schema.value));
    case "union":
      return walkChoice(schema);
    default:
      return undefined;
  }
}

function walkObject(entries: Readonly<Record<string, SchemaShape>>): UnknownFields {
  const known = new Map(Object.entries(entries).map(([name, entry]) => [name, walk(entry)]));
  return (value, path, found) => {
    for (const [name, field] of Object.entries(value as object)) {
      if (!known.has(name)) found.push(toPath(path, name));
      else known.get(name)?.(field, toPath(path, name), found);
    }
  };
}

function each(inner: UnknownFields | undefined): UnknownFields | undefined {
  if (inner === undefined) return undefined;
  return (value, path, found) => {
    if (Array.isArray(value)) value.forEach((item, index) => inner(item, toPath(path, index), found));
    else for (const [name, item] of Object.entries(value as object)) inner(item, toPath(path, name), found);
  };
}

function walkChoice(schema: SchemaShape): UnknownFields | undefined {
  const isFirst = CHOICES.get(schema);
  const [first, second] = (schema.options ?? []).map(walk);
  if (isFirst === undefined || (first === undefined && second === undefined)) return undefined;
  return (value, path, found) => (isFirst(value) ? first : second)?.(value, path, found);
}

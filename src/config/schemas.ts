import { type ConversionConfig, type JsonSchema as Draft, toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { Kind } from "./kinds.ts";
import { schemaOf } from "./resource.ts";
import { fragmentOf, type JsonSchema } from "./schema-tools.ts";

/** How a JSON Schema is written. */
export interface JsonSchemaOptions {
  /** Whether fields that no schema knows are refused, as the Admin API does. Default: false, as the store is read. */
  readonly strict?: boolean;
}

const SECRET_MANAGERS = ["vault", "aws", "gcp"];

/**
 * The JSON Schema (draft 7) of a kind's value as it is stored. Rules between fields are in it as far as JSON Schema can say them; which hosts,
 * addresses and plugin configurations are good, only {@link parseResource} knows. Of a kind that is not supported no value is good.
 */
export function jsonSchema(kind: Kind, options: JsonSchemaOptions = {}): JsonSchema {
  if (kind === "secret") {
    return {
      $schema: "http://json-schema.org/draft-07/schema#",
      title: kind,
      anyOf: SECRET_MANAGERS.map((manager) => ({ title: manager, ...bare(schemaOf(kind, `${manager}/1`), options) })),
    };
  }
  const schema = schemaOf(kind, "");
  if (schema === undefined) return { title: kind, description: "Not supported by this gateway.", not: {} };
  return { title: kind, ...convert(schema, options) };
}

/** The JSON Schema (draft 7) of any schema, as of a plugin's configuration. */
export function toJson(schema: v.GenericSchema, options: JsonSchemaOptions = {}): JsonSchema {
  return convert(schema, options);
}

function bare(schema: v.GenericSchema | undefined, options: JsonSchemaOptions): JsonSchema {
  if (schema === undefined) return { not: {} };
  const { $schema: _, ...rest } = convert(schema, options);
  return rest;
}

function convert(schema: v.GenericSchema, { strict = false }: JsonSchemaOptions): JsonSchema {
  const config: ConversionConfig = {
    typeMode: "input",
    overrideAction: ({ valibotAction, jsonSchema }) => {
      switch (valibotAction.type) {
        case "raw_check":
        case "check":
          return withRule(jsonSchema, fragmentOf(valibotAction));
        case "min_value":
        case "max_value":
          return withoutSafeLimits(jsonSchema);
      }
      return undefined;
    },
    overrideSchema: ({ valibotSchema, jsonSchema }) => {
      const { required, propertyNames: _, ...rest } = jsonSchema;
      const named = required === undefined || required.length === 0 ? rest : { ...rest, required };
      return strict && valibotSchema.type === "loose_object" ? { ...named, additionalProperties: false } : named;
    },
  };
  return toJsonSchema(schema, config) as unknown as JsonSchema;
}

/** Adds a rule as it is where that cannot collide, else beside the others. */
function withRule(jsonSchema: Draft, rule: JsonSchema | undefined): Draft {
  if (rule === undefined) return jsonSchema;
  if (Object.keys(rule).every((keyword) => !(keyword in jsonSchema))) return { ...jsonSchema, ...rule };
  return { ...jsonSchema, allOf: [...jsonSchema.allOf ?? [], rule] };
}

/** That JavaScript has exact integers only up to 2^53 is nothing to tell of every number. */
function withoutSafeLimits({ minimum, maximum, ...rest }: Draft): Draft {
  return {
    ...rest,
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  };
}

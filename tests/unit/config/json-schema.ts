/** As much of JSON Schema (draft 7) as the project's schemas use; a keyword that it does not know is an error. */
export function accepts(schema: unknown, value: unknown): boolean {
  if (typeof schema === "boolean") return schema;
  const rules = schema as Record<string, unknown>;
  return Object.entries(rules).every(([keyword, rule]) => {
    const check = CHECKS[keyword];
    if (check === undefined) throw new Error(`Cannot check the keyword ${keyword} as it must be a known one`);
    return check(rule, value, rules);
  });
}

type Check = (rule: unknown, value: unknown, schema: Record<string, unknown>) => boolean;
type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const always: Check = () => true;
const each = (rule: unknown): unknown[] => rule as unknown[];
const has = (value: Fields, names: unknown): boolean =>
  each(names).every((name) => Object.hasOwn(value, name as string));

const CHECKS: Readonly<Record<string, Check>> = {
  $schema: always,
  title: always,
  description: always,
  default: always,
  type: (rule, value) => {
    switch (rule) {
      case "object":
        return isObject(value);
      case "array":
        return Array.isArray(value);
      case "integer":
        return Number.isInteger(value);
      case "string":
        return typeof value === "string";
      case "number":
        return typeof value === "number";
      case "boolean":
        return typeof value === "boolean";
      default:
        throw new Error(`Cannot check the type ${rule} as it must be a known one`);
    }
  },
  enum: (rule, value) => each(rule).includes(value),
  const: (rule, value) => rule === value,
  minimum: (rule, value) => typeof value !== "number" || value >= (rule as number),
  maximum: (rule, value) => typeof value !== "number" || value <= (rule as number),
  exclusiveMinimum: (rule, value) => typeof value !== "number" || value > (rule as number),
  minLength: (rule, value) => typeof value !== "string" || value.length >= (rule as number),
  maxLength: (rule, value) => typeof value !== "string" || value.length <= (rule as number),
  pattern: (rule, value) => typeof value !== "string" || new RegExp(rule as string).test(value),
  minItems: (rule, value) => !Array.isArray(value) || value.length >= (rule as number),
  uniqueItems: (_, value) => !Array.isArray(value) || new Set(value).size === value.length,
  items: (rule, value) => !Array.isArray(value) || value.every((item) => accepts(rule, item)),
  maxProperties: (rule, value) => !isObject(value) || Object.keys(value).length <= (rule as number),
  required: (rule, value) => !isObject(value) || has(value, rule),
  properties: (rule, value) =>
    !isObject(value) ||
    Object.entries(rule as Fields).every(([name, inner]) => !Object.hasOwn(value, name) || accepts(inner, value[name])),
  additionalProperties: (rule, value, schema) =>
    !isObject(value) ||
    Object.keys(value).every((name) =>
      Object.hasOwn((schema.properties ?? {}) as Fields, name) || accepts(rule, value[name])
    ),
  dependencies: (rule, value) =>
    !isObject(value) ||
    Object.entries(rule as Fields).every(([name, needed]) => !Object.hasOwn(value, name) || has(value, needed)),
  allOf: (rule, value) => each(rule).every((inner) => accepts(inner, value)),
  anyOf: (rule, value) => each(rule).some((inner) => accepts(inner, value)),
  oneOf: (rule, value) => each(rule).filter((inner) => accepts(inner, value)).length === 1,
  not: (rule, value) => !accepts(rule, value),
  if: (rule, value, schema) => accepts((accepts(rule, value) ? schema.then : schema.else) ?? true, value),
  then: always,
  else: always,
};

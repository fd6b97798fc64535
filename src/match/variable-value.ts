/**
 * The value of a variable. `undefined`: there is none (nil in Lua). `true`: an argument without `=`. Numbers, objects and null come from JSON
 * bodies; lists from JSONPath and GraphQL.
 */
export type VariableValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly VariableValue[]
  | { readonly [key: string]: VariableValue };

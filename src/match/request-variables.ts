import { compileVariable } from "./compile-variable.ts";
import { RequestParts, type VariableSource } from "./request-parts.ts";
import type { VariableValue } from "./variable-value.ts";
import type { NEEDS_BODY, Variable, VariableReader } from "./variable.ts";

/**
 * The variables of one request, each found when it is asked for: nginx's, and those that APISIX adds (`apisix/core/ctx.lua`). Routes ask for
 * them in `vars`, plugins in keys and templates.
 *
 * @example
 * ```ts
 * const tag = compileVariable("http_x_tag"); // once, when the configuration changes
 * const variables = new RequestVariables(source); // once a request
 * variables.read(tag);
 * ```
 */
export class RequestVariables implements VariableReader {
  readonly #parts: RequestParts;

  constructor(source: VariableSource) {
    this.#parts = new RequestParts(source);
  }

  read(variable: Variable): VariableValue | typeof NEEDS_BODY {
    return variable.read(this.#parts);
  }

  /** The value as text by a name that is not known before; undefined where there is none, it is no text or number, or the body was not buffered. */
  text(name: string): string | undefined {
    const variable = compiled(name);
    return variable === undefined ? undefined : toText(this.read(variable));
  }
}

/** Most names that are remembered; they come from configurations and are few. */
const MAX_NAMES = 1000;

const NAMES = new Map<string, Variable | undefined>();

/** The variable of that name; undefined where it is malformed. */
function compiled(name: string): Variable | undefined {
  const known = NAMES.get(name);
  if (known !== undefined || NAMES.has(name)) return known;
  if (NAMES.size >= MAX_NAMES) NAMES.clear();
  let variable: Variable | undefined;
  try {
    variable = compileVariable(name);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  NAMES.set(name, variable);
  return variable;
}

/** A value as plugins write it into keys and fields; undefined for lists, objects, and where there is none. */
export function toText(value: VariableValue | typeof NEEDS_BODY): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return undefined;
}

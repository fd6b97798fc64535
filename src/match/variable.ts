import type { RequestParts } from "./request-parts.ts";
import type { VariableValue } from "./variable-value.ts";

/** The body is needed and was not buffered yet. */
export const NEEDS_BODY: unique symbol = Symbol("needs body");

/** What a variable's name says, parsed when the configuration changes. Made by `compileVariable`. */
export interface Variable {
  /** As configured, as in `http_x-tag`. */
  readonly name: string;
  /** Set for `uri_param_x`: while routes are tried, its value comes from the path of the one being tried. */
  readonly param?: string;
  /** Whether its value can come from the body. */
  readonly needsBody: boolean;
  /** The value in one request; {@link NEEDS_BODY} where that is not known before the body was buffered. */
  read(parts: RequestParts): VariableValue | typeof NEEDS_BODY;
}

/** Reads variables of one request. */
export interface VariableReader {
  read(variable: Variable): VariableValue | typeof NEEDS_BODY;
}

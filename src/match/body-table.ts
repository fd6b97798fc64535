import { parseForm } from "./form.ts";
import { parseMultipart } from "./multipart.ts";
import type { VariableValue } from "./variable-value.ts";

/** A body taken apart; undefined where it could not be. */
export interface BodyTable {
  readonly value: VariableValue;
}

/**
 * Reads a body by its Content-Type as APISIX does (`apisix/core/request.lua`, `get_request_body_table`): JSON, an HTML form, a multipart form.
 * A body of another type, or one that is malformed, has no value.
 */
export function bodyTable(contentType: string, body: Uint8Array | null): BodyTable {
  if (body === null || body.length === 0) return { value: undefined };
  if (contentType.includes("application/json")) return { value: parseJson(body) };
  if (contentType.includes("application/x-www-form-urlencoded")) return { value: toObject(parseForm(decode(body))) };
  if (contentType.includes("multipart/form-data")) return { value: toObject(parseMultipart(contentType, body)) };
  return { value: undefined };
}

function parseJson(body: Uint8Array): VariableValue {
  try {
    return JSON.parse(decode(body)) as VariableValue;
  } catch {
    return undefined;
  }
}

function decode(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

function toObject(fields: ReadonlyMap<string, string | true>): { readonly [key: string]: VariableValue } {
  const object: Record<string, VariableValue> = Object.create(null);
  for (const [name, value] of fields) object[name] = value;
  return object;
}

import type { Context } from "hono";
import type { Kind } from "../config/kinds.ts";

/** One argument of a query. */
export interface QueryArgument {
  readonly name: string;
  readonly description: string;
  readonly type: "string" | "integer" | "boolean";
}

/** What a body holds: a resource, part of one, resources by section, anything. */
export type BodyForm = { readonly kind: Kind; readonly partial?: boolean } | "sections" | "any";

/** What a reply holds. */
export type ReplyForm = { readonly node: Kind } | { readonly list: Kind } | "deleted" | "object" | "array" | "empty";

/** One operation of the Admin API. Its route, and its page in the OpenAPI document, are both made from this. */
export interface Endpoint {
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** Below `/apisix/admin`, as Hono writes paths. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly query?: readonly QueryArgument[];
  readonly body?: BodyForm;
  /** Whether `If-Match` counts. */
  readonly guarded?: boolean;
  readonly replies: Readonly<Record<number, ReplyForm>>;
  /** Statuses of errors beside 401 and those of the body. */
  readonly errors?: readonly number[];
  readonly answer: (c: Context) => Promise<Response> | Response;
}

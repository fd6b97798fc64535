import * as v from "valibot";
import { flag, integer, text } from "../../config/fields.ts";

/** Options that all limiters have. */
export interface ReplyOptions {
  readonly rejected_code: number;
  readonly rejected_msg?: string;
  readonly allow_degradation: boolean;
}

/** Their schema. */
export const replyEntries: {
  readonly rejected_code: v.ExactOptionalSchema<v.GenericSchema<unknown, number>, number>;
  readonly rejected_msg: v.ExactOptionalSchema<v.GenericSchema<unknown, string>, undefined>;
  readonly allow_degradation: v.ExactOptionalSchema<v.GenericSchema<unknown, boolean>, boolean>;
} = {
  rejected_code: v.exactOptional(integer(200, 599), 503),
  rejected_msg: v.exactOptional(text(1)),
  allow_degradation: v.exactOptional(flag, false),
};

/** Makes the answer to a request that is over the limit: `rejected_code`, and `{"error_msg": "..."}` where there is a `rejected_msg`. */
export function createRejection(
  { rejected_code: status, rejected_msg: message }: ReplyOptions,
): (fields?: Headers) => Response {
  const body = message === undefined || hasNoBody(status) ? null : JSON.stringify({ error_msg: message }) + "\n";
  return (headers = new Headers()) => {
    if (body !== null) headers.set("content-type", "application/json");
    return new Response(body, { status, headers });
  };
}

/** The answer where it cannot be told whether a request is over the limit. */
export function failure(message?: string): Response {
  if (message === undefined) return new Response(null, { status: 500 });
  return new Response(JSON.stringify({ error_msg: message }) + "\n", {
    status: 500,
    headers: { "content-type": "application/json" },
  });
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

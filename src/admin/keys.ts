import type { MiddlewareHandler } from "hono";
import { equalSecret } from "../pipeline/equal-secret.ts";
import { AdminError } from "./answer.ts";

/** A key that the Admin API takes in `X-API-KEY`; a `viewer` may read only. */
export interface AdminKey {
  readonly key: string;
  readonly role: "admin" | "viewer";
}

/**
 * Lets nobody pass without a key. How long a refusal takes tells nothing of how much of a guess was right, nor of which key it came near to.
 *
 * @throws TypeError where there is no key, or an empty one: an Admin API that takes none is open to everyone.
 */
export function requireKey(keys: readonly AdminKey[]): MiddlewareHandler {
  if (keys.length === 0 || keys.some(({ key }) => key === "")) {
    throw new TypeError("Cannot serve the Admin API without a key: give at least one, and no empty one");
  }
  return async (c, next) => {
    const given = c.req.header("x-api-key");
    if (given === undefined || given === "") throw refused("missing apikey");
    let role: AdminKey["role"] | undefined;
    for (const each of keys) if (equalSecret(given, each.key)) role ??= each.role;
    if (role === undefined) throw refused("wrong apikey");
    if (role === "viewer" && c.req.method !== "GET") throw refused("invalid method for role viewer");
    await next();
  };
}

function refused(description: string): AdminError {
  return new AdminError(401, { error_msg: "failed to check token", description });
}

import type { Context } from "hono";
import { errorResponse, GatewayError } from "../errors.ts";
import type { ForwardOptions } from "../forward/forward.ts";
import { changeFields } from "../pipeline/answer-headers.ts";
import type { Terminal } from "../pipeline/compose.ts";
import type { PluginEnv } from "../pipeline/context.ts";
import type { Failure } from "./entry.ts";
import type { EnvironmentParts } from "./environments.ts";
import type { RequestView } from "./request-view.ts";

/** How every route sends its requests on. */
export interface ChainParts extends EnvironmentParts {
  /** What all routes have in common that have no limits of their own. */
  readonly forwarding: ForwardOptions;
  /** Hears of requests that failed, for the log. */
  readonly onFailure: (error: GatewayError, view: RequestView) => void;
}

/** Sends a request on. Throws or rejects where that fails. */
export type Send = (view: RequestView) => Promise<Response>;

/** Runs a chain for one request. Never rejects. */
export async function runChain(
  chain: Terminal,
  context: Context,
  view: RequestView,
  parts: ChainParts,
): Promise<Response> {
  const c = context as Context<PluginEnv>;
  c.set("exchange", view);
  c.set("upstream", view.request);
  try {
    return await chain(c);
  } catch (thrown) {
    return fail(thrown, view, parts);
  }
}

export function viewOf(c: Context<PluginEnv>): RequestView {
  return c.get("exchange") as RequestView;
}

/** The answer to a request that failed, which the log is told of. */
export function fail(thrown: unknown, view: RequestView, parts: ChainParts): Response {
  const error = thrown instanceof GatewayError
    ? thrown
    : new GatewayError("internal", 500, "A plugin failed", { cause: thrown });
  parts.onFailure(error, view);
  return errorResponse(error.code, error.status);
}

/** Does to an answer what the steps before it have asked for, the last one first. */
export function applyChanges(response: Response, view: RequestView, parts: ChainParts): Response {
  const { changes } = view;
  if (changes === undefined) return response;
  try {
    let answer = response;
    for (let i = changes.length - 1; i >= 0; i--) answer = changeFields(answer, changes[i]!);
    return answer;
  } catch (thrown) {
    return fail(thrown, view, parts);
  }
}

export function toError({ code, status, message }: Failure): GatewayError {
  return new GatewayError(code, status, message);
}

import type { Context } from "hono";
import { errorResponse, GatewayError } from "../errors.ts";
import { forward, type ForwardOptions } from "../forward/forward.ts";
import { asksForWebSocket, forwardUpgrade } from "../forward/upgrade.ts";
import type { Terminal } from "../pipeline/compose.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { RouteEntry } from "./entry.ts";
import { type ChosenUpstream, createLoggers } from "./environments.ts";
import { afterGlobalAccess } from "./global-access.ts";
import type { Answer, RequestView } from "./request-view.ts";
import { createRouteChain } from "./route-chain.ts";
import { type ChainParts, fail, runChain, type Send, toError, viewOf } from "./run-chain.ts";

/**
 * Makes what answers a route's requests. Without plugins that is the forwarder itself; with them, their chain around it. A failure becomes an answer
 * inside of the chain, so that plugins see it as they see every other.
 */
export function createAnswer(entry: RouteEntry, parts: ChainParts): Answer {
  const { refusal } = entry;
  if (refusal !== undefined) return guardedAnswer((view) => fail(toError(refusal), view, parts), parts);
  const send = createSend(entry, parts);
  const guarded = (view: RequestView): Promise<Response> => guard(send, view, parts);
  const terminal: Terminal = (c) => guarded(viewOf(c));
  const runs = entry.links.some(({ name }) => parts.catalogue.get(name)?.create !== undefined);
  if (runs) return createRouteChain(entry, send, terminal, parts);
  const loggers = createLoggers(entry.links, parts);
  let chain: Answer | undefined;
  const bare = (view: RequestView): Promise<Response> | undefined => {
    if (asksGlobalRules(view)) return undefined;
    view.loggers = loggers;
    return send(view);
  };
  const answer = (c: Context, view: RequestView): Response | Promise<Response> => {
    view.loggers = loggers;
    if (!asksGlobalRules(view)) return guarded(view);
    // Most gateways have no global rules: most routes without plugins never need this.
    chain ??= createRouteChain(entry, send, terminal, parts);
    return chain(c, view);
  };
  return Object.assign(answer, { bare });
}

function asksGlobalRules({ global }: RequestView): boolean {
  return global !== undefined && (global.chain !== undefined || global.authenticates);
}

/** What answers requests that no route takes. */
export function createNotFound(parts: ChainParts): Answer {
  return guardedAnswer(() => errorResponse("route_not_found", 404, "Route Not Found"), parts);
}

/** An answer without a route's plugins, which the global rules still decide on. */
function guardedAnswer(answer: (view: RequestView) => Response, parts: ChainParts): Answer {
  const inner: Terminal = (c) => Promise.resolve(answer(viewOf(c)));
  const chain: Terminal = (c) => afterGlobalAccess(c, viewOf(c), inner);
  return (c, view) => view.global?.chain === undefined ? answer(view) : runChain(chain, c, view, parts);
}

function createSend(entry: RouteEntry, parts: ChainParts): Send {
  const settings: ForwardOptions = {
    transport: parts.transport,
    totalTimeout: parts.totalTimeout,
    ...(entry.timeouts === undefined ? {} : { timeouts: entry.timeouts }),
  };
  return (view) => {
    const upstream = targetOf(entry, view);
    return asksForWebSocket(view.inbound)
      ? forwardUpgrade(view, upstream, settings)
      : forward(view, upstream, settings);
  };
}

/** A failure becomes an answer. */
async function guard(send: Send, view: RequestView, parts: ChainParts): Promise<Response> {
  try {
    return await send(view);
  } catch (thrown) {
    return fail(thrown, view, parts);
  }
}

/** The route's upstream, unless a plugin chose another. */
function targetOf(entry: RouteEntry, view: RequestView): Upstream {
  const chosen = view.chosen as ChosenUpstream | undefined;
  if (chosen !== undefined) {
    const upstream = chosen.current();
    if (upstream === undefined) {
      throw new GatewayError("missing_reference", 502, `A plugin chose ${chosen.id}, which is not there`);
    }
    return upstream;
  }
  if ("status" in entry.target) throw toError(entry.target);
  return entry.target;
}

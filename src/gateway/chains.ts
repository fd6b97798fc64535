import type { Context } from "hono";
import { errorResponse, GatewayError } from "../errors.ts";
import { forward, type ForwardOptions } from "../forward/forward.ts";
import type { Transport } from "../forward/transport.ts";
import { asksForWebSocket, forwardUpgrade } from "../forward/upgrade.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import { compose, type Terminal } from "../pipeline/compose.ts";
import type { PluginEnv } from "../pipeline/context.ts";
import type { PluginEnvironment } from "../pipeline/plugin.ts";
import { type ChainLink, createLinks } from "./chain.ts";
import type { Answer, RouteEntry } from "./entry.ts";
import type { RequestView } from "./request-view.ts";

/** How every route sends its requests on. */
export interface SendOptions {
  readonly transport: Transport;
  /** Milliseconds up to the answer's head, over all tries; 0 = none. */
  readonly totalTimeout: number;
  /** Hears of requests that failed, for the log. */
  readonly onFailure: (error: GatewayError, view: RequestView) => void;
}

/**
 * Makes what answers a route's requests. Without plugins that is the forwarder itself; with them, their chain around it. A failure becomes an answer
 * inside of the chain, so that plugins see it as they see every other.
 */
export function createAnswer(entry: RouteEntry, options: SendOptions, catalogue: Catalogue): Answer {
  const { refusal } = entry;
  if (refusal !== undefined) {
    return (_, view) => fail(new GatewayError(refusal.code, refusal.status, refusal.message), view, options);
  }
  const settings: ForwardOptions = {
    transport: options.transport,
    totalTimeout: options.totalTimeout,
    ...(entry.timeouts === undefined ? {} : { timeouts: entry.timeouts }),
  };
  const send = async (view: RequestView): Promise<Response> => {
    const { target } = entry;
    try {
      if ("status" in target) throw new GatewayError(target.code, target.status, target.message);
      if (asksForWebSocket(view.inbound)) return await forwardUpgrade(view, target, settings);
      return await forward(view, target, settings);
    } catch (thrown) {
      return fail(thrown, view, options);
    }
  };
  if (entry.links.length === 0) return (_, view) => send(view);
  return createChain(entry, send, options, catalogue);
}

function createChain(
  entry: RouteEntry,
  send: (view: RequestView) => Promise<Response>,
  options: SendOptions,
  catalogue: Catalogue,
): Answer {
  const terminal: Terminal = (c) => send(c.get("exchange") as RequestView);
  const chain = compose(createLinks(entry.links, catalogue, environmentOf), terminal);
  return async (context, view) => {
    const c = context as Context<PluginEnv>;
    c.set("exchange", view);
    c.set("upstream", view.request);
    try {
      return await chain(c);
    } catch (thrown) {
      return fail(thrown, view, options);
    }
  };
}

function fail(thrown: unknown, view: RequestView, options: SendOptions): Response {
  const error = thrown instanceof GatewayError
    ? thrown
    : new GatewayError("internal", 500, "A plugin failed", { cause: thrown });
  options.onFailure(error, view);
  return errorResponse(error.code, error.status);
}

function environmentOf(link: ChainLink): PluginEnvironment {
  return {
    resource: link.from,
    state: (_key, make) => make(),
    upstream: () => {
      throw new Error("Cannot name an upstream as no plugin of this version does");
    },
  };
}

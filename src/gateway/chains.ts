import type { Context } from "hono";
import { errorResponse, GatewayError } from "../errors.ts";
import { forward, type ForwardOptions } from "../forward/forward.ts";
import type { Transport } from "../forward/transport.ts";
import { asksForWebSocket, forwardUpgrade } from "../forward/upgrade.ts";
import { compose, type Terminal } from "../pipeline/compose.ts";
import type { PluginEnv } from "../pipeline/context.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { type ChainLink, mergePlugins, type PluginLayer, splitPhases } from "./chain.ts";
import type { IndexedConsumer } from "./consumer-index.ts";
import type { Failure, RouteEntry } from "./entry.ts";
import { type ChosenUpstream, createMiddleware, type EnvironmentParts } from "./environments.ts";
import type { Answer, RequestView } from "./request-view.ts";

/** How every route sends its requests on. */
export interface ChainParts extends EnvironmentParts {
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
export function createAnswer(entry: RouteEntry, parts: ChainParts): Answer {
  const { refusal } = entry;
  if (refusal !== undefined) return (_, view) => fail(toError(refusal), view, parts);
  const send = createSend(entry, parts);
  if (entry.links.length === 0) return (_, view) => send(view);
  return createChain(entry, send, parts);
}

/** The plugins of global rules, around all that a gateway answers. */
export function createGlobalChain(
  layers: readonly PluginLayer[],
  inner: Answer,
  parts: ChainParts,
): Answer | undefined {
  const links = mergePlugins(layers, parts.catalogue);
  if (links.length === 0) return undefined;
  const chain = compose(createMiddleware(links, parts), async (c) => await inner(c, viewOf(c)));
  return (context, view) => run(chain, context, view, parts);
}

type Send = (view: RequestView) => Promise<Response>;

function createSend(entry: RouteEntry, parts: ChainParts): Send {
  const settings: ForwardOptions = {
    transport: parts.transport,
    totalTimeout: parts.totalTimeout,
    ...(entry.timeouts === undefined ? {} : { timeouts: entry.timeouts }),
  };
  return async (view) => {
    try {
      const upstream = targetOf(entry, view);
      if (asksForWebSocket(view.inbound)) return await forwardUpgrade(view, upstream, settings);
      return await forward(view, upstream, settings);
    } catch (thrown) {
      return fail(thrown, view, parts);
    }
  };
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

/**
 * The chain of one route: what rewrites, then, once it is known who asks, what decides on access. A consumer's own plugins join at that point, in a
 * chain that is composed once for each route and consumer.
 */
function createChain(entry: RouteEntry, send: Send, parts: ChainParts): Answer {
  const { rewrite, access } = splitPhases(entry.links);
  const terminal: Terminal = (c) => send(viewOf(c));
  const anonymous = compose(createMiddleware(access, parts), terminal);
  const known = new WeakMap<IndexedConsumer["layers"], Terminal>();
  const forConsumer = (identity: IndexedConsumer): Terminal => {
    let chain = known.get(identity.layers);
    if (chain === undefined) {
      const links = consumerLinks(entry, identity, rewrite, parts);
      chain = compose(createMiddleware(links, parts), terminal);
      known.set(identity.layers, chain);
    }
    return chain;
  };
  const fork: Terminal = (c) => {
    const { identity } = viewOf(c);
    if (identity === undefined) return anonymous(c);
    if (identity.groupMissing) {
      const { username, groupId } = identity.facts;
      throw new GatewayError(
        "missing_reference",
        503,
        `Consumer ${username} refers to consumer_group '${groupId}', which is not there`,
      );
    }
    return identity.layers.some(({ uses }) => uses !== undefined) ? forConsumer(identity)(c) : anonymous(c);
  };
  const chain = compose(createMiddleware(rewrite, parts), fork);
  return (context, view) => run(chain, context, view, parts);
}

/** What runs after a consumer is known: its own rewriting plugins that the route does not have, then all that decide on access. */
function consumerLinks(
  entry: RouteEntry,
  identity: IndexedConsumer,
  ran: readonly ChainLink[],
  parts: ChainParts,
): ChainLink[] {
  const names = new Set(ran.map(({ name }) => name));
  const merged = mergePlugins([...identity.layers, ...entry.layers], parts.catalogue);
  return merged.filter(({ phase, name }) => phase === "access" || !names.has(name));
}

async function run(chain: Terminal, context: Context, view: RequestView, parts: ChainParts): Promise<Response> {
  const c = context as Context<PluginEnv>;
  c.set("exchange", view);
  c.set("upstream", view.request);
  try {
    return await chain(c);
  } catch (thrown) {
    return fail(thrown, view, parts);
  }
}

function viewOf(c: Context<PluginEnv>): RequestView {
  return c.get("exchange") as RequestView;
}

function toError({ code, status, message }: Failure): GatewayError {
  return new GatewayError(code, status, message);
}

function fail(thrown: unknown, view: RequestView, parts: ChainParts): Response {
  const error = thrown instanceof GatewayError
    ? thrown
    : new GatewayError("internal", 500, "A plugin failed", { cause: thrown });
  parts.onFailure(error, view);
  return errorResponse(error.code, error.status);
}

import type { Context } from "hono";
import { errorResponse, GatewayError } from "../errors.ts";
import { forward, type ForwardOptions } from "../forward/forward.ts";
import { asksForWebSocket, forwardUpgrade } from "../forward/upgrade.ts";
import type { Terminal } from "../pipeline/compose.ts";
import { Upstream } from "../upstream/upstream.ts";
import type { RouteEntry } from "./entry.ts";
import { type ChosenUpstream, createLoggers } from "./environments.ts";
import { afterGlobalAccess } from "./global-access.ts";
import type { LogLink } from "./log-links.ts";
import type { ActiveRoute, Answer, RequestView } from "./request-view.ts";
import { createRouteChain } from "./route-chain.ts";
import { type ChainParts, fail, runChain, toError, viewOf } from "./run-chain.ts";

/**
 * Makes what answers a route's requests. Without plugins that is the forwarder itself; with them, their chain around it. A failure becomes an answer
 * inside of the chain, so that plugins see it as they see every other.
 */
export function createAnswer(entry: RouteEntry, parts: ChainParts): ActiveRoute {
  const { refusal } = entry;
  if (refusal !== undefined) {
    return { entry, answer: guardedAnswer((view) => fail(toError(refusal), view, parts), parts), bare: undefined };
  }
  const runs = entry.links.some(({ name }) => parts.catalogue.get(name)?.create !== undefined);
  return runs ? chainOf(new Sender(entry, parts), parts) : new PlainRoute(entry, parts);
}

/** Sends a route's requests on. */
class Sender {
  readonly entry: RouteEntry;
  readonly #target: RouteEntry["target"];
  readonly #options: ForwardOptions;
  readonly #parts: ChainParts;

  constructor(entry: RouteEntry, parts: ChainParts) {
    const { target, timeouts } = entry;
    this.entry = entry;
    this.#target = target;
    // One for all, but for routes with limits of their own: what every request reads is to be in the processor's cache.
    this.#options = timeouts === undefined ? parts.forwarding : { ...parts.forwarding, timeouts };
    this.#parts = parts;
  }

  /** Throws or rejects where that fails. */
  send(view: RequestView): Promise<Response> {
    const upstream = targetOf(this.#target, view);
    return asksForWebSocket(view.inbound)
      ? forwardUpgrade(view, upstream, this.#options)
      : forward(view, upstream, this.#options);
  }

  /** The same; a failure becomes an answer. */
  async guarded(view: RequestView): Promise<Response> {
    try {
      return await this.send(view);
    } catch (thrown) {
      return fail(thrown, view, this.#parts);
    }
  }
}

function chainOf(sender: Sender, parts: ChainParts): ActiveRoute {
  const { entry } = sender;
  const chain = createRouteChain(entry, (view) => sender.send(view), (c) => sender.guarded(viewOf(c)), parts);
  return { entry, answer: chain, bare: chain.bare };
}

/** A route without plugins that run. All that its requests read stands in this one object, for what is elsewhere has to come from memory among many routes. */
class PlainRoute extends Sender implements ActiveRoute {
  readonly #loggers: readonly LogLink[];
  readonly #parts: ChainParts;
  #chain: Answer | undefined;

  constructor(entry: RouteEntry, parts: ChainParts) {
    super(entry, parts);
    this.#parts = parts;
    this.#loggers = createLoggers(entry.links, parts);
  }

  answer(c: Context, view: RequestView): Response | Promise<Response> {
    view.loggers = this.#loggers;
    if (!asksGlobalRules(view)) return this.guarded(view);
    // Most gateways have no global rules: most routes without plugins never need this.
    this.#chain ??= chainOf(this, this.#parts).answer;
    return this.#chain(c, view);
  }

  bare(view: RequestView): Promise<Response> | undefined {
    if (asksGlobalRules(view)) return undefined;
    view.loggers = this.#loggers;
    return this.send(view);
  }
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

/** The route's upstream, unless a plugin chose another. */
function targetOf(target: RouteEntry["target"], view: RequestView): Upstream {
  const chosen = view.chosen as ChosenUpstream | undefined;
  if (chosen !== undefined) {
    const upstream = chosen.current();
    if (upstream === undefined) {
      throw new GatewayError("missing_reference", 502, `A plugin chose ${chosen.id}, which is not there`);
    }
    return upstream;
  }
  if (!(target instanceof Upstream)) throw toError(target);
  return target;
}

import type { Context } from "hono";
import { GatewayError } from "../errors.ts";
import { compose, type Terminal } from "../pipeline/compose.ts";
import { runSteps, type Step, stepsOf } from "../pipeline/step.ts";
import { authenticates, mergePlugins, splitPhases } from "./chain.ts";
import type { IndexedConsumer } from "./consumer-index.ts";
import type { RouteEntry } from "./entry.ts";
import { createLoggers, createMiddleware } from "./environments.ts";
import { afterGlobalAccess } from "./global-access.ts";
import type { LogLink } from "./log-links.ts";
import type { Answer, BareAnswer, RequestView } from "./request-view.ts";
import { type ChainParts, fail, runChain, type Send, viewOf } from "./run-chain.ts";

/**
 * The chain of one route, in the order of APISIX's phases (`init.lua`, http_access_phase): what rewrites; then, once it is known who
 * asks, what the consumer's own plugins rewrite; then what the global rules, and last what the route decides on access. A consumer's chain is
 * composed once for each route and consumer.
 *
 * @param send Sends the request on.
 * @param terminal The same as the last step of a chain of middleware.
 */
export function createRouteChain(entry: RouteEntry, send: Send, terminal: Terminal, parts: ChainParts): Answer {
  const { rewrite, access } = splitPhases(entry.links);
  const rewriting = createMiddleware(rewrite, parts), deciding = createMiddleware(access, parts);
  const anonymous = gate(compose(deciding, terminal));
  const loggers = createLoggers(entry.links, parts);
  const known = new WeakMap<IndexedConsumer["layers"], ConsumerChain>();
  const guarded = authenticates(entry.links, parts.catalogue);

  const forConsumer = ({ layers }: IndexedConsumer): ConsumerChain => {
    let chain = known.get(layers);
    if (chain === undefined) known.set(layers, chain = composeConsumer(layers));
    return chain;
  };
  const composeConsumer = (layers: IndexedConsumer["layers"]): ConsumerChain => {
    const ran = new Set(rewrite.map(({ name }) => name));
    const links = mergePlugins([...layers, ...entry.layers], parts.catalogue);
    const merged = splitPhases(links);
    const own = createMiddleware(merged.rewrite.filter(({ name }) => !ran.has(name)), parts);
    const access = createMiddleware(merged.access, parts);
    return {
      chain: compose(own, gate(compose(access, terminal))),
      steps: stepsOf([...own, ...access]),
      loggers: createLoggers(links, parts),
    };
  };
  /** What a request does once it is known who asks: its consumer's chain, undefined for the route's own, or an answer that refuses it. */
  const fork = (view: RequestView): ConsumerChain | Response | undefined => {
    const { identity } = view;
    if (identity === undefined) {
      // Nobody was authenticated, as where a plugin's filter left it out: the upstream must not hear of a consumer from the client.
      if (guarded || view.global?.authenticates) view.forgetConsumer();
      return undefined;
    }
    if (identity.groupMissing) return fail(groupMissing(identity), view, parts);
    if (identity.layers.length === 0) return undefined;
    const own = forConsumer(identity);
    view.loggers = own.loggers;
    return own;
  };

  const chain = compose(rewriting, async (c) => {
    const own = fork(viewOf(c));
    if (own === undefined) return await anonymous(c);
    return own instanceof Response ? own : await own.chain(c);
  });
  const answer = (context: Context, view: RequestView): Promise<Response> => {
    view.loggers = loggers;
    return runChain(chain, context, view, parts);
  };
  const first = stepsOf(rewriting), second = stepsOf(deciding);
  if (first === undefined || second === undefined) return answer;

  const bare: BareAnswer = (view, enter) => {
    if (view.global?.chain !== undefined) return undefined;
    view.loggers = loggers;
    return runSteps(first, view, (view) => {
      const own = fork(view);
      if (own === undefined) return runSteps(second, view, send);
      if (own instanceof Response) return own;
      return own.steps === undefined ? enter(own.chain) : runSteps(own.steps, view, send);
    });
  };
  return Object.assign(answer, { bare });
}

/** What a route does once its consumer is known. */
interface ConsumerChain {
  readonly chain: Terminal;
  /** The same without Hono's context, where all of it can do without. */
  readonly steps: readonly Step[] | undefined;
  readonly loggers: readonly LogLink[];
}

function gate(inner: Terminal): Terminal {
  return (c) => afterGlobalAccess(c, viewOf(c), inner);
}

function groupMissing({ facts: { username, groupId } }: IndexedConsumer): GatewayError {
  const message = `Consumer ${username} refers to consumer_group '${groupId}', which is not there`;
  return new GatewayError("missing_reference", 503, message);
}

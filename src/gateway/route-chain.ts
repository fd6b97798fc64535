import { GatewayError } from "../errors.ts";
import { compose, type Terminal } from "../pipeline/compose.ts";
import { authenticates, mergePlugins, splitPhases } from "./chain.ts";
import type { IndexedConsumer } from "./consumer-index.ts";
import type { RouteEntry } from "./entry.ts";
import { createLoggers, createMiddleware } from "./environments.ts";
import { afterGlobalAccess } from "./global-access.ts";
import type { LogLink } from "./log-links.ts";
import type { Answer } from "./request-view.ts";
import { type ChainParts, fail, runChain, viewOf } from "./run-chain.ts";

/**
 * The chain of one route, in the order of APISIX's phases (`init.lua`, http_access_phase): what rewrites; then, once it is known who
 * asks, what the consumer's own plugins rewrite; then what the global rules, and last what the route decides on access. A consumer's chain is
 * composed once for each route and consumer.
 */
export function createRouteChain(entry: RouteEntry, terminal: Terminal, parts: ChainParts): Answer {
  const { rewrite, access } = splitPhases(entry.links);
  const anonymous = gate(compose(createMiddleware(access, parts), terminal));
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
    const own = merged.rewrite.filter(({ name }) => !ran.has(name));
    const access = gate(compose(createMiddleware(merged.access, parts), terminal));
    return { chain: compose(createMiddleware(own, parts), access), loggers: createLoggers(links, parts) };
  };

  const fork: Terminal = async (c) => {
    const view = viewOf(c);
    const { identity } = view;
    if (identity === undefined) {
      // Nobody was authenticated, as where a plugin's filter left it out: the upstream must not hear of a consumer from the client.
      if (guarded || view.global?.authenticates) view.forgetConsumer();
      return await anonymous(c);
    }
    if (identity.groupMissing) return fail(groupMissing(identity), view, parts);
    if (identity.layers.length === 0) return await anonymous(c);
    const own = forConsumer(identity);
    view.loggers = own.loggers;
    return await own.chain(c);
  };
  const chain = compose(createMiddleware(rewrite, parts), fork);
  return (context, view) => {
    view.loggers = loggers;
    return runChain(chain, context, view, parts);
  };
}

/** What a route does once its consumer is known. */
interface ConsumerChain {
  readonly chain: Terminal;
  readonly loggers: readonly LogLink[];
}

function gate(inner: Terminal): Terminal {
  return (c) => afterGlobalAccess(c, viewOf(c), inner);
}

function groupMissing({ facts: { username, groupId } }: IndexedConsumer): GatewayError {
  const message = `Consumer ${username} refers to consumer_group '${groupId}', which is not there`;
  return new GatewayError("missing_reference", 503, message);
}

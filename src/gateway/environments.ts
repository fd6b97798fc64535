import * as v from "valibot";
import type { MiddlewareHandler } from "hono";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { PluginEnv, UpstreamHandle } from "../pipeline/context.ts";
import { logWithMeta, withMeta } from "../pipeline/meta.ts";
import type { Metrics } from "../pipeline/metrics.ts";
import type { PluginEnvironment } from "../pipeline/plugin.ts";
import { type ConnectRedis, noRedis } from "../pipeline/redis.ts";
import type { Store } from "../store/store.ts";
import { type InlineUpstream, upstreamSchema } from "../config/upstream.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { ChainLink } from "./chain.ts";
import type { ConsumerIndex } from "./consumer-index.ts";
import type { LogLink } from "./log-links.ts";
import type { PluginStates } from "./plugin-state.ts";
import type { UpstreamSet } from "./upstreams.ts";

/** An upstream that a plugin chose; looked up per request, since it may come and go. */
export interface ChosenUpstream extends UpstreamHandle {
  current(): Upstream | undefined;
}

export interface EnvironmentParts {
  readonly catalogue: Catalogue;
  readonly consumers: ConsumerIndex;
  readonly states: PluginStates;
  readonly store: Pick<Store, "get">;
  readonly upstreams: UpstreamSet;
  readonly metrics: Metrics;
  /** Undefined where the gateway was given none. */
  readonly connectRedis: ConnectRedis | undefined;
}

/** Makes the middleware of links. Their state belongs to the resource that configures them, so that routes of one service share it. */
export function createMiddleware(links: readonly ChainLink[], parts: EnvironmentParts): MiddlewareHandler<PluginEnv>[] {
  return links.flatMap((link) => {
    const middleware = parts.catalogue.get(link.name)!.create?.(link.config, environmentOf(link, parts));
    return middleware === undefined ? [] : [withMeta(middleware, link.meta)];
  });
}

const NO_LOGGERS: readonly LogLink[] = [];

/** Makes what hears of requests that are over. */
export function createLoggers(links: readonly ChainLink[], parts: EnvironmentParts): readonly LogLink[] {
  return links.length === 0 ? NO_LOGGERS : links.flatMap((link) => {
    const { name } = link, { log, runPolicy } = parts.catalogue.get(name)!;
    if (log === undefined) return [];
    const made = log(link.config, environmentOf(link, parts));
    return [{ name, preferRoute: runPolicy === "prefer_route", log: logWithMeta(made, link.meta) }];
  });
}

function environmentOf(link: ChainLink, parts: EnvironmentParts): PluginEnvironment {
  const { states, store, upstreams, metrics, connectRedis = noRedis } = parts;
  let inline = 0;
  return {
    resource: link.from,
    state: (key, make, dispose) => states.hold(`${link.name} ${link.from} ${key}`, link, make, dispose),
    sharedState: (key, make, dispose) => states.hold(`${link.name} * ${key}`, link, make, dispose),
    upstream(idOrInline) {
      if (typeof idOrInline === "string") {
        const key = `upstream/${idOrInline}`;
        return { id: key, current: () => upstreams.get(key) } as ChosenUpstream;
      }
      const key = `${link.name}/${link.from}/${inline++}`;
      const config = v.parse(upstreamSchema, idOrInline) as InlineUpstream;
      upstreams.set(key, config);
      states.hold(`upstream ${key}`, link, () => key, () => upstreams.set(key, undefined));
      return { id: key, current: () => upstreams.get(key) } as ChosenUpstream;
    },
    metrics,
    consumers: parts.consumers.directory(link.name),
    metadata: () => store.get("plugin_metadata", link.name)?.config as Readonly<Record<string, unknown>> | undefined,
    redis: (target) =>
      states.hold(
        `redis ${JSON.stringify(target)}`,
        link,
        () => connectRedis(target),
        (connection) => connection.close(),
      ),
  };
}

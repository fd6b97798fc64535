import type { Context } from "hono";
import type { HeaderList } from "../net/header-list.ts";
import type { Inbound } from "../net/inbound.ts";

/** Names the upstream that a request goes to; made by {@link PluginEnvironment.upstream}, opaque to plugins. */
export interface UpstreamHandle {
  readonly id: string;
}

/**
 * The request as it will be sent to the upstream: `c.var.upstream`. Plugins change it before `await next()`; what they do not touch goes
 * on as the client sent it.
 */
export interface UpstreamRequest {
  method: string;
  /** Request target in origin form, with the query; byte for byte the client's unless a plugin replaces it. */
  target: string;
  /** End-to-end fields of the client's request. Host and `X-Forwarded-*` are set when the request is sent. */
  readonly headers: HeaderList;
  /** Replaces the Host field that the upstream's `pass_host` would choose. */
  host?: string;
  /** Replaces the route's own upstream. */
  handle?: UpstreamHandle;
}

/** What a plugin may know of the route that was matched. */
export interface RouteFacts {
  readonly id: string;
  readonly name?: string;
  readonly serviceId?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Who was authenticated. */
export interface ConsumerFacts {
  readonly username: string;
  readonly groupId?: string;
  readonly credentialId?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One request, as plugins see it beside Hono's own context: `c.var.exchange`. */
export interface PluginExchange {
  readonly route: RouteFacts | undefined;
  /** Set by authentication plugins; undefined until then. */
  consumer: ConsumerFacts | undefined;
  /** What the listener knows of the client's connection and request. */
  readonly inbound: Inbound;
  /** The client's address, with trusted proxies taken into account. */
  readonly address: string;
  /** The value of an APISIX (nginx) variable, as in `remote_addr`, `arg_x`, `http_x`, `cookie_x`. */
  readonly variable: (name: string) => string | undefined;
}

/** The variables that gatewatch sets on Hono's context for plugins. */
export interface PluginVariables {
  upstream: UpstreamRequest;
  exchange: PluginExchange;
}

export interface PluginEnv {
  Variables: PluginVariables;
}

export type PluginContext = Context<PluginEnv>;

import type { Context } from "hono";
import type { HeaderList } from "../net/header-list.ts";
import type { Client } from "../net/forwarded.ts";
import type { Inbound } from "../net/inbound.ts";
import type { RequestVariables } from "../match/request-variables.ts";
import type { ConsumerFacts, ConsumerIdentity } from "./consumers.ts";

/** Names the upstream that a request goes to; made by {@link PluginEnvironment.upstream}, opaque to plugins. */
export interface UpstreamHandle {
  /** As in logs and explanations. */
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
  readonly serviceName?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One request, as plugins see it beside Hono's own context: `c.var.exchange`. */
export interface PluginExchange {
  readonly route: RouteFacts | undefined;
  /** Set by {@link PluginExchange.authenticate}. */
  readonly consumer: ConsumerFacts | undefined;
  /** The configured host and path that matched, for metrics. */
  readonly matchedHost: string | undefined;
  readonly matchedUri: string | undefined;
  /** What the listener knows of the client's connection and request. */
  readonly inbound: Inbound;
  /** In lower case, without the port. */
  readonly host: string;
  /** Decoded and normalised (`$uri`). */
  readonly path: string;
  /** The client's address, with trusted proxies taken into account. */
  readonly address: string;
  /** The same, and whether the fields in which a proxy in front tells of the client can be believed. */
  readonly client: Client;
  /** When the request's head was there, on `performance.now()`'s clock. */
  readonly started: number;
  /** Tries to send the request on, so far. */
  readonly attempts: readonly Attempt[];
  /** Variables that were compiled when the configuration changed; see `compileVariable`. */
  readonly variables: RequestVariables;
  /** The value of an APISIX (nginx) variable whose name is not known before, as text. */
  readonly variable: (name: string) => string | undefined;
  /**
   * Says who the client is: sets {@link PluginExchange.consumer} and the fields that tell the upstream (`X-Consumer-Username`, ...), and lets the
   * consumer's own plugins join the chain.
   */
  authenticate(identity: ConsumerIdentity): void;
  /** Says that an argument of the query holds a secret, so that logs do not show its value. */
  conceal(argument: string): void;
  /** Calls back once the answer is over: its last byte was handed to the listener, or it broke off. In the order in which they were asked for. */
  whenDone(callback: (end: ExchangeEnd) => void): void;
}

/** How an exchange ended. */
export interface ExchangeEnd {
  /** False where the answer's body broke off. */
  readonly complete: boolean;
  /** The client's answer's; 101 where the connection was taken over. */
  readonly status: number;
  /** Bytes of the answer's body that were passed on. */
  readonly bytes: number;
  /** Milliseconds since the request's head was there. */
  readonly ms: number;
  /** How many of them nodes took, over all tries, up to the last byte; undefined where none was tried. */
  readonly upstreamMs: number | undefined;
  /** Bytes of the request: its line and fields as received, and its body. */
  readonly received: number;
  /**
   * Bytes of the answer: its line and fields as a node sent them (without those of the connection, and whatever plugins made of them), or as the gateway
   * made them, and its body. What a listener adds (`Date`, `Connection`, the sizes of chunks) is not counted.
   */
  readonly sent: number;
}

/** Hears of exchanges that are over. */
export type ExchangeLogger = (exchange: PluginExchange, end: ExchangeEnd) => void;

/** One try to send a request to a node. */
export interface Attempt {
  /** `host:port`. */
  readonly node: string;
  /** Milliseconds until the answer's head, or the failure. */
  readonly ms: number;
  /** The node's status; absent where the try failed. */
  readonly status?: number;
  /** Why the try failed. */
  readonly code?: string;
}

/** The variables that gatewatch sets on Hono's context for plugins. */
export interface PluginVariables {
  upstream: UpstreamRequest;
  exchange: PluginExchange;
  /** The claims of the token that jwt-auth verified, where its `store_in_ctx` asks for them. */
  jwtPayload?: Readonly<Record<string, unknown>>;
}

export interface PluginEnv {
  Variables: PluginVariables;
}

export type PluginContext = Context<PluginEnv>;

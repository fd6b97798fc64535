import { getLogger } from "@logtape/logtape";
import { Hono, type MiddlewareHandler } from "hono";
import type { Kind } from "../config/kinds.ts";
import type { ResourceOf } from "../config/resource.ts";
import type { ClientCertificate } from "../upstream/settings.ts";
import type { SecretSources } from "../config/secrets.ts";
import { carryHead } from "../forward/answer.ts";
import type { Transport } from "../forward/transport.ts";
import { fetchTransport } from "../forward/transports/fetch.ts";
import type { RouterName } from "../match/route.ts";
import { compileCidrs } from "../net/cidr.ts";
import { createCatalogue } from "../pipeline/catalogue.ts";
import { Metrics } from "../pipeline/metrics.ts";
import type { Plugin } from "../pipeline/plugin.ts";
import type { ConnectRedis } from "../pipeline/redis.ts";
import { builtinPlugins } from "../plugins/index.ts";
import type { KeyFilter, KeyStatus } from "../store/key-status.ts";
import type { Delta } from "../store/delta.ts";
import type { ConfigSource } from "../store/source.ts";
import { Store } from "../store/store.ts";
import { createAnswer, createNotFound } from "./chains.ts";
import { ConsumerIndex } from "./consumer-index.ts";
import { compileDenied, denyTargets } from "./denied-targets.ts";
import { createDispatch } from "./dispatch.ts";
import { fromListener } from "./inbound.ts";
import { type ExplainRequest, explainRequest, type GatewayExplanation } from "./explain.ts";
import { GlobalRules } from "./global-rules.ts";
import { createInspector } from "./inspect.ts";
import { PluginStates, unchangedPlugins } from "./plugin-state.ts";
import { pluginReferences } from "./plugin-references.ts";
import { readSource, tellTransitions } from "./read-source.ts";
import { createSecrets } from "./secret-refresh.ts";
import { logFailure, logHealth } from "./log-failure.ts";
import {
  createCertificateWarnings,
  type ServerCertificates,
  ServerNames,
  tellCertificates,
} from "./server-certificates.ts";
import { createShadowWarnings } from "./shadow-warnings.ts";
import { statusOf } from "./status-of.ts";
import type { GatewayStatus } from "./status.ts";
import type { RequestView } from "./request-view.ts";
import type { ChainParts } from "./run-chain.ts";
import { RouteTable } from "./table.ts";
import { UpstreamSet } from "./upstreams.ts";
import { createProbe } from "../upstream/health/http-probe.ts";
import type { Probe } from "../upstream/health/probe.ts";
import type { Resolve } from "../upstream/resolver.ts";
import type { UpstreamSnapshot } from "../upstream/upstream.ts";

/** What a gateway is made of; only `source` is needed. */
export interface GatewayOptions {
  /** Where the resources come from. */
  readonly source: ConfigSource;
  /** What sends requests to nodes. Default: over the runtime's `fetch`, with the gaps that `docs/forwarding.md` lists. */
  readonly transport?: Transport;
  /** Which of Apache APISIX's routers. Default: `radixtree_host_uri`. */
  readonly router?: RouterName;
  /** Plugins beside the built-in ones. */
  readonly plugins?: readonly Plugin[];
  /** CIDR ranges of proxies whose `X-Forwarded-*` fields are believed. Default: none. */
  readonly trustedProxies?: readonly string[];
  /**
   * CIDR ranges that no upstream's node may be in, so that who writes the store cannot reach, say, a cloud's metadata address. A resource that
   * names such an address is rejected; a name is refused once it turns out to stand for one. Default: none.
   */
  readonly denyTargets?: readonly string[];
  /** Milliseconds for a request up to its answer's head, over all tries; 0 = none. Default: 0. */
  readonly totalTimeout?: number;
  /** Bytes of a body that routes may look into (`post_arg_*`, `graphql_*`). Default: 1048576 (1 MiB). */
  readonly maxInspectedBody?: number;
  /** Bytes of one resource's value. Default: 262144 (256 KiB). */
  readonly maxResourceBytes?: number;
  /** How encrypted fields, `$ENV://` and `$secret://` references are resolved. Default: they are not, and what needs them is rejected. */
  readonly secrets?: SecretSources;
  /** Makes active checks of type `tcp`, which need a runtime's sockets. Default: they are not made. */
  readonly tcpProbe?: Probe;
  /** Looks up nodes' names, so that connections follow when their addresses change. Default: names are looked up for new connections only. */
  readonly resolve?: Resolve;
  /** PEM of authorities that upstreams' certificates may come from, besides the system's. */
  readonly upstreamCa?: string;
  /** Checks and prepares the certificates of ssl resources. Default: they are taken as they are, and nothing serves them. */
  readonly certificates?: ServerCertificates;
  /** Connects to Redis, for plugins that count there. Default: a configuration that needs it is rejected as unsupported. */
  readonly redis?: ConnectRedis;
  /** Takes note of every answer of a route, as its head is about to be sent: for access logs. Default: nobody does. */
  readonly onAnswer?: (view: AnsweredRequest, response: Response) => void;
}

/** What {@link GatewayOptions.onAnswer} is told of a request. */
export type AnsweredRequest = Pick<
  RequestView,
  "method" | "target" | "hostField" | "client" | "started" | "route" | "attempts" | "concealed"
>;

/** An API gateway over a source of routes, to be mounted or served. */
export interface Gateway {
  /** Answers a request; one that no route takes with `404 {"error_msg":"404 Route Not Found"}`. */
  readonly fetch: (request: Request, env?: unknown) => Response | Promise<Response>;
  /** For an application of one's own: a request that no route takes falls through to what follows. */
  readonly middleware: MiddlewareHandler;
  /** Resolves once the first full list of the source is applied, or the gateway is closed. Never rejects. */
  readonly ready: Promise<void>;
  status(): GatewayStatus;
  /** What became of each key; without a filter, of those that are not `active` or have warnings. */
  keys(filter?: KeyFilter): KeyStatus[];
  /**
   * Says why a request would go where it goes: the same match as for one that is served, told step by step. Nothing is sent. It tells of the configuration
   * at the time of the call; among many routes it takes a while, in which requests are served.
   *
   * @throws {GatewayError} (as a rejection) where the request is one that is answered before it is matched.
   */
  explain(request: ExplainRequest): Promise<GatewayExplanation>;
  /**
   * The ssl resource of type `server` whose certificate a client gets.
   *
   * @param serverName That it asks for (SNI): lower case, without a dot at the end.
   */
  certificate(serverName: string): ResourceOf<"ssl"> | undefined;
  /** Every upstream's nodes: what state they are in, why, and since when. */
  upstreams(): UpstreamSnapshot[];
  /** What plugins have counted (prometheus), as text for Prometheus, piece by piece; the counters of deleted routes are gone. */
  metrics(): Iterable<string>;
  /** Requests so far. */
  requests(): number;
  /** The highest revision among the keys of each kind. */
  revisions(): Readonly<Partial<Record<Kind, number>>>;
  /** Stops reading the source and lets go of everything; requests under way go on to their end. */
  close(): Promise<void>;
}

/**
 * Makes a gateway over a source and begins to read it.
 *
 * @throws {Error} where an option cannot be used: two plugins of one name, an address that is none.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { createGateway, memorySource } from "gatewatch";
 *
 * const gateway = createGateway({ source: memorySource() });
 * await gateway.ready;
 * export default new Hono().use(gateway.middleware).get("/health", (c) => c.text("ok"));
 * ```
 */
export function createGateway(options: GatewayOptions): Gateway {
  const { source, router = "radixtree_host_uri" } = options;
  const transport = options.transport ?? fetchTransport();
  const catalogue = createCatalogue([...builtinPlugins, ...options.plugins ?? []], {
    redis: options.redis !== undefined,
  });
  const denied = compileDenied(options.denyTargets ?? []);
  const upstreams: UpstreamSet = new UpstreamSet({
    release: (peer) => transport.release(peer),
    probe: createProbe(transport, options.tcpProbe, denied),
    certificate: (id) => clientCertificate(store.get("ssl", id)),
    healthChanged: logHealth,
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
    ...(options.upstreamCa === undefined ? {} : { ca: options.upstreamCa }),
    ...(denied === undefined ? {} : { denied }),
  });
  const secrets = createSecrets(options.secrets ?? {});
  const store: Store = new Store({
    prefix: source.prefix,
    load: {
      plugins: catalogue,
      inspect: denyTargets(createInspector(router, options.certificates), denied),
      ...(options.maxResourceBytes === undefined ? {} : { maxBytes: options.maxResourceBytes }),
      secrets: secrets?.sources ?? options.secrets ?? {},
    },
    references: pluginReferences(catalogue),
    onCommit: (delta) => commit(delta),
  });
  const states = new PluginStates();
  const metrics = new Metrics();
  const consumers = new ConsumerIndex(store, catalogue);
  const parts: ChainParts = {
    catalogue,
    consumers,
    states,
    metrics,
    store,
    upstreams,
    connectRedis: options.redis,
    forwarding: { transport, totalTimeout: options.totalTimeout ?? 0 },
    onFailure: logFailure,
  };
  const table = new RouteTable({
    store,
    catalogue,
    upstreams,
    router,
    createAnswer: (entry) => createAnswer(entry, parts),
  });
  const globalRules = new GlobalRules(store, parts);
  const names = new ServerNames();
  const counts = { requests: 0 };
  const commit = (delta: Delta): void => {
    const ends = delta.changes.map((change) => states.begin(`${change.kind}/${change.id}`, unchangedPlugins(change)));
    consumers.apply(delta);
    table.apply(delta);
    globalRules.apply(delta);
    names.apply(delta);
    tellCertificates(delta, names, options.certificates, source.prefix);
    for (const end of ends) end();
    for (const { kind, id, after } of delta.changes) {
      if (kind === "route" && after === undefined) metrics.release(`route/${id}`);
    }
  };

  const isTrusted = trustedProxies(options.trustedProxies ?? []);
  const warnOfShadows = createShadowWarnings(table, store);
  const warnOfCertificates = createCertificateWarnings(names, options.certificates, store);
  const dispatch = createDispatch({
    table,
    globalRules,
    parts,
    notFound: createNotFound(parts),
    onAnswer: options.onAnswer,
    isReady: () => store.revision !== undefined,
    isTrusted,
    names,
    maxInspectedBody: options.maxInspectedBody ?? 1024 * 1024,
    counts,
  });
  const abort = new AbortController();
  let markReady = (): void => {};
  const ready = new Promise<void>((resolve) => markReady = resolve);
  const watch = secrets?.watch(store, tellTransitions);
  const applied = () => {
    markReady();
    watch?.applied();
  };
  const reading = readSource(source, store, abort.signal, applied).catch((error) => {
    getLogger(["gatewatch", "store"]).error("The source ended with an error: {error}", { error });
  });

  return {
    fetch: createFetch(dispatch),
    middleware: async (c, next) => await dispatch.handle(c, next),
    ready,
    status: () => statusOf(source, store),
    keys(filter) {
      warnOfShadows();
      warnOfCertificates();
      return [...store.keys(filter)].filter((key) => filter !== undefined || isOdd(key));
    },
    explain: (request) =>
      explainRequest(request, {
        table,
        catalogue,
        isTrusted,
        globalRules,
        revision: () => store.revision,
      }),
    certificate: (serverName) => names.find(serverName),
    upstreams: () => Array.from(upstreams.values(), (upstream) => upstream.snapshot()),
    metrics() {
      // What a request counted that ended after its route was deleted.
      metrics.sweep((owner) => isServed(owner, store));
      return metrics.write();
    },
    requests: () => counts.requests,
    revisions: () => store.revisions(),
    async close() {
      abort.abort();
      watch?.close();
      markReady();
      await reading;
      states.close();
      upstreams.close();
      if (options.transport === undefined) await transport.close();
    },
  };
}

/** Whether the owner of a metric's series (`route/1`) is there; those who are no routes are for plugins to release. */
function isServed(owner: string, store: Store): boolean {
  if (!owner.startsWith("route/")) return true;
  const id = owner.slice(6);
  return store.get("route", id) !== undefined || id === "node" && store.get("node", id) !== undefined;
}

/** Hono around the request path. HEAD is answered by Hono with a Response of its own, which gets the node's head back. */
function createFetch(dispatch: ReturnType<typeof createDispatch>): Gateway["fetch"] {
  const heads = new WeakMap<Request, Response>();
  const app = new Hono({ getPath: () => "/" });
  app.all("/", async (c) => {
    const response = await dispatch.handle(c) as Response;
    if (c.req.raw.method === "HEAD") heads.set(c.req.raw, response);
    return response;
  });
  const within = (request: Request, env: object): Response | Promise<Response> => {
    const response = app.fetch(request, env);
    if (request.method !== "HEAD") return response;
    return Promise.resolve(response).then((made) => {
      const answered = heads.get(request);
      return answered === undefined ? made : carryHead(answered, made);
    });
  };
  return (request, env) => fromListener(env) ? dispatch.serve(request, env, within) : within(request, env as object);
}

function trustedProxies(ranges: readonly string[]): ((address: string) => boolean) | undefined {
  if (ranges.length === 0) return undefined;
  const compiled = compileCidrs(ranges);
  if (typeof compiled === "function") return compiled;
  throw new Error(`Cannot trust proxies: ${compiled.map((issue) => issue.message).join("; ")}`);
}

function clientCertificate(ssl: ResourceOf<"ssl"> | undefined): ClientCertificate | undefined {
  return ssl?.type === "client" && ssl.status === 1 ? { cert: ssl.cert, key: ssl.key } : undefined;
}

function isOdd({ state, warnings }: KeyStatus): boolean {
  return state !== "active" || warnings.length > 0;
}

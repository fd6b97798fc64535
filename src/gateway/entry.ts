import type { ResourceOf } from "../config/resource.ts";
import type { Kind } from "../config/kinds.ts";
import { isUnresolved } from "../config/load.ts";
import type { ErrorCode } from "../errors.ts";
import type { TransportTimeouts } from "../forward/transport.ts";
import type { MatchRoute } from "../match/route.ts";
import type { RouteFacts } from "../pipeline/context.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { ServedKind } from "../store/delta.ts";
import { toTimeouts } from "../upstream/settings.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { type ChainLink, mergePlugins, type PluginLayer } from "./chain.ts";

/** What a route answers where it cannot do what it is for; the status is Apache APISIX's (`apisix/init.lua`). */
export interface Failure {
  readonly code: ErrorCode;
  readonly status: number;
  /** For the log and for explanations. */
  readonly message: string;
}

/** A route, compiled: everything that a request needs, found when the configuration changed. */
export interface RouteEntry {
  readonly facts: RouteFacts;
  /** A reference that the route cannot do without is missing: no plugin runs. */
  readonly refusal: Failure | undefined;
  /** Where requests go; asked for after the plugins ran, since they may answer or choose another. */
  readonly target: Upstream | Failure;
  /** The route's own limits, where it has any. */
  readonly timeouts: TransportTimeouts | undefined;
  readonly websocket: boolean;
  /** Where its plugins come from, the first one winning; without global rules and consumers. */
  readonly layers: readonly PluginLayer[];
  /** The same, merged, in the order in which they run. */
  readonly links: readonly ChainLink[];
}

/** Looks resources up while a route is compiled. */
export interface Lookup {
  get<K extends ServedKind>(kind: K, id: string): ResourceOf<K> | undefined;
  /** The upstream at work of a resource (`upstream/1`, `route/7`). */
  upstream(key: string): Upstream | undefined;
}

// Shared, since there may be many thousands of routes that have none of these.
const NONE: readonly never[] = [];
const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});
const NO_LAYERS: readonly PluginLayer[] = [];
const NO_LINKS: readonly ChainLink[] = [];

/** The id of the lone node's entry in the matcher; no route can have it, since ids hold no `$`. */
export const LONE_NODE_ID = "$node";

/** What the matcher needs to know of a route; hosts are its service's where it has none of its own. */
export function toMatchRoute(route: ResourceOf<"route">, service: ResourceOf<"service"> | undefined): MatchRoute {
  const { host, hosts, uri, uris, remote_addr: address, remote_addrs: addresses } = route;
  return {
    id: route.id,
    uris: uris ?? (uri === undefined ? [] : [uri]),
    hosts: hosts ?? (host === undefined ? service?.hosts ?? NONE : [host]),
    methods: route.methods ?? NONE,
    remoteAddrs: addresses ?? (address === undefined ? NONE : [address]),
    vars: route.vars,
    priority: route.priority,
    disabled: route.status === 0,
  };
}

/** The lone node as a route: any path, no host, the lowest priority there is. */
export const LONE_NODE_ROUTE: MatchRoute = {
  id: LONE_NODE_ID,
  uris: ["/*"],
  hosts: [],
  methods: [],
  remoteAddrs: [],
  vars: [],
  priority: Number.MIN_SAFE_INTEGER,
};

/** The entry of the lone node. */
export function compileLoneNode(lookup: Lookup): RouteEntry {
  return {
    facts: { id: "node", labels: {} },
    refusal: undefined,
    target: lookup.upstream("node/node") ?? NO_UPSTREAM,
    timeouts: undefined,
    websocket: true,
    layers: [],
    links: [],
  };
}

const NO_UPSTREAM: Failure = { code: "no_upstream", status: 503, message: "The route has no upstream" };

/** A route without its plugins would be open to everyone, and one that were not there would leave its requests to a wider one. */
const UNRESOLVED: Failure = {
  code: "missing_reference",
  status: 503,
  message: "The route or its service refers to a secret that could not be resolved",
};

/** Compiles a route with all that it refers to. Never throws: what is missing becomes the status that APISIX answers with. */
export function compileRoute(route: ResourceOf<"route">, lookup: Lookup, catalogue: Catalogue): RouteEntry {
  const { service_id: serviceId, plugin_config_id: configId } = route;
  const service = serviceId === undefined ? undefined : lookup.get("service", serviceId);
  const pluginConfig = configId === undefined ? undefined : lookup.get("plugin_config", configId);
  const layers = layersOf(route, pluginConfig, service);
  return {
    facts: {
      id: route.id,
      ...(route.name === undefined ? {} : { name: route.name }),
      ...(serviceId === undefined ? {} : { serviceId }),
      ...(service?.name === undefined ? {} : { serviceName: service.name }),
      labels: service?.labels === undefined ? route.labels ?? NO_LABELS : { ...service.labels, ...route.labels },
    },
    refusal: isUnresolved(route) || service !== undefined && isUnresolved(service)
      ? UNRESOLVED
      : configId !== undefined && pluginConfig === undefined
      ? missing("plugin_config", configId, 503)
      : serviceId !== undefined && service === undefined
      ? missing("service", serviceId, 404)
      : undefined,
    target: findTarget(route, service, lookup),
    timeouts: route.timeout === undefined ? undefined : toTimeouts(route.timeout),
    websocket: route.enable_websocket ?? service?.enable_websocket ?? false,
    layers,
    links: layers === NO_LAYERS ? NO_LINKS : mergePlugins(layers, catalogue),
  };
}

/** Those of the resources that have plugins at all: most routes have none. */
function layersOf(
  route: ResourceOf<"route">,
  pluginConfig: ResourceOf<"plugin_config"> | undefined,
  service: ResourceOf<"service"> | undefined,
): readonly PluginLayer[] {
  if (route.plugins === undefined && pluginConfig === undefined && service?.plugins === undefined) return NO_LAYERS;
  const layers: PluginLayer[] = [];
  if (route.plugins !== undefined) layers.push({ from: `route/${route.id}`, uses: route.plugins });
  if (pluginConfig !== undefined) layers.push({ from: `plugin_config/${pluginConfig.id}`, uses: pluginConfig.plugins });
  if (service?.plugins !== undefined) layers.push({ from: `service/${service.id}`, uses: service.plugins });
  return layers;
}

/** The route's own upstream goes before its service's; written inline, before one that is named. */
function findTarget(
  route: ResourceOf<"route">,
  service: ResourceOf<"service"> | undefined,
  lookup: Lookup,
): Upstream | Failure {
  if (route.upstream !== undefined) return lookup.upstream(`route/${route.id}`) ?? NO_UPSTREAM;
  if (route.upstream_id !== undefined) return named(route.upstream_id, lookup);
  if (service?.upstream !== undefined) return lookup.upstream(`service/${service.id}`) ?? NO_UPSTREAM;
  if (service?.upstream_id !== undefined) return named(service.upstream_id, lookup);
  return NO_UPSTREAM;
}

function named(id: string, lookup: Lookup): Upstream | Failure {
  return lookup.upstream(`upstream/${id}`) ?? missing("upstream", id, 502);
}

function missing(kind: Kind, id: string, status: number): Failure {
  return { code: "missing_reference", status, message: `The route refers to ${kind} '${id}', which is not there` };
}

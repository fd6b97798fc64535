import * as v from "valibot";
import { fields, flag } from "../config/fields.ts";
import type { Attempt, ExchangeEnd, PluginExchange, RouteFacts } from "../pipeline/context.ts";
import type { Counter } from "../pipeline/metrics.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import {
  createTrafficMetrics,
  type IsDisabled,
  readDisabledLabels,
  type TrafficLabels,
  type TrafficMetrics,
  type TrafficSeries,
} from "../pipeline/traffic-metrics.ts";

const schema = fields({ prefer_name: v.exactOptional(flag, false) });

/** Counts requests, their latencies and bytes, for `GET /metrics` of the control API (APISIX `plugins/prometheus.lua`, `prometheus/exporter.lua`). */
export const prometheus: Plugin = definePlugin({
  name: "prometheus",
  priority: PRIORITIES.prometheus,
  runPolicy: "prefer_route",
  schema,
  log({ prefer_name: named }, { metrics, metadata }) {
    const traffic = createTrafficMetrics(metrics);
    let configured = metadata();
    let isDisabled = readDisabledLabels(configured);
    let recorders = new WeakMap<RouteFacts, Recorder>();
    const unmatched = () => new Recorder(traffic, NO_ROUTE, undefined, isDisabled);
    let none = unmatched();
    let last: { readonly route: RouteFacts; readonly recorder: Recorder } | undefined;

    const recorderOf = (route: RouteFacts): Recorder => {
      if (last?.route === route) return last.recorder;
      let recorder = recorders.get(route);
      if (recorder === undefined) {
        recorder = new Recorder(traffic, namesOf(route, named), `route/${route.id}`, isDisabled);
        recorders.set(route, recorder);
      }
      last = { route, recorder };
      return recorder;
    };
    const reconfigure = (now: typeof configured): void => {
      configured = now;
      isDisabled = readDisabledLabels(now);
      recorders = new WeakMap();
      none = unmatched();
      last = undefined;
    };
    return (exchange, end) => {
      const now = metadata();
      if (now !== configured) reconfigure(now);
      const { route } = exchange;
      (route === undefined ? none : recorderOf(route)).record(exchange, end);
    };
  },
});

interface RouteNames {
  readonly route: string;
  readonly service: string;
}

const NO_ROUTE: RouteNames = { route: "", service: "" };

function namesOf({ id, name, serviceId = "", serviceName }: RouteFacts, named: boolean): RouteNames {
  return named ? { route: name ?? id, service: serviceName ?? serviceId } : { route: id, service: serviceId };
}

/** Who made the answer (APISIX `core/response.lua`, get_response_source): the gateway, a node, or the gateway since a node did not. */
type AnswerSource = "apisix" | "upstream" | "nginx";

/** Series of one route, node and consumer. */
interface Cell {
  /** With its port, as in attempts. */
  readonly node: string;
  readonly consumer: string;
  readonly labels: TrafficLabels;
  readonly series: TrafficSeries;
  /** By status and source, then by host, then by path. */
  readonly statuses: Map<string, Map<string, Map<string, StatusCell>>>;
  last: StatusCell | undefined;
}

/** Requests that had the same answer by the same way. */
interface StatusCell {
  readonly status: number;
  readonly uri: string;
  readonly host: string;
  readonly source: AnswerSource;
  readonly counter: Counter;
}

/**
 * Counts the requests of one route. What it counts in is looked up when a node, a consumer or a status is new to it: a request compares a few texts, most of
 * which are the very same objects, and adds numbers.
 */
class Recorder {
  readonly #metrics: TrafficMetrics;
  readonly #names: RouteNames;
  readonly #owner: string | undefined;
  readonly #isDisabled: IsDisabled;
  /** By consumer, then by node. */
  readonly #cells: Map<string, Map<string, Cell>> = new Map();
  #last: Cell | undefined;

  constructor(metrics: TrafficMetrics, names: RouteNames, owner: string | undefined, isDisabled: IsDisabled) {
    this.#metrics = metrics;
    this.#names = names;
    this.#owner = owner;
    this.#isDisabled = isDisabled;
  }

  record(exchange: PluginExchange, { status, ms, upstreamMs, received, sent }: ExchangeEnd): void {
    const { attempts, matchedUri = "", matchedHost = "" } = exchange;
    const attempt = attempts[attempts.length - 1];
    const cell = this.#cellOf(attempt?.node ?? "", exchange.consumer?.username ?? "");
    this.#statusOf(cell, status, matchedUri, matchedHost, sourceOf(attempt)).value++;
    const { series } = cell;
    series.request.observe(ms);
    if (upstreamMs !== undefined) series.upstream.observe(upstreamMs);
    series.gateway.observe(Math.max(0, ms - (upstreamMs ?? 0)));
    series.ingress.value += received;
    series.egress.value += sent;
  }

  #cellOf(node: string, consumer: string): Cell {
    const last = this.#last;
    if (last !== undefined && last.node === node && last.consumer === consumer) return last;
    let nodes = this.#cells.get(consumer);
    if (nodes === undefined) this.#cells.set(consumer, nodes = new Map());
    let cell = nodes.get(node);
    if (cell === undefined) {
      const labels = { ...this.#names, consumer, node: hostOf(node) };
      const series = this.#metrics.traffic(labels, this.#owner, this.#isDisabled);
      nodes.set(node, cell = { node, consumer, labels, series, statuses: new Map(), last: undefined });
    }
    return this.#last = cell;
  }

  #statusOf(cell: Cell, status: number, uri: string, host: string, source: AnswerSource): Counter {
    const { last } = cell;
    if (
      last !== undefined && last.status === status && last.uri === uri && last.host === host && last.source === source
    ) {
      return last.counter;
    }
    const uris = inner(inner(cell.statuses, `${status} ${source}`), host);
    let found = uris.get(uri);
    if (found === undefined) {
      const labels = { ...cell.labels, code: String(status), uri, host, source };
      const counter = this.#metrics.status(labels, this.#owner, this.#isDisabled);
      uris.set(uri, found = { status, uri, host, source, counter });
    }
    cell.last = found;
    return found.counter;
  }
}

function sourceOf(attempt: Attempt | undefined): AnswerSource {
  return attempt === undefined ? "apisix" : attempt.status === undefined ? "nginx" : "upstream";
}

function inner<T>(maps: Map<string, Map<string, T>>, key: string): Map<string, T> {
  let map = maps.get(key);
  if (map === undefined) maps.set(key, map = new Map());
  return map;
}

/** APISIX's label tells the address alone. */
function hostOf(node: string): string {
  return node.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

import type { Counter, Histogram, MetricFamily, Metrics } from "./metrics.ts";

/** Upper bounds of latencies in milliseconds (APISIX 3.18 `prometheus/exporter.lua`, DEFAULT_BUCKETS). */
const BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/** What APISIX adds to tell requests to language models apart from others; here all are the others. */
const MODEL_LABELS = ["request_type", "request_llm_model", "llm_model"];
const MODEL_VALUES = ["traditional_http", "", ""];

/** Labels of each metric, in APISIX's order (`prometheus/exporter.lua`, metric_label_map). */
const LABELS: Readonly<Record<TrafficMetric, readonly string[]>> = {
  http_status: [
    "code",
    "route",
    "matched_uri",
    "matched_host",
    "service",
    "consumer",
    "node",
    ...MODEL_LABELS,
    "response_source",
  ],
  http_latency: ["type", "route", "service", "consumer", "node", ...MODEL_LABELS],
  bandwidth: ["type", "route", "service", "consumer", "node", ...MODEL_LABELS],
};

/** The metrics that can lose labels (`disabled_labels`). */
export type TrafficMetric = "http_status" | "http_latency" | "bandwidth";

/** Whether a label of a metric is left empty, so that there are fewer series. */
export type IsDisabled = (metric: TrafficMetric, label: string) => boolean;

/** What all requests of a series have in common, beside what each metric tells. */
export interface TrafficLabels {
  readonly route: string;
  readonly service: string;
  readonly consumer: string;
  readonly node: string;
}

/** The series of latency and bandwidth for one set of labels. */
export interface TrafficSeries {
  readonly request: Histogram;
  readonly upstream: Histogram;
  readonly gateway: Histogram;
  readonly ingress: Counter;
  readonly egress: Counter;
}

/** Finds the series of the metrics that APISIX has for each route. */
export interface TrafficMetrics {
  traffic(labels: TrafficLabels, owner: string | undefined, isDisabled: IsDisabled): TrafficSeries;
  status(
    labels: TrafficLabels & {
      readonly code: string;
      readonly uri: string;
      readonly host: string;
      readonly source: string;
    },
    owner: string | undefined,
    isDisabled: IsDisabled,
  ): Counter;
}

/**
 * Declares the metrics of requests, with APISIX's names. `apisix_http_status` and `apisix_bandwidth` are untyped, since Prometheus wants counters to be called
 * `..._total`; queries do not ask for the type.
 */
export function createTrafficMetrics(metrics: Metrics): TrafficMetrics {
  const status = metrics.untyped({
    name: "apisix_http_status",
    help: "Requests by the status of their answer",
    labels: LABELS.http_status,
  });
  const latency = metrics.histogram({
    name: "apisix_http_latency",
    help:
      "Time that requests took, in all (request), at nodes (upstream) and within the gateway (apisix), each in milliseconds",
    labels: LABELS.http_latency,
  }, BUCKETS);
  const bandwidth = metrics.untyped({
    name: "apisix_bandwidth",
    help: "Size of requests (ingress) and answers (egress), heads and bodies, in bytes",
    labels: LABELS.bandwidth,
  });
  return {
    traffic({ route, service, consumer, node }, owner, isDisabled) {
      const find = <T>(family: MetricFamily<T>, metric: "http_latency" | "bandwidth", type: string): T => {
        const values = [type, route, service, consumer, node, ...MODEL_VALUES];
        return family.series(without(metric, values, isDisabled), owner);
      };
      let upstream: Histogram | undefined;
      return {
        request: find(latency, "http_latency", "request"),
        // A route whose requests plugins answer has none.
        get upstream() {
          return upstream ??= find(latency, "http_latency", "upstream");
        },
        gateway: find(latency, "http_latency", "apisix"),
        ingress: find(bandwidth, "bandwidth", "ingress"),
        egress: find(bandwidth, "bandwidth", "egress"),
      };
    },
    status({ code, route, uri, host, service, consumer, node, source }, owner, isDisabled) {
      const values = [code, route, uri, host, service, consumer, node, ...MODEL_VALUES, source];
      return status.series(without("http_status", values, isDisabled), owner);
    },
  };
}

function without(metric: TrafficMetric, values: readonly string[], isDisabled: IsDisabled): string[] {
  return values.map((value, i) => isDisabled(metric, LABELS[metric][i]!) ? "" : value);
}

/** What tells the series of a metric apart, which therefore cannot be left out. */
const STRUCTURAL: ReadonlySet<string> = new Set(["code", "type"]);

/** Reads `disabled_labels` of the plugin's metadata: `{"http_status": ["node"]}`. What is no label is left out of account. */
export function readDisabledLabels(metadata: Readonly<Record<string, unknown>> | undefined): IsDisabled {
  const configured = metadata?.disabled_labels;
  if (typeof configured !== "object" || configured === null) return () => false;
  const disabled = new Map<string, ReadonlySet<unknown>>();
  for (const [metric, labels] of Object.entries(configured)) {
    if (Array.isArray(labels)) disabled.set(metric, new Set(labels));
  }
  return (metric, label) => !STRUCTURAL.has(label) && disabled.get(metric)?.has(label) === true;
}

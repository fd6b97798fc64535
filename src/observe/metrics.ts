import { DIRECTORIES, type Kind } from "../config/kinds.ts";
import type { GatewayStatus } from "../gateway/status.ts";
import { type MetricType, writeHead, writeLabels, writeSample } from "../pipeline/metrics.ts";
import type { UpstreamSnapshot } from "../upstream/upstream.ts";

/** What is asked of a gateway; a `Gateway` is one. */
export interface MeasuredGateway {
  status(): GatewayStatus;
  upstreams(): readonly UpstreamSnapshot[];
  metrics(): Iterable<string>;
  requests(): number;
  revisions(): Readonly<Partial<Record<Kind, number>>>;
}

export interface MetricsOptions {
  readonly gateway: MeasuredGateway;
  /** The source's, put before resources' names. */
  readonly prefix: string;
  readonly hostname: string;
  readonly version: string;
  /** Connections of clients that are open. */
  readonly connections: () => number;
  /** Further metrics of the process. Default: none. */
  readonly more?: () => Iterable<string>;
}

/** Characters that are written in one go. */
const PIECE = 64 * 1024;

/** What `GET /metrics` answers. */
export function answerMetrics(options: MetricsOptions): Response {
  return new Response(streamMetrics(options), {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}

/**
 * All metrics of a process as a stream, so that many of them hold up no request. The names beginning with `apisix_` are Apache APISIX 3.18's
 * (`prometheus/exporter.lua`); those beginning with `gatewatch_` tell what APISIX does not.
 */
export function streamMetrics(options: MetricsOptions): ReadableStream<Uint8Array> {
  const pieces = writeAll(options);
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let text = "";
      while (text.length < PIECE) {
        const { done, value } = pieces.next();
        if (done === true) {
          if (text !== "") controller.enqueue(encoder.encode(text));
          controller.close();
          return;
        }
        text += value;
      }
      controller.enqueue(encoder.encode(text));
      await new Promise((resolve) => setTimeout(resolve, 0));
    },
  }, { highWaterMark: 0 });
}

function* writeAll(options: MetricsOptions): Generator<string> {
  yield* writeProcess(options);
  if (options.more) yield* options.more();
  yield* options.gateway.metrics();
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

function write(name: string, type: MetricType, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  let text = writeHead(name, help, type);
  for (const [labels, value] of samples) {
    text += writeSample(name, writeLabels(Object.keys(labels), Object.values(labels)), value);
  }
  return text;
}

function* writeProcess({ gateway, prefix, hostname, version, connections }: MetricsOptions): Generator<string> {
  const status = gateway.status();
  const synced = status.source.state === "synced" ? 1 : 0;
  yield write(
    "gatewatch_keys",
    "gauge",
    "Keys of the configuration by what became of them",
    samplesOf("state", status.keys),
  );
  yield write("gatewatch_revision", "gauge", "Revision of the configuration that requests are matched against", [
    [{}, status.revision ?? 0],
  ]);
  yield write("gatewatch_source_synced", "gauge", "Whether changes of the configuration arrive as they are made", [
    [{}, synced],
  ]);
  yield write("gatewatch_degraded", "gauge", "Whether what is served may be out of date", [
    [{}, status.ready && synced === 0 ? 1 : 0],
  ]);
  yield write("gatewatch_held_deletes", "gauge", "Routes whose deletion is held back", [
    [{}, Number(status.source.details?.["heldRemoves"] ?? 0)],
  ]);
  yield write("apisix_http_requests_total", "counter", "Requests since the gateway started", [[
    {},
    gateway.requests(),
  ]]);
  yield write("apisix_nginx_http_current_connections", "gauge", "Connections of clients", [
    [{ state: "active" }, connections()],
  ]);
  yield write("apisix_node_info", "gauge", "What this node is", [[{ hostname, version }, 1]]);
  if (status.source.kind === "etcd") {
    yield write("apisix_etcd_reachable", "gauge", "Whether etcd answers", [[{}, synced]]);
    const indexes = modifyIndexes(gateway.revisions(), status.revision ?? 0);
    yield write("apisix_etcd_modify_indexes", "gauge", "The latest revision of each directory in etcd", indexes);
  }
  yield write(
    "apisix_upstream_status",
    "gauge",
    "Whether health checks let a node of an upstream be used",
    gateway.upstreams().flatMap((upstream) => healthSamples(upstream, prefix)),
  );
}

function samplesOf(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => [{ [label]: name }, value]);
}

/** The directories that APISIX tells of. */
const INDEXED = ["routes", "services", "ssls", "consumers", "global_rules", "upstreams", "stream_routes", "protos"];

function modifyIndexes(revisions: Readonly<Partial<Record<Kind, number>>>, revision: number): Sample[] {
  const samples = INDEXED.map((key): Sample => {
    const own = revisions[DIRECTORIES[key]!] ?? 0;
    return [{ key }, key === "consumers" ? Math.max(own, revisions.credential ?? 0) : own];
  });
  const highest = Math.max(...samples.map(([, value]) => value));
  return [...samples, [{ key: "max_modify_index" }, highest], [{ key: "x_etcd_index" }, revision]];
}

const DIRECTORY_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(DIRECTORIES).map(([directory, kind]) => [kind, directory]),
);

/** Only of nodes that are checked, as in APISIX. */
function healthSamples({ id, nodes }: UpstreamSnapshot, prefix: string): Sample[] {
  const slash = id.indexOf("/");
  const name = `${prefix}${DIRECTORY_OF.get(id.slice(0, slash)) ?? id.slice(0, slash)}/${id.slice(slash + 1)}`;
  return nodes.flatMap(({ node, use, health }): Sample[] => {
    if (health === undefined) return [];
    const [, ip = node, port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(node) ?? [];
    return [[{ name, ip, port }, use === "open" ? 1 : 0]];
  });
}

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createControl } from "../../../src/admin/control.ts";
import type { GatewayStatus } from "../../../src/gateway/status.ts";
import { answerMetrics, type MeasuredGateway, type MetricsOptions } from "../../../src/observe/metrics.ts";
import { Metrics } from "../../../src/pipeline/metrics.ts";
import type { UpstreamSnapshot } from "../../../src/upstream/upstream.ts";
import { lint, parseMetrics, withoutPromtool } from "../../support/metrics.ts";

const HEALTH = { state: "unhealthy", reason: "3 failures", since: "2026-01-01T00:00:00.000Z" };

const UPSTREAMS = [
  {
    id: "upstream/1",
    type: "roundrobin",
    all_unhealthy: false,
    nodes: [
      { node: "10.0.0.7:80", weight: 1, priority: 0, use: "open", active: 0, health: HEALTH },
      { node: "[::1]:8080", weight: 1, priority: 0, use: "closed", active: 0, health: HEALTH },
      { node: "a.test:81", weight: 1, priority: 0, use: "trial", active: 0, health: HEALTH },
    ],
  },
  { id: "route/r", type: "roundrobin", all_unhealthy: false, nodes: [{ node: "b:1", use: "open" }] },
] as unknown as UpstreamSnapshot[];

function options(source: Partial<GatewayStatus["source"]> = {}, metrics: Metrics = new Metrics()): MetricsOptions {
  const gateway: MeasuredGateway = {
    status: () => ({
      source: { kind: "etcd", state: "synced", origin: "etcd", silentMs: 1, ...source },
      ready: true,
      revision: 77,
      resources: { route: 2 },
      keys: { active: 5, stale: 0, pending: 1, rejected: 2, unsupported: 0 },
    }),
    upstreams: () => UPSTREAMS,
    metrics: () => metrics.write(),
    requests: () => 42,
    revisions: () => ({ route: 70, upstream: 12, consumer: 3, credential: 9, plugin_config: 75 }),
  };
  return { gateway, prefix: "/apisix/", hostname: "here", version: "1.2.3", connections: () => 3 };
}

async function scrape(...from: Parameters<typeof options>) {
  return parseMetrics(await answerMetrics(options(...from)).text());
}

describe("metrics of a process", () => {
  it("are gatewatch's and APISIX's", async () => {
    const { samples } = await scrape();
    assert.deepEqual(
      samples.map(({ name, labels, value }) => [name, ...Object.values(labels), value].join(" ")),
      [
        "gatewatch_keys active 5",
        "gatewatch_keys stale 0",
        "gatewatch_keys pending 1",
        "gatewatch_keys rejected 2",
        "gatewatch_keys unsupported 0",
        "gatewatch_revision 77",
        "gatewatch_source_synced 1",
        "gatewatch_degraded 0",
        "gatewatch_held_deletes 0",
        "apisix_http_requests_total 42",
        "apisix_nginx_http_current_connections active 3",
        "apisix_node_info here 1.2.3 1",
        "apisix_etcd_reachable 1",
        "apisix_etcd_modify_indexes routes 70",
        "apisix_etcd_modify_indexes services 0",
        "apisix_etcd_modify_indexes ssls 0",
        "apisix_etcd_modify_indexes consumers 9",
        "apisix_etcd_modify_indexes global_rules 0",
        "apisix_etcd_modify_indexes upstreams 12",
        "apisix_etcd_modify_indexes stream_routes 0",
        "apisix_etcd_modify_indexes protos 0",
        "apisix_etcd_modify_indexes max_modify_index 70",
        "apisix_etcd_modify_indexes x_etcd_index 77",
        "apisix_upstream_status /apisix/upstreams/1 10.0.0.7 80 1",
        "apisix_upstream_status /apisix/upstreams/1 ::1 8080 0",
        "apisix_upstream_status /apisix/upstreams/1 a.test 81 0",
      ],
    );
  });

  it("say when etcd is away", async () => {
    const { sum } = await scrape({ state: "stale", reason: "connection refused" });
    assert.deepEqual([sum("gatewatch_source_synced"), sum("apisix_etcd_reachable")], [0, 0]);
  });

  it("say nothing of etcd where there is none", async () => {
    const { samples, sum } = await scrape({ kind: "file" });
    assert.equal(samples.filter(({ name }) => name.includes("etcd")).length, 0);
    assert.equal(sum("gatewatch_source_synced"), 1);
  });

  it("are at /metrics of the control API", async () => {
    const made = options();
    const app = createControl({
      gateway: { ...made.gateway, keys: () => [], upstreams: () => [], explain: () => assert.fail("nobody asked") },
      version: "1.2.3",
      runtime: { name: "bun", version: "1.4.5" },
      draining: () => false,
      loopback: true,
      metrics: () => answerMetrics(made),
    });
    const answer = await app.fetch(new Request("http://127.0.0.1/metrics"));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(parseMetrics(await answer.text()).sum("apisix_http_requests_total"), 42);
    assert.equal((await app.fetch(new Request("http://127.0.0.1/metrics", { method: "POST" }))).status, 405);
  });

  it("please promtool", { skip: withoutPromtool }, async () => {
    const metrics = new Metrics();
    const latency = metrics.histogram({ name: "lookup_seconds", help: "a\\b\nc", labels: ["kind"] }, [0.1, 1]);
    latency.series(['"\\\n']).observe(0.5);
    metrics.gauge({ name: "open_files", help: "Files" }).series([]).value = 3;
    const input = await answerMetrics(options({}, metrics)).text();
    assert.equal(lint(input), "");
  });

  it("come in pieces where there are many", async () => {
    const metrics = new Metrics();
    const family = metrics.counter({ name: "many_total", help: "Many", labels: ["n"] });
    for (let i = 0; i < 20_000; i++) family.series([String(i)]).value = i;
    const reader = answerMetrics(options({}, metrics)).body!.getReader();
    let pieces = 0, text = "";
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      pieces++;
      text += new TextDecoder().decode(read.value);
    }
    assert.ok(pieces >= 5, `${pieces} pieces`);
    assert.equal(parseMetrics(text).find("many_total").length, 20_000);
  });
});

describe("a registry of metrics", () => {
  const definition = { name: "a_total", help: "A", labels: ["x", "y"] };

  it("writes text", () => {
    const metrics = new Metrics();
    assert.equal([...metrics.write()].join(""), "");
    metrics.counter(definition).series(["1", 'a"b\\c\nd']).value = 3;
    metrics.histogram({ name: "b", help: "B" }, [1, 2.5]).series([]).observe(2);
    assert.equal(
      [...metrics.write()].join(""),
      '# HELP a_total A\n# TYPE a_total counter\na_total{x="1",y="a\\"b\\\\c\\nd"} 3\n' +
        '# HELP b B\n# TYPE b histogram\nb_bucket{le="1"} 0\nb_bucket{le="2.5"} 1\nb_bucket{le="+Inf"} 1\nb_sum 2\nb_count 1\n',
    );
  });

  it("counts what is on a bound below it, and what is above all bounds", () => {
    const histogram = new Metrics().histogram({ name: "b", help: "B" }, [1, 2]).series([]);
    for (const value of [0, 1, 1.1, 2, 3, 100]) histogram.observe(value);
    assert.deepEqual([...histogram.counts], [2, 2, 2]);
    assert.equal(histogram.sum, 107.1);
  });

  it("has one series for one set of labels", () => {
    const metrics = new Metrics();
    assert.equal(metrics.counter(definition).series(["1", "2"]), metrics.counter(definition).series(["1", "2"]));
  });

  it("refuses two metrics of one name", () => {
    const metrics = new Metrics();
    metrics.counter(definition);
    const message = "Cannot add the metric 'a_total' as another one has its name, with another type or other labels";
    assert.throws(() => metrics.gauge(definition), { message });
    assert.throws(() => metrics.counter({ ...definition, labels: ["x"] }), { message });
  });

  it("refuses names that Prometheus would", () => {
    const message = "Cannot add the metric 'a-b' as its name and labels must be of letters, digits and '_'";
    assert.throws(() => new Metrics().counter({ name: "a-b", help: "A" }), { message });
  });

  it("forgets a series with its last owner", () => {
    const metrics = new Metrics(), family = metrics.counter(definition);
    const size = () => [...metrics.write()].length;
    family.series(["1", ""], "a");
    family.series(["1", ""], "b");
    family.series(["2", ""], "a");
    family.series(["3", ""]);
    assert.equal(size(), 4);
    metrics.release("a");
    assert.equal(size(), 3);
    metrics.release("a");
    metrics.sweep((owner) => owner !== "b");
    assert.equal(size(), 2);
    metrics.sweep(() => false);
    assert.equal(size(), 2);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MetricsMerger } from "../../../src/observe/merge-metrics.ts";

const metrics = (requests: number, revision: number, connections: number): string =>
  `# HELP apisix_http_requests_total Requests\n# TYPE apisix_http_requests_total counter\n` +
  `apisix_http_requests_total ${requests}\n` +
  `# TYPE gatewatch_revision gauge\ngatewatch_revision ${revision}\n` +
  `# TYPE apisix_nginx_http_current_connections gauge\napisix_nginx_http_current_connections{state="active"} ${connections}\n` +
  `# TYPE gatewatch_degraded gauge\ngatewatch_degraded ${revision % 2}\n` +
  `# TYPE latency histogram\nlatency_bucket{route="a b",le="1"} ${requests}\nlatency_bucket{route="a b",le="+Inf"} ${
    requests * 2
  }\nlatency_sum{route="a b"} ${requests / 2}\nlatency_count{route="a b"} ${requests * 2}\n`;

function value(text: string, sample: string): string | undefined {
  return text.split("\n").find((line) => line.startsWith(`${sample} `))?.slice(sample.length + 1);
}

describe("MetricsMerger", () => {
  it("adds counters, histograms and connections up, and takes the gauge that matters of others", () => {
    const merger = new MetricsMerger();
    merger.update(1, metrics(3, 7, 2));
    merger.update(2, metrics(4, 6, 5));
    const text = merger.write();
    assert.equal(value(text, "apisix_http_requests_total"), "7");
    assert.equal(merger.sum("apisix_http_requests_total"), 7);
    assert.equal(merger.sum("none"), 0);
    assert.equal(value(text, "gatewatch_revision"), "6");
    assert.equal(value(text, "gatewatch_degraded"), "1");
    assert.equal(value(text, 'apisix_nginx_http_current_connections{state="active"}'), "7");
    assert.equal(value(text, 'latency_bucket{route="a b",le="1"}'), "7");
    assert.equal(value(text, 'latency_bucket{route="a b",le="+Inf"}'), "14");
    assert.equal(value(text, 'latency_sum{route="a b"}'), "3.5");
    assert.match(text, /^# HELP apisix_http_requests_total Requests\n# TYPE apisix_http_requests_total counter\n/);
  });

  it("writes what it reads of one process", () => {
    const merger = new MetricsMerger();
    merger.update(1, metrics(3, 7, 2));
    assert.equal(merger.write(), metrics(3, 7, 2));
  });

  it("replaces what a process said before", () => {
    const merger = new MetricsMerger();
    merger.update(1, metrics(3, 7, 2));
    merger.update(1, metrics(5, 8, 1));
    assert.equal(merger.write(), metrics(5, 8, 1));
  });

  it("keeps what a process that ended had counted, and forgets its gauges", () => {
    const merger = new MetricsMerger();
    merger.update(1, metrics(3, 7, 2));
    merger.update(2, metrics(4, 9, 5));
    merger.end(1);
    merger.end(1);
    merger.end(3);
    merger.update(4, metrics(1, 8, 1));
    const text = merger.write();
    assert.equal(value(text, "apisix_http_requests_total"), "8");
    assert.equal(value(text, "gatewatch_revision"), "8");
    assert.equal(value(text, 'apisix_nginx_http_current_connections{state="active"}'), "6");
    assert.equal(value(text, 'latency_count{route="a b"}'), "16");
  });

  it("takes a sample that only one has", () => {
    const merger = new MetricsMerger();
    merger.update(1, '# TYPE a counter\na{x="1"} 1\n');
    merger.update(2, '# TYPE a counter\na{x="2"} 2\n');
    assert.equal(merger.write(), '# TYPE a counter\na{x="1"} 1\na{x="2"} 2\n');
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Finding, NodeHealth } from "../../../src/upstream/health/node-health.ts";

/** Reports findings with a limit each, and tells the states they led to. */
function states(health: NodeHealth, limit: number, findings: readonly Finding[]): string[] {
  return findings.map((finding) => {
    health.report(finding, limit, () => new Date(0), () => finding);
    return health.state;
  });
}

describe("NodeHealth", () => {
  it("goes down by way of mostly_healthy, and comes up by way of mostly_unhealthy", () => {
    const health = new NodeHealth(new Date(0));
    assert.deepEqual(states(health, 3, ["http_failure", "http_failure", "http_failure"]), [
      "mostly_healthy",
      "mostly_healthy",
      "unhealthy",
    ]);
    assert.equal(health.usable, false);
    assert.deepEqual(states(health, 2, ["success", "success"]), ["mostly_unhealthy", "healthy"]);
    assert.equal(health.usable, true);
  });

  it("counts each kind of failure for itself", () => {
    const health = new NodeHealth(new Date(0));
    states(health, 2, ["http_failure", "tcp_failure", "timeout"]);
    assert.equal(health.state, "mostly_healthy");
    assert.deepEqual(health.counters, { success: 0, http_failure: 1, tcp_failure: 1, timeout: 1 });
    states(health, 2, ["timeout"]);
    assert.equal(health.state, "unhealthy");
  });

  it("clears failures by a success, and successes by a failure", () => {
    const health = new NodeHealth(new Date(0));
    states(health, 3, ["tcp_failure", "tcp_failure", "success", "tcp_failure", "tcp_failure"]);
    assert.equal(health.state, "mostly_healthy");
    assert.deepEqual(health.counters, { success: 0, http_failure: 0, tcp_failure: 2, timeout: 0 });
  });

  it("does not count what confirms a state that is reached in full", () => {
    const health = new NodeHealth(new Date(0));
    states(health, 1, ["success", "success"]);
    assert.equal(health.counters.success, 0);
    states(health, 1, ["timeout", "timeout", "timeout"]);
    assert.equal(health.counters.timeout, 1);
  });

  it("ignores findings whose limit is 0", () => {
    const health = new NodeHealth(new Date(0));
    assert.deepEqual(states(health, 0, ["tcp_failure"]), ["healthy"]);
    assert.equal(health.counters.tcp_failure, 0);
  });

  it("says why and since when, and whether a finding has changed anything", () => {
    const health = new NodeHealth(new Date(0));
    const report = (time: number) => health.report("timeout", 2, () => new Date(time), () => "active: timeout");
    assert.equal(report(1000), true);
    assert.equal(health.reason, "active: timeout, 1 of 2");
    assert.equal(report(2000), true);
    assert.equal(health.reason, "active: timeout, 2 of 2");
    assert.equal(report(3000), false);
    assert.equal(health.since.getTime(), 2000);
  });
});

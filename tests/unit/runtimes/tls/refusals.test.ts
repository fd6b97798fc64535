import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { Refusals } from "../../../../src/runtimes/tls/refusals.ts";
import { parseMetrics } from "../../../support/metrics.ts";

describe("Refusals", () => {
  it("counts every one, and writes a line a minute for each reason", async () => {
    const lines: LogRecord[] = [];
    await configure({
      sinks: { lines: (line) => void lines.push(line) },
      loggers: [
        { category: ["gatewatch"], sinks: ["lines"], lowestLevel: "debug" },
        { category: ["logtape", "meta"], sinks: [] },
      ],
      reset: true,
    });
    try {
      let now = 0;
      const refusals = new Refusals(() => now);
      for (let i = 0; i < 100; i++) refusals.add("no_certificate", { serverName: `${i}.test` });
      refusals.add("timeout", {});
      now = 60_000;
      refusals.add("no_certificate", { serverName: "last.test" });
      assert.deepEqual(lines.map(({ level, properties }) => [level, properties["reason"], properties["count"]]), [
        ["warning", "no_certificate", 1],
        ["debug", "timeout", 1],
        ["warning", "no_certificate", 100],
      ]);
      assert.equal(lines[2]!.properties["serverName"], "last.test");
      const samples = parseMetrics(refusals.write()).samples.map(({ name, labels, value }) => [name, labels, value]);
      assert.deepEqual(samples.slice(0, 2), [
        ["gatewatch_tls_handshakes_refused_total", { reason: "no_certificate" }, 101],
        ["gatewatch_tls_handshakes_refused_total", { reason: "client_certificate" }, 0],
      ]);
      assert.equal(samples.length, 5);
    } finally {
      await reset();
    }
  });
});

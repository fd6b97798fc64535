import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { freePorts } from "../support/etcd.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";

interface Line {
  readonly category: string;
  readonly message: string;
  readonly status: number;
  readonly ms: number;
  readonly client: string;
  readonly host: string;
  readonly route?: string;
  readonly node?: string;
  readonly error?: string;
}

describe("the access log", () => {
  let directory = "", file = "", origin: Origin, nobody = 0;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-access-"));
    file = join(directory, "resources.json");
    origin = await startOrigin();
    [nobody] = await freePorts(1) as [number];
    await writeFile(
      file,
      JSON.stringify({
        routes: [
          { id: "good", uri: "/good", upstream: { nodes: { [`127.0.0.1:${origin.port}`]: 1 } } },
          { id: "gone", uri: "/gone", upstream: { nodes: { [`127.0.0.1:${nobody}`]: 1 } } },
        ],
      }),
    );
  });
  after(async () => {
    await origin?.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** What is written for three requests: a good one, one whose node is gone, one without a route. */
  async function linesWith(...flags: readonly string[]): Promise<Line[]> {
    const gateway: GatewayProcess = await startGatewayProcess({ flags: ["--resources", file, ...flags] });
    try {
      assert.equal((await gateway.get("/good?apikey=s3cr3t&page=1", { host: "a.example" })).status, 200);
      assert.equal((await gateway.get("/gone")).status, 502);
      assert.equal((await gateway.get("/nothing")).status, 404);
      // The log of failures is written in the same turn, so that the access log is complete when it is there.
      await until(() => gateway.log.includes("/gone"), { what: "the failure is logged" });
    } finally {
      await gateway.stop();
    }
    return gateway.output.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Line);
  }

  it("is off unless it is asked for", async () => {
    assert.deepEqual(await linesWith(), []);
  });

  it("tells of every request what happened to it, without secrets, whatever the level of the log", async () => {
    const [good, gone, nothing, ...more] = await linesWith("--access-log", "all", "--log-level", "warning");
    assert.ok(good && gone && nothing);
    assert.deepEqual(more, []);
    assert.equal(good.category, "gatewatch.access");
    assert.equal(good.message, "GET /good?apikey=[redacted]&page=1 200");
    assert.equal(good.route, "good");
    assert.equal(good.node, `127.0.0.1:${origin.port}`);
    assert.equal(good.client, "127.0.0.1");
    assert.equal(good.host, "a.example");
    assert.ok(good.ms > 0 && good.ms < 10_000);
    assert.equal(good.error, undefined);
    assert.equal(gone.status, 502);
    assert.equal(gone.error, "connect_refused");
    assert.equal(gone.node, `127.0.0.1:${nobody}`);
    assert.equal(nothing.status, 404);
    assert.equal(nothing.error, "route_not_found");
    assert.equal(nothing.route, undefined);
  });

  it("tells only of errors where that is asked for", async () => {
    const lines = await linesWith("--access-log", "errors");
    assert.deepEqual(lines.map(({ status }) => status), [502, 404]);
  });
});

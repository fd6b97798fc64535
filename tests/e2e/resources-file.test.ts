import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";

describe("a resources file", () => {
  let directory = "", file = "", origin: Origin, gateway: GatewayProcess;
  const content = (uri: string) =>
    `# routes of the demo
routes:
  - id: 1
    uri: ${uri}
    upstream_id: hello
upstreams:
  - id: hello
    type: roundrobin
    nodes: { "127.0.0.1:${origin.port}": 1 }
`;
  const becomes = (path: string, status: number) =>
    until(async () => (await gateway.get(path)).status === status, { what: `${path} answers ${status}` });

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-resources-"));
    file = join(directory, "resources.yaml");
    origin = await startOrigin();
    await writeFile(file, content("/hello"));
    // Named by a settings file, relative to the working directory, to show both.
    await writeFile(join(directory, "gatewatch.yaml"), "resources: resources.yaml\nlog-level: debug\n");
    gateway = await startGatewayProcess({ directory });
  });
  after(async () => {
    await gateway?.stop();
    await origin?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("is served, named by the settings file of the working directory", async () => {
    assert.equal((await gateway.get("/hello")).body, "HelloWorld");
    assert.equal((await gateway.status()).source.kind, "file");
  });

  it("is followed when it is edited in place", async () => {
    await writeFile(file, content("/edited"));
    await becomes("/edited", 200);
    assert.equal((await gateway.get("/hello")).status, 404);
  });

  it("is followed when an editor replaces it", async () => {
    await writeFile(`${file}.new`, content("/replaced"));
    await rename(`${file}.new`, file);
    await becomes("/replaced", 200);
  });

  it("serves its last good content after a broken edit, says so, and recovers", async () => {
    await writeFile(file, "routes: [\n  {");
    await until(async () => {
      const { source } = await gateway.status();
      return source.state !== "synced" && (source.reason ?? "") !== "";
    }, { what: "the status tells of the broken edit" });
    assert.equal((await gateway.get("/replaced")).body, "HelloWorld");
    assert.equal((await gateway.control("/ready")).status, 200);

    await writeFile(file, content("/mended"));
    await becomes("/mended", 200);
    assert.equal((await gateway.status()).source.state, "synced");
  });
});

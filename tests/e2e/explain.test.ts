// waits
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type GatewayProcess, runGatewatch, startGatewayProcess } from "../support/gateway-process.ts";

const RESOURCES = `
routes:
  - { id: 1, uri: /api/*, upstream_id: u }
  - { id: 2, uri: /api/users, methods: [POST], upstream_id: u }
  - { id: 3, uri: /broken, priority: high, upstream_id: u }
upstreams:
  - { id: u, type: roundrobin, nodes: { "127.0.0.1:6699": 1 } }
`;

describe("gatewatch explain", () => {
  let directory = "", file = "", gateway: GatewayProcess;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-explain-"));
    file = join(directory, "resources.yaml");
    await writeFile(file, RESOURCES);
    gateway = await startGatewayProcess({ flags: ["--resources", file] });
  });
  after(async () => {
    await gateway?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it("asks the gateway that runs", async () => {
    const where = ["--control", `127.0.0.1:${gateway.controlPort}`];
    const { status, stdout, stderr } = await runGatewatch(["explain", "GET", "http://a.example/api/users", ...where]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^ +route 2 +\/api\/users .*fails$/m);
    assert.match(stdout, /methods +POST +is GET/);
    assert.match(stdout, /^Nodes of upstream\/u\n {2}127\.0\.0\.1:6699 +weight 1 +picked: /m);
    const json = await runGatewatch([
      "explain",
      "GET",
      "/nothing",
      "-H",
      "Host: a.example",
      "--json",
      "--url",
      where[1]!,
    ]);
    assert.equal(json.status, 1);
    assert.equal((JSON.parse(json.stdout) as { answer: { status: number } }).answer.status, 404);
    assert.match(json.stdout, /"hint": "/);
  });

  it("reads a file without a gateway that runs, and says what of it is not served", async () => {
    const { status, stdout, stderr } = await runGatewatch([
      "explain",
      "POST",
      "/api/users",
      "-H",
      "Host: a",
      "--resources",
      file,
    ]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /route 2 .*wins/);
    assert.match(stderr, /^Note: .*routes\/3 is rejected: priority must be an integer/m);
  });

  it("says what it cannot do", async () => {
    const cases: readonly [readonly string[], number, RegExp][] = [
      [["GET"], 2, /Write a method and a URL/],
      [["get", "/"], 2, /Cannot use "get" as a method/],
      [["GET", "/", "-H", "x"], 2, /Cannot use "x" as a header field/],
      [["GET", "/", "--resources", "/nowhere.yaml"], 1, /nowhere\.yaml/],
      [["GET", "/", "--control", "127.0.0.1:1"], 1, /^Cannot ask http:\/\/127\.0\.0\.1:1\/explain/],
    ];
    for (const [args, expected, message] of cases) {
      const { status, stderr } = await runGatewatch(["explain", ...args]);
      assert.equal(status, expected, `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, message);
    }
  });
});

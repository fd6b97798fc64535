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

  it("takes a path alone, and what a client would encode", async () => {
    for (const where of [["--control", `127.0.0.1:${gateway.controlPort}`], ["--resources", file]]) {
      const asked = async (...args: readonly string[]) => {
        const { status, stdout, stderr } = await runGatewatch(["explain", ...args, ...where]);
        assert.equal(status, 0, stderr);
        return stdout;
      };
      assert.match(await asked("POST", "/api/users"), /localhost[^]*route 2 .*wins/);
      assert.match(await asked("GET", "/api/a", "-H", "host: a.example"), /a\.example[^]*route 1 .*wins/);
      const encoded = await asked("GET", "http://h\u00fc.example/api/\u00fcn\u00ef/a b/../\u{1f600}?q=\u00fc b'#part");
      assert.match(encoded, /xn--h-eha\.example/);
      assert.match(encoded, /GET \/api\/\u00fcn\u00ef\/\u{1f600}$/mu);
      assert.match(encoded, /route 1 .*wins/);
    }
  });

  it("answers 400 where the client's address is none", async () => {
    const answer = await fetch(`${gateway.controlUrl}/explain`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ method: "GET", url: "http://a/", from: "10.0.0.700" }),
    });
    assert.equal(answer.status, 400);
    assert.deepEqual(await answer.json(), {
      error_msg: 'from is "10.0.0.700", which is no IP address',
      code: "bad_request",
    });
  });

  it("says what it cannot do", async () => {
    const cases: readonly [readonly string[], number, RegExp][] = [
      [["GET"], 2, /Write a method and a URL/],
      [["get", "/"], 2, /Cannot use "get" as a method/],
      [["GET", "/", "-H", "x"], 2, /Cannot use "x" as a header field/],
      [["GET", "/", "--from", "10.0.0.700"], 2, /^gatewatch: --from: Cannot use "10\.0\.0\.700" as an address: write /],
      [["GET", "/", "--from", "not-an-ip", "--resources", file], 2, /^gatewatch: --from: Cannot use "not-an-ip" as/],
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

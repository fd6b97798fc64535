import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { createProbe } from "../../../src/upstream/health/http-probe.ts";
import type { ProbeTarget } from "../../../src/upstream/health/probe.ts";
import { Upstream } from "../../../src/upstream/upstream.ts";
import { tcpProbe } from "../../../src/runtimes/tcp-probe.ts";
import { undiciTransport } from "../../../src/runtimes/transports/undici.ts";
import { until } from "../../support/until.ts";
import { createConfig } from "./upstream-config.ts";

const transport = undiciTransport();
const probe = createProbe(transport, tcpProbe);
const closing: (() => Promise<unknown>)[] = [() => transport.close()];
after(async () => {
  for (const close of closing) await close();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const serve = (listener: RequestListener) => listen(createServer(listener));

/** A port that nothing listens on. */
async function closedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function run(port: number, some: Partial<ProbeTarget> = {}) {
  const target: ProbeTarget = {
    type: "http",
    host: "127.0.0.1",
    port,
    timeout: 2000,
    hostHeader: "probe.example",
    method: "GET",
    path: "/",
    body: "",
    headers: [],
    tls: { servername: "probe.example", verify: true },
    ...some,
  };
  return probe(target, AbortSignal.timeout(target.timeout + 3000));
}

describe("probes over sockets", () => {
  it("tell the status of an answer", async () => {
    const port = await serve((_, response) => response.writeHead(503).end("down"));
    assert.deepEqual(await run(port), { kind: "status", status: 503 });
  });

  it("send method, path, Host, fields and body, each over a connection of its own", async () => {
    const seen: unknown[] = [], connections = new Set<Socket>();
    const port = await serve((incoming, response) => {
      let body = "";
      connections.add(incoming.socket);
      incoming.on("data", (chunk) => body += chunk).on("end", () => {
        const { method, url, headers } = incoming;
        seen.push([method, url, headers.host, headers["x-probe"], headers["content-length"], body]);
        response.end("ok");
      });
    });
    const some = { method: "POST", path: "/ping?a=%2F", body: "schön", headers: ["X-Probe", "yes"] };
    for (let i = 0; i < 2; i++) assert.deepEqual(await run(port, some), { kind: "status", status: 200 });
    assert.deepEqual(seen, Array(2).fill(["POST", "/ping?a=%2F", "probe.example", "yes", "6", "schön"]));
    assert.equal(connections.size, 2);
  });

  it("do not wait for the end of a body", async () => {
    const port = await serve((_, response) => response.write("for ever"));
    assert.deepEqual(await run(port), { kind: "status", status: 200 });
  });

  it("tell refused connections, resets, silence and nonsense apart", async () => {
    assert.deepEqual(await run(await closedPort()), { kind: "failed", reason: "connect_refused" });
    const reset = await listen(createTcpServer((socket) => socket.once("data", () => socket.destroy())));
    assert.deepEqual(await run(reset), { kind: "failed", reason: "reset" });
    const silent = await listen(createTcpServer(() => {}));
    assert.deepEqual(await run(silent, { timeout: 200 }), { kind: "timeout" });
    const nonsense = await listen(
      createTcpServer((socket) => socket.once("data", () => socket.write("hello\r\n\r\n"))),
    );
    assert.deepEqual(await run(nonsense), { kind: "status", status: 0 });
  });

  it("verify a certificate by its name, or do not", async () => {
    const args = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=probe.example";
    const pem = execFileSync("openssl", [
      ...args.split(" "),
      ...["-addext", "subjectAltName=DNS:probe.example", "-keyout", "-", "-out", "-"],
    ], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const key = /-----BEGIN PRIVATE KEY-----[^]*?-----END PRIVATE KEY-----\n/.exec(pem)![0];
    const cert = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----\n/.exec(pem)![0];
    const port = await listen(createTlsServer({ key, cert }, (_, response) => response.end("ok")));
    const tls = { servername: "probe.example", verify: true };
    const ok = { kind: "status", status: 200 }, refused = { kind: "failed", reason: "tls_failed" };
    assert.deepEqual(await run(port, { type: "https", tls }), refused);
    assert.deepEqual(await run(port, { type: "https", tls: { ...tls, ca: cert } }), ok);
    assert.deepEqual(await run(port, { type: "https", tls: { ...tls, ca: cert, servername: "other" } }), refused);
    assert.deepEqual(await run(port, { type: "https", tls: { ...tls, verify: false } }), ok);
  });

  it("of type tcp ask for a connection only", async () => {
    let bytes = 0, closed = 0;
    const port = await listen(createTcpServer((socket) => {
      socket.on("data", (chunk) => bytes += chunk.length).on("close", () => closed++).resume();
    }));
    assert.deepEqual(await run(port, { type: "tcp" }), { kind: "connected" });
    await until(() => closed === 1, { what: "the probe's connection is closed" });
    assert.equal(bytes, 0);
    assert.deepEqual(await run(await closedPort(), { type: "tcp" }), { kind: "failed", reason: "ECONNREFUSED" });
    assert.equal((await createProbe(transport)({ type: "tcp" } as ProbeTarget, AbortSignal.abort())).kind, "skipped");
  });
});

describe("active checks over sockets", () => {
  it("take a node out while it fails, and back in when it has recovered", async () => {
    let failing = true;
    const [good, flaky] = await Promise.all([
      serve((_, response) => response.end("ok")),
      serve((_, response) => response.writeHead(failing ? 500 : 200).end()),
    ]);
    const active = { healthy: { interval: 1, successes: 1 }, unhealthy: { interval: 1, http_failures: 1 } };
    const config = createConfig({ nodes: { [`127.0.0.1:${good}`]: 1, [`127.0.0.1:${flaky}`]: 1 }, checks: { active } });
    const upstream = new Upstream("1", config, { release: (peer) => transport.release(peer), probe });
    closing.unshift(() => Promise.resolve(upstream.close()));
    const use = () => upstream.snapshot().nodes.map((node) => `${node.use} ${node.health?.state}`);
    assert.deepEqual(use(), ["open healthy", "open healthy"]);
    await until(() => use()[1] === "closed unhealthy", { what: "the failing node is closed" });
    assert.equal(use()[0], "open healthy");
    failing = false;
    await until(() => use()[1] === "open healthy", { what: "the node is open again" });
    upstream.close();
  });
});

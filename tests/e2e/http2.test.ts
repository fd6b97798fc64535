// HTTP/2 and gRPC through the gateway, between a client and an origin of another implementation.
// waits
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createAuthority } from "../support/authority.ts";
import { freePorts } from "../support/etcd.ts";
import { currentRuntime, type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type Http2Origin, Http2Task, startHttp2Origin } from "../support/http2-peer.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { until } from "../support/until.ts";

const MB = 1024 * 1024;

for (const secure of [false, true]) {
  describe(`HTTP/2 ${secure ? "over TLS" : "in clear text"} on ${currentRuntime()}`, () => {
    let directory = "", url = "", ca: string | undefined;
    let origin: Http2Origin, plain: Origin, gateway: GatewayProcess;
    const ask = (task: string, argument: string | number) => new Http2Task(url, ca, task, argument).result;
    const begun = (path: string) =>
      until(() => origin.events.some((e) => e.event === "begin" && e.path === path), {
        what: `${path} reached the origin`,
      });

    const start = async (...more: readonly string[]): Promise<GatewayProcess> => {
      const flags = ["--resources", join(directory, "resources.json"), ...more];
      if (!secure) {
        const started = await startGatewayProcess({ flags });
        url = started.url;
        return started;
      }
      const [port] = await freePorts(1);
      const pair = ["--tls-cert", join(directory, "cert"), "--tls-key", join(directory, "key")];
      flags.push("--upstream-ca", join(directory, "ca"));
      url = `https://127.0.0.1:${port}`;
      return await startGatewayProcess({ flags: [...flags, ...pair, "--listen-tls", `127.0.0.1:${port}`] });
    };

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), "gatewatch-http2-"));
      const authority = createAuthority();
      const { cert, key } = authority.issue("DNS:gate.test,DNS:node.test");
      for (const [name, text] of [["ca", authority.ca], ["cert", cert], ["key", key]] as const) {
        await writeFile(join(directory, name), text);
      }
      if (secure) ca = join(directory, "ca");
      const files = { cert: join(directory, "cert"), key: join(directory, "key") };
      origin = await startHttp2Origin(secure ? files : undefined);
      plain = await startOrigin();
      const node = { nodes: { [`127.0.0.1:${origin.port}`]: 1 } };
      const resources = {
        routes: [
          { id: "grpc", uri: "/*", upstream_id: "grpc" },
          { id: "http1", uri: "/http1/*", upstream: { nodes: { [`127.0.0.1:${plain.port}`]: 1 } } },
        ],
        upstreams: [{
          id: "grpc",
          scheme: secure ? "grpcs" : "grpc",
          pass_host: "rewrite",
          upstream_host: "node.test",
          timeout: { connect: 2, send: 5, read: 5 },
          ...node,
        }],
      };
      await writeFile(join(directory, "resources.json"), JSON.stringify(resources));
      gateway = await start();
    });
    after(async () => {
      await gateway?.stop();
      origin?.kill();
      await plain?.close();
      await rm(directory, { recursive: true, force: true });
    });

    it("trailers reach the client, and what says who asked reaches the node", async () => {
      const { headers, trailers, body } = await ask("one", "/echo.Echo/Stream") as Record<
        string,
        Record<string, string>
      >;
      assert.equal(headers?.[":status"], 200);
      assert.equal(headers?.["content-type"], "application/grpc");
      assert.deepEqual({ ...trailers }, { "grpc-status": "0", "grpc-message": "fine" });
      assert.equal(body, "hello");
      const seen = JSON.parse(String((await ask("one", "/headers"))["body"])) as Record<string, string>;
      assert.equal(seen[":authority"], "node.test");
      assert.equal(seen["te"], "trailers");
      assert.equal(seen["x-forwarded-for"], "127.0.0.1");
      assert.equal(seen["x-forwarded-proto"], secure ? "https" : "http");
    });

    it("an answer of trailers alone passes", async () => {
      const { headers, body } = await ask("one", "/echo.Echo/Fail") as Record<string, Record<string, string>>;
      assert.equal(headers?.["grpc-status"], "5");
      assert.equal(headers?.["grpc-message"], "none");
      assert.equal(body, "");
    });

    it("messages pass one by one, both ways at once", async () => {
      const { heard, last, trailers } = await ask("dialogue", 100) as Record<string, unknown>;
      assert.equal(heard, 100);
      assert.equal(last, "message 99");
      assert.equal((trailers as Record<string, string>)["grpc-status"], "0");
    });

    it("each of many requests at once gets its own answer", async () => {
      assert.deepEqual(await ask("many", 3000), { wrong: 0 });
    });

    it("large bodies pass whole, both ways", async () => {
      assert.deepEqual(await ask("upload", 20 * MB), { same: true });
      assert.deepEqual(await ask("download", 100 * MB), { length: 100 * MB });
    });

    it("a node over HTTP/1.1 answers a client over HTTP/2", async () => {
      const { headers, body } = await ask("one", "/http1/x") as Record<string, Record<string, string>>;
      assert.equal(headers?.[":status"], 200);
      assert.equal(body, "HelloWorld");
    });

    it("a client that gives up ends the request to the node", async () => {
      const path = "/echo.Echo/Silent?gone";
      const task = new Http2Task(url, ca, "giveUp", path);
      await begun(path);
      task.next();
      await task.result;
      const end = await until(() => origin.events.find((e) => e.event === "end" && e.path === path), {
        limit: 1000,
        what: "the node hears of it",
      });
      assert.equal(end.code, 8);
    });

    it("a node that takes its leave costs no request an answer", async () => {
      const many = ask("many", 3000);
      for (let round = 0; round < 3; round++) {
        const { length } = origin.events;
        await until(() => origin.events.length > length + 300, { what: "requests go on" });
        origin.goAway();
      }
      assert.deepEqual(await many, { wrong: 0 }, gateway.log);
    });

    it("a gateway that drains finishes the stream, and says that it takes no more", async () => {
      const path = "/echo.Echo/Silent?drain";
      const task = new Http2Task(url, ca, "giveUp", path);
      await begun(path);
      gateway.signal("SIGTERM");
      await until(() => ask("one", "/echo.Echo/Fail").then(() => false, () => true), { what: "nothing new is taken" });
      assert.equal(gateway.exit, undefined);
      task.next();
      await task.result;
      assert.deepEqual(await gateway.exited, { status: 0, signal: null });
      gateway = await start();
    });

    it("it can be left out", async () => {
      const own = url;
      const without = await start("--http2", "off");
      try {
        await assert.rejects(ask("one", "/http1/x"));
        assert.equal((await without.get("/http1/x")).body, "HelloWorld");
      } finally {
        await without.stop();
        url = own;
      }
    });

    it("a node that is gone is an error that says so", async () => {
      origin.kill();
      const answer = await until(async () => {
        const { headers } = await ask("one", "/echo.Echo/Fail") as Record<string, Record<string, string>>;
        return headers?.["x-gatewatch-error"] === "connect_refused" ? headers : undefined;
      }, { what: "it is refused" });
      assert.equal(answer[":status"], 502);
    });
  });
}

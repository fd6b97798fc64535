import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { TransportError } from "../../../src/forward/transport.ts";
import { answer, createTestGateway, refuse, route } from "./support.ts";

describe("forwarding", () => {
  it("sends the target byte for byte, and the end-to-end fields", async () => {
    const { gateway, ask, sent } = await createTestGateway({ "routes/1": route("/*", "n1:80") });
    await ask("/a%2Fb//c/./%7e?x=%zz&y", {
      headers: ["X-One", "1", "x-one", "2", "Connection", "X-Gone", "X-Gone", "3"],
    });
    strictEqual(sent[0]!.target, "/a%2Fb//c/./%7e?x=%zz&y");
    deepStrictEqual(sent[0]!.headers.slice(0, 6), ["Host", "a.test", "X-One", "1", "x-one", "2"]);
    ok(!sent[0]!.headers.includes("X-Gone"));
    await gateway.close();
  });

  it("answers 400 to paths that nobody can match", async () => {
    const { gateway, ask, sent } = await createTestGateway({ "routes/1": route("/*", "n1:80") });
    for (const path of ["/%", "/%00", "/../x", "/%2e%2e/x"]) strictEqual((await ask(path)).status, 400, path);
    strictEqual(sent.length, 0);
    await gateway.close();
  });

  it("chooses Host by pass_host", async () => {
    const upstream = (more: object): object => ({ nodes: { "n1:81": 1 }, ...more });
    const { gateway, ask, sent } = await createTestGateway({
      "routes/1": { uri: "/pass", upstream: upstream({}) },
      "routes/2": { uri: "/node", upstream: upstream({ pass_host: "node" }) },
      "routes/3": { uri: "/rewrite", upstream: upstream({ pass_host: "rewrite", upstream_host: "x.test" }) },
    });
    for (const path of ["/pass", "/node", "/rewrite"]) await ask(path, { host: "a.test:8080" });
    deepStrictEqual(sent.map(({ headers }) => headers[1]), ["a.test:8080", "n1:81", "x.test"]);
    await gateway.close();
  });

  it("takes hop-by-hop fields out of answers, and Content-Length out of 204", async () => {
    const { gateway, ask, nodes } = await createTestGateway({ "routes/1": route("/*", "n1:80") });
    nodes.set("n1:80", () => ({
      status: 204,
      reason: "None",
      headers: ["Connection", "X-Gone", "X-Gone", "1", "Content-Length", "5", "X-Kept", "2"],
      body: null,
    }));
    deepStrictEqual([...(await ask("/")).headers], [["x-kept", "2"]]);
    await gateway.close();
  });

  it("tries another node where nothing was sent, with the body from its start", async () => {
    const { gateway, ask, sent, nodes } = await createTestGateway({
      "routes/1": { uri: "/*", upstream: { nodes: { "n1:80": 1, "n2:80": 1 } } },
    });
    const bodies: string[] = [];
    const failing = async (name: string): Promise<ReturnType<typeof answer>> => {
      bodies.push(await new Response(sent.at(-1)!.body as BodyInit).text());
      return sent.length === 1 ? refuse() : answer(200, name);
    };
    nodes.set("n1:80", () => failing("n1"));
    nodes.set("n2:80", () => failing("n2"));
    const response = await ask("/", {
      method: "POST",
      body: new Response("payload").body,
      headers: ["Content-Length", "7"],
    });
    strictEqual(response.status, 200);
    deepStrictEqual(bodies, ["payload", "payload"]);
    strictEqual(new Set(sent.map(({ peer }) => peer.host)).size, 2);
    await gateway.close();
  });

  it("does not send a POST twice that may have arrived", async () => {
    const { gateway, ask, sent, nodes } = await createTestGateway({
      "routes/1": { uri: "/*", upstream: { nodes: { "n1:80": 1, "n2:80": 1 } } },
    });
    const reset = (): never => {
      throw new TransportError("reset", true, "gone");
    };
    nodes.set("n1:80", reset);
    nodes.set("n2:80", reset);
    const response = await ask("/", { method: "POST", body: new Response("x").body, headers: ["Content-Length", "1"] });
    strictEqual(response.status, 502);
    strictEqual(response.headers.get("x-gatewatch-error"), "reset");
    strictEqual(sent.length, 1);
    await gateway.close();
  });

  it("leaks neither address nor cause", async () => {
    const { gateway, ask, nodes } = await createTestGateway({ "routes/1": route("/*", "secret-host:80") });
    nodes.set("secret-host:80", () => {
      throw new Error("secret-host exploded");
    });
    const response = await ask("/");
    strictEqual(response.status, 500);
    const text = await response.text() + JSON.stringify([...response.headers]);
    match(text, /500 Internal Server Error/);
    ok(!text.includes("secret-host"));
    await gateway.close();
  });

  it("ends after the total time, over all tries", async () => {
    const { gateway, ask, nodes } = await createTestGateway({ "routes/1": route("/*", "n1:80") }, { totalTimeout: 50 });
    nodes.set("n1:80", ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new TransportError("client_gone", true, "aborted")));
      }));
    const response = await ask("/");
    strictEqual(response.status, 504);
    strictEqual(response.headers.get("x-gatewatch-error"), "total_timeout");
    await gateway.close();
  });

  it("refuses WebSocket where the route does not allow it, and ignores other upgrades", async () => {
    const { gateway, ask, sent } = await createTestGateway({ "routes/1": route("/*", "n1:80") });
    strictEqual((await ask("/", { headers: ["Connection", "Upgrade", "Upgrade", "websocket"] })).status, 400);
    strictEqual((await ask("/", { headers: ["Connection", "Upgrade", "Upgrade", "h2c"] })).status, 200);
    ok(!sent[0]!.headers.includes("h2c"));
    await gateway.close();
  });

  it("answers 503 before the first list, and falls through in an application", async () => {
    const { createGateway } = await import("../../../src/gateway/gateway.ts");
    const { Hono } = await import("hono");
    const gateway = createGateway({
      source: {
        prefix: "",
        async *read(signal) {
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
        status: () => ({ kind: "test", state: "connecting", origin: "", silentMs: null }),
      },
    });
    strictEqual((await gateway.fetch(new Request("http://a.test/"))).status, 503);
    const app = new Hono().use(gateway.middleware).get("/health", (c) => c.text("ok"));
    strictEqual(await (await app.request("/health")).text(), "ok");
    await gateway.close();
    await gateway.ready;
  });

  it("falls through to the application's own routes where no route matches", async () => {
    const { Hono } = await import("hono");
    const { gateway } = await createTestGateway({ "routes/1": route("/api/*", "n1:80") });
    const app = new Hono().use(gateway.middleware).get("/health", (c) => c.text("ok"));
    strictEqual(await (await app.request("/health")).text(), "ok");
    strictEqual(await (await app.request("/api/x")).text(), "n1:80");
    strictEqual((await app.request("/none")).status, 404);
    await gateway.close();
  });
});

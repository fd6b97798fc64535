import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { createTestGateway, route } from "./support.ts";

describe("a gateway's routes", () => {
  it("come and go with their keys", async () => {
    const { gateway, ask, apply } = await createTestGateway();
    strictEqual((await ask("/a")).status, 404);
    await apply({ "routes/1": route("/a", "n1:80") });
    strictEqual(await (await ask("/a")).text(), "n1:80");
    await apply({ "routes/1": route("/b", "n2:80") });
    strictEqual((await ask("/a")).status, 404);
    strictEqual(await (await ask("/b")).text(), "n2:80");
    await apply({ "routes/1": undefined });
    strictEqual((await ask("/b")).status, 404);
    await gateway.close();
  });

  it("answer 404 in Apache APISIX's words", async () => {
    const { gateway, ask } = await createTestGateway();
    const response = await ask("/nothing");
    deepStrictEqual(await response.json(), { error_msg: "404 Route Not Found" });
    strictEqual(response.headers.get("x-gatewatch-error"), "route_not_found");
    await gateway.close();
  });

  it("take the lone node last", async () => {
    const { gateway, ask, apply } = await createTestGateway({
      node: { host: "lone", port: 1 },
      "routes/1": route("/a/*", "n1:80", { priority: -100 }),
    });
    strictEqual(await (await ask("/a/x")).text(), "n1:80");
    strictEqual(await (await ask("/b")).text(), "lone:1");
    await apply({ node: undefined });
    strictEqual((await ask("/b")).status, 404);
    await gateway.close();
  });

  it("keep the last good value, also when it is put again", async () => {
    const { gateway, ask, apply } = await createTestGateway({ "routes/1": route("/a", "n1:80") });
    await apply({ "routes/1": "{uri:/a}" });
    strictEqual(await (await ask("/a")).text(), "n1:80");
    const [key] = gateway.keys();
    strictEqual(key?.state, "stale");
    await apply({ "routes/1": route("/a", "n2:80") });
    strictEqual(await (await ask("/a")).text(), "n2:80");
    deepStrictEqual(gateway.keys(), []);
    await gateway.close();
  });

  it("are rejected where their expressions do not compile", async () => {
    const { gateway, ask, apply } = await createTestGateway();
    await apply({ "routes/1": route("/a", "n1:80", { vars: [["arg_a", "!!", "1"]] }) });
    strictEqual((await ask("/a")).status, 404);
    const [key] = gateway.keys();
    strictEqual(key?.state, "rejected");
    strictEqual(key?.issues[0]?.path.startsWith("vars"), true);
    await gateway.close();
  });

  it("answer what APISIX answers where a reference is missing, and heal by themselves", async () => {
    const { gateway, ask, apply } = await createTestGateway({
      "routes/u": { uri: "/u", upstream_id: "x" },
      "routes/s": { uri: "/s", service_id: "x" },
      "routes/p": route("/p", "n1:80", { plugin_config_id: "x" }),
      "routes/none": { uri: "/none", plugins: {} },
      "routes/empty": { uri: "/empty", upstream: { nodes: [] } },
    });
    const statuses = async (): Promise<number[]> =>
      await Promise.all(["/u", "/s", "/p", "/none", "/empty"].map(async (path) => (await ask(path)).status));
    deepStrictEqual(await statuses(), [502, 404, 503, 503, 503]);
    deepStrictEqual(gateway.keys({ states: ["pending"] }).map(({ id }) => id).sort(), ["p", "s", "u"]);
    await apply({
      "upstreams/x": { nodes: { "n2:80": 1 } },
      "services/x": { upstream: { nodes: { "n3:80": 1 } } },
      "plugin_configs/x": { plugins: {} },
    });
    deepStrictEqual(await statuses(), [200, 200, 200, 503, 503]);
    deepStrictEqual(gateway.keys({ states: ["pending"] }), []);
    await apply({ "upstreams/x": undefined });
    deepStrictEqual(await statuses(), [502, 200, 200, 503, 503]);
    await gateway.close();
  });

  it("follow a change of their service's hosts and upstream", async () => {
    const { gateway, ask, apply } = await createTestGateway({
      "services/1": { hosts: ["a.test"], upstream: { nodes: { "n1:80": 1 } } },
      "routes/1": { uri: "/*", service_id: "1" },
    });
    strictEqual(await (await ask("/")).text(), "n1:80");
    await apply({ "services/1": { hosts: ["b.test"], upstream_id: "2" }, "upstreams/2": { nodes: { "n2:80": 1 } } });
    strictEqual((await ask("/")).status, 404);
    strictEqual(await (await ask("/", { host: "B.test:8080" })).text(), "n2:80");
    await gateway.close();
  });

  it("have the nodes that registered themselves", async () => {
    const { gateway, ask, apply } = await createTestGateway({
      "upstreams/1": { nodes: [] },
      "routes/1": { uri: "/*", upstream_id: "1" },
    });
    strictEqual((await ask("/")).status, 503);
    await apply({ "upstreams/1/nodes/a": { host: "n1", port: 80 } });
    strictEqual(await (await ask("/")).text(), "n1:80");
    await apply({ "upstreams/1/nodes/a": undefined });
    strictEqual((await ask("/")).status, 503);
    await gateway.close();
  });

  it("look into the body where an expression asks for it, and send all of it on", async () => {
    const { gateway, ask, sent } = await createTestGateway({
      "routes/1": route("/*", "n1:80", { vars: [["post_arg_a", "==", "1"]] }),
    });
    const post = async (text: string): Promise<Response> =>
      await ask("/", {
        method: "POST",
        headers: ["Content-Type", "application/x-www-form-urlencoded", "Content-Length", String(text.length)],
        body: new Response(text).body,
      });
    strictEqual((await post("a=2")).status, 404);
    strictEqual((await post("a=1&b=2")).status, 200);
    strictEqual(await new Response(sent[0]!.body as BodyInit).text(), "a=1&b=2");
    await gateway.close();
  });

  it("change all together in one revision", async () => {
    const { gateway, ask, apply } = await createTestGateway();
    const paths = Array.from({ length: 100 }, (_, i) => `/r${i}`);
    const seen = new Set<number>();
    let going = true;
    const watching = (async () => {
      while (going) {
        const told = await Promise.all(
          paths.map((path) => gateway.explain({ method: "GET", url: `http://a.test${path}` })),
        );
        seen.add(told.filter(({ routing }) => routing.outcome === "matched").length);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    })();
    await apply(Object.fromEntries(paths.map((path, i) => [`routes/${i}`, route(path, "n1:80")])));
    strictEqual((await ask("/r99")).status, 200);
    going = false;
    await watching;
    deepStrictEqual([...seen].filter((found) => found !== 0 && found !== 100), []);
    await gateway.close();
  });
});

describe("an explanation", () => {
  it("is of one revision, whatever changes until it is told", async () => {
    const before = Object.fromEntries(
      Array.from({ length: 5000 }, (_, i) => [`routes/${i}`, route(`/a/r${i}`, "n1:80")]),
    );
    const { gateway, apply } = await createTestGateway(before);
    const { revision } = gateway.status();
    const telling = gateway.explain({ method: "GET", url: "http://a.test/a/none" });
    await apply({ "routes/1": route("/a/none", "n1:80") });
    const told = await telling;
    deepStrictEqual([told.revision, told.routing.outcome, told.answer?.status], [revision, "not_found", 404]);
    strictEqual(told.routing.nearest.every(({ uri }) => uri !== "/a/none"), true);
    const after = await gateway.explain({ method: "GET", url: "http://a.test/a/none" });
    deepStrictEqual([after.revision === revision, after.routing.outcome], [false, "matched"]);
    await gateway.close();
  });
});

describe("the status of a gateway's keys", () => {
  it("warns of a route that an equal one shadows, until it no longer does", async () => {
    const { gateway, apply } = await createTestGateway({
      "routes/1": route("/a", "n1:80"),
      "routes/2": route("/a", "n2:80"),
    });
    const [key] = gateway.keys();
    strictEqual(key?.key, "routes/2");
    strictEqual(key?.warnings[0]?.message, "never takes /a: route '1' is equal there and stands before it");
    await apply({ "routes/1": undefined });
    deepStrictEqual(gateway.keys(), []);
    await gateway.close();
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

describe("plugin chain", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  it("is the forwarder itself without plugins", async () => {
    await gateway.route({});
    const seen = (await gateway.send("/a?b", { method: "POST", headers: ["X-A", "1", "x-a", "2"], body: "hello" }))
      .echoed();
    assert.equal(seen.target, "/a?b");
    assert.equal(seen.body, "hello");
    assert.equal(seen.header("x-a"), "1");
  });
});

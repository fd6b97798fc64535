import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createGateway } from "../../src/gateway/gateway.ts";
import { memorySource } from "../../src/sources/memory.ts";
import { itRejects } from "../support/faults.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

const MESSAGE = "Your IP address is not allowed";

describe("ip-restriction", () => {
  let gateway: PluginGateway;
  before(async () => {
    // What the tests say in X-Forwarded-For is who the client is.
    gateway = await startPluginGateway({ trustedProxies: ["127.0.0.0/8", "::1"] });
  });
  after(() => gateway.close());

  const table = [
    {
      config: { whitelist: ["10.0.0.0/8", "fe80::/10"] },
      passes: ["10.1.2.3", "fe80::1", "::ffff:10.1.2.3"],
      refused: ["11.0.0.1", "2001:db8::1"],
    },
    { config: { whitelist: ["127.0.0.1"] }, passes: [undefined, "127.0.0.1"], refused: ["127.0.0.2"] },
    {
      config: { blacklist: ["10.0.0.0/8", "2001:db8::/32"] },
      passes: ["11.0.0.1", "2001:db9::1", undefined],
      refused: ["10.255.255.255", "2001:db8:ffff::1", "::ffff:10.0.0.1"],
    },
    { config: { blacklist: ["0.0.0.0/0"] }, passes: ["2001:db8::1"], refused: ["1.2.3.4", undefined] },
  ];
  for (const { config, passes, refused } of table) {
    it(`keeps ${JSON.stringify(config)}`, async () => {
      await gateway.route({ "ip-restriction": config });
      const send = async (address: string | undefined) =>
        await gateway.send("/", { headers: address === undefined ? {} : { "X-Forwarded-For": address } });
      for (const address of passes) assert.equal((await send(address)).status, 200, address ?? "the peer itself");
      for (const address of refused) {
        const answer = await send(address);
        assert.equal(answer.status, 403, address ?? "the peer itself");
        assert.deepEqual(answer.json(), { message: MESSAGE });
      }
    });
  }

  it("does not believe X-Forwarded-For of whom it does not trust", async () => {
    const strict = await startPluginGateway();
    try {
      await strict.route({ "ip-restriction": { whitelist: ["10.0.0.0/8"] } });
      assert.equal(
        (await strict.send("/", { headers: { "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1" } })).status,
        403,
      );
    } finally {
      await strict.close();
    }
  });

  it("answers with a code and a message of one's own", async () => {
    await gateway.route({
      "ip-restriction": { blacklist: ["127.0.0.1"], response_code: 404, message: "Nothing here" },
    });
    const answer = await gateway.send("/");
    assert.equal(answer.status, 404);
    assert.deepEqual(answer.json(), { message: "Nothing here" });
  });

  it("refuses a client whose address nobody tells, on either list", async () => {
    for (const config of [{ whitelist: ["0.0.0.0/0", "::/0"] }, { blacklist: ["10.0.0.1"] }]) {
      const embedded = createGateway({
        source: memorySource({
          "routes/1": { uri: "/*", upstream: gateway.upstream, plugins: { "ip-restriction": config } },
        }),
      });
      await embedded.ready;
      assert.equal((await embedded.fetch(new Request("http://localhost/"))).status, 403);
      await embedded.close();
    }
  });

  itRejects(() => gateway, "ip-restriction", "route", [
    { config: {}, issues: [": must have exactly one of whitelist and blacklist: has neither"] },
    {
      config: { whitelist: ["1.2.3.4"], blacklist: ["1.2.3.4"] },
      issues: [": must have exactly one of whitelist and blacklist: has both"],
    },
    { config: { whitelist: [] }, issues: ["whitelist: must have at least 1 item, is an empty array"] },
    {
      config: { blacklist: ["1.2.3"] },
      issues: ['blacklist[0]: must be an IPv4 or IPv6 address, or a CIDR range, is "1.2.3"'],
    },
    {
      config: { blacklist: ["::1/129"] },
      issues: ['blacklist[0]: must be an IPv4 or IPv6 address, or a CIDR range, is "::1/129"'],
    },
    {
      config: { blacklist: ["::1"], response_code: 200 },
      issues: ["response_code: must be an integer from 403 to 404, is 200"],
    },
    {
      config: { blacklist: ["::1"], message: "" },
      issues: ['message: must be a string of 1 to 1024 characters, is ""'],
    },
  ]);
});

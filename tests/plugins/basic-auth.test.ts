import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { itRejects } from "../support/faults.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

const CONSUMERS = {
  "consumers/jack": { username: "jack", plugins: { "basic-auth": { username: "jack-user", password: "pass:wörd " } } },
  "consumers/anonymous": { username: "anonymous" },
};

/** Of UTF-8. */
const basic = (text: string): string => `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(text)))}`;
const GOOD = basic("jack-user:pass:wörd ");

describe("basic-auth", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  const MISSING = "Missing authorization in request";
  const MALFORMED = "Invalid authorization in request";
  const WRONG = "Invalid user authorization";
  const table: { name: string; headers: string[]; message?: string }[] = [
    { name: "good credentials", headers: ["Authorization", GOOD] },
    { name: "any case of the scheme", headers: ["authorization", GOOD.replace("Basic", "bASIC")] },
    { name: "nothing", headers: [], message: MISSING },
    { name: "another scheme", headers: ["Authorization", "Bearer abc"], message: MALFORMED },
    { name: "another scheme in front", headers: ["Authorization", `Digest ${GOOD}`], message: MALFORMED },
    { name: "no base64", headers: ["Authorization", "Basic a-b_c"], message: MALFORMED },
    { name: "base64 cut off", headers: ["Authorization", "Basic YWJjZ"], message: MALFORMED },
    { name: "no colon", headers: ["Authorization", basic("jack-user")], message: MALFORMED },
    { name: "no UTF-8", headers: ["Authorization", `Basic ${btoa("jack-user:\xff")}`], message: MALFORMED },
    { name: "another user", headers: ["Authorization", basic("jill:pass:wörd ")], message: WRONG },
    { name: "the consumer's name", headers: ["Authorization", basic("jack:pass:wörd ")], message: WRONG },
    { name: "another password", headers: ["Authorization", basic("jack-user:pass:word ")], message: WRONG },
    { name: "a part of the password", headers: ["Authorization", basic("jack-user:pass")], message: WRONG },
    { name: "no password", headers: ["Authorization", basic("jack-user:")], message: WRONG },
    { name: "nobody", headers: ["Authorization", basic(":")], message: WRONG },
    {
      name: "two different fields",
      headers: ["Authorization", GOOD, "Authorization", basic("a:b")],
      message: MALFORMED,
    },
  ];
  for (const { name, headers, message } of table) {
    it(`${message === undefined ? "takes" : "refuses"} ${name}`, async () => {
      await gateway.route({ "basic-auth": {} }, CONSUMERS);
      const answer = await gateway.send("/", { headers });
      if (message === undefined) {
        assert.equal(answer.echoed().header("x-consumer-username"), "jack");
        assert.equal(answer.echoed().header("authorization"), headers[1], "nothing is hidden by default");
      } else {
        assert.equal(answer.status, 401);
        assert.deepEqual(answer.json(), { message });
        assert.equal(answer.header("www-authenticate"), 'Basic realm="basic"');
      }
    });
  }

  it("hides the credentials, and names another realm", async () => {
    await gateway.route({ "basic-auth": { hide_credentials: true, realm: "files" } }, CONSUMERS);
    assert.equal(
      (await gateway.send("/", { headers: { authorization: GOOD } })).echoed().header("authorization"),
      undefined,
    );
    assert.equal((await gateway.send("/")).header("www-authenticate"), 'Basic realm="files"');
  });

  it("lets others pass as the anonymous consumer", async () => {
    const config = { anonymous_consumer: "anonymous", hide_credentials: true };
    await gateway.route({ "basic-auth": config }, CONSUMERS);
    for (const authorization of ["Basic x", basic("a:b"), "Bearer abc"]) {
      const seen = (await gateway.send("/", { headers: { authorization } })).echoed();
      assert.equal(seen.header("x-consumer-username"), "anonymous");
      assert.equal(seen.header("authorization"), undefined);
    }
    await gateway.put({ "consumers/anonymous": undefined });
    const refused = await gateway.send("/");
    assert.equal(refused.status, 401);
    assert.deepEqual(refused.json(), { message: "Invalid user authorization" });
  });

  it("takes a credential's user", async () => {
    await gateway.route({ "basic-auth": {} }, {
      "consumers/jack": { username: "jack" },
      "consumers/jack/credentials/c1": { plugins: { "basic-auth": { username: "u", password: "p" } } },
    });
    const seen = (await gateway.send("/", { headers: { authorization: basic("u:p") } })).echoed();
    assert.equal(seen.header("x-credential-identifier"), "c1");
  });

  itRejects(() => gateway, "basic-auth", "route", [
    { config: { hide_credentials: 1 }, issues: ["hide_credentials: must be true or false, is 1"] },
    {
      config: { realm: "" },
      issues: [`realm: must be 1 to 128 printable ASCII characters without '"' and '\\', is ""`],
    },
    { config: { anonymous_consumer: 7 }, issues: ["anonymous_consumer: must be a string, is 7"] },
  ]);
  itRejects(() => gateway, "basic-auth", "consumer", [
    { config: { username: "u" }, issues: ["password: is required"] },
    { config: { password: "p" }, issues: ["username: is required"] },
    {
      config: { username: "u", password: "" },
      issues: ["password: is not valid; what it is, is secret"],
    },
  ]);
});

describe("several authentication plugins on one route", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  it("must all be passed; the request is the last one's consumer's", async () => {
    await gateway.route({ "basic-auth": {}, "key-auth": {} }, {
      ...CONSUMERS,
      "consumers/jack": { ...CONSUMERS["consumers/jack"], labels: { custom_id: "1" } },
      "consumers/ann": { username: "ann", plugins: { "key-auth": { key: "ann-key" } } },
    });
    const both = (await gateway.send("/", { headers: { authorization: GOOD, apikey: "ann-key" } })).echoed();
    assert.equal(both.header("x-consumer-username"), "ann");
    assert.equal(both.header("x-consumer-custom-id"), undefined);
    const onlyBasic = await gateway.send("/", { headers: { authorization: GOOD } });
    assert.deepEqual(onlyBasic.json(), { message: "Missing API key in request" });
    const onlyKey = await gateway.send("/", { headers: { apikey: "ann-key" } });
    assert.deepEqual(onlyKey.json(), { message: "Missing authorization in request" });
  });
});

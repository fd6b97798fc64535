import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { itRejects } from "../support/faults.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

const CONSUMERS = {
  "consumers/jack": { username: "jack", plugins: { "key-auth": { key: "jack-key" } } },
  "consumers/umlaut": { username: "umlaut", plugins: { "key-auth": { key: "schlüssel +/=" } } },
  "consumers/anonymous": { username: "anonymous" },
};

describe("key-auth", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  const table = [
    { name: "a key in the header", target: "/", headers: { apikey: "jack-key" }, consumer: "jack" },
    { name: "a key in the query", target: "/?a=1&apikey=jack-key&b=2", consumer: "jack" },
    { name: "an escaped key in the query", target: "/?%61pikey=jack%2Dkey", consumer: "jack" },
    {
      name: "the same key twice",
      target: "/",
      headers: ["apikey", "jack-key", "ApiKey", "jack-key"],
      consumer: "jack",
    },
    { name: "a key beyond ASCII in the query", target: "/?apikey=schl%C3%BCssel+%2B/=", consumer: "umlaut" },
    {
      name: "a key beyond ASCII in the header",
      target: "/",
      headers: { apikey: "schl\u00c3\u00bcssel +/=" },
      consumer: "umlaut",
    },
    { name: "no key", target: "/", message: "Missing API key in request" },
    { name: "a wrong key", target: "/", headers: { apikey: "no" }, message: "Invalid API key in request" },
    { name: "an empty key", target: "/", headers: { apikey: "" }, message: "Invalid API key in request" },
    {
      name: "a wrong key before a good one in the query",
      target: "/?apikey=jack-key",
      headers: { apikey: "no" },
      message: "Invalid API key in request",
    },
    {
      name: "two keys in the header",
      target: "/",
      headers: ["apikey", "jack-key", "apikey", "no"],
      message: "Invalid API key in request",
    },
    {
      name: "two keys in the query",
      target: "/?apikey=jack-key&apikey=jack-key",
      message: "Invalid API key in request",
    },
    { name: "a key without a value", target: "/?apikey", message: "Invalid API key in request" },
  ];
  for (const { name, target, headers = {}, consumer, message } of table) {
    it(`${message === undefined ? "takes" : "refuses"} ${name}`, async () => {
      await gateway.route({ "key-auth": {} }, CONSUMERS);
      const answer = await gateway.send(target, { headers });
      if (message === undefined) {
        const seen = answer.echoed();
        assert.equal(seen.header("x-consumer-username"), consumer);
        assert.equal(seen.target, target, "nothing is hidden by default");
      } else {
        assert.equal(answer.status, 401);
        assert.deepEqual(answer.json(), { message });
        assert.equal(answer.header("www-authenticate"), 'apikey realm="key"');
        assert.equal(answer.header("content-type"), "application/json");
      }
    });
  }

  it("reads other fields and arguments, and names another realm", async () => {
    await gateway.route({ "key-auth": { header: "X-Key", query: "k", realm: "api 1" } }, CONSUMERS);
    assert.equal((await gateway.send("/", { headers: { "x-key": "jack-key" } })).status, 200);
    assert.equal((await gateway.send("/?k=jack-key")).status, 200);
    const refused = await gateway.send("/?apikey=jack-key", { headers: { apikey: "jack-key" } });
    assert.equal(refused.status, 401);
    assert.equal(refused.header("www-authenticate"), 'apikey realm="api 1"');
  });

  it("hides the key that it took", async () => {
    await gateway.route({ "key-auth": { hide_credentials: true } }, CONSUMERS);
    const byHeader = (await gateway.send("/?a=%20&b", { headers: { apikey: "jack-key" } })).echoed();
    assert.equal(byHeader.header("apikey"), undefined);
    assert.equal(byHeader.target, "/?a=%20&b");
    assert.equal((await gateway.send("/p%2Fq?a=%20&apikey=jack-key&b")).echoed().target, "/p%2Fq?a=%20&b");
    assert.equal((await gateway.send("/?%61pikey=jack-key")).echoed().target, "/");
  });

  it("lets others pass as the anonymous consumer", async () => {
    const anonymous = { "key-auth": { anonymous_consumer: "anonymous" } };
    await gateway.route(anonymous, CONSUMERS);
    assert.equal((await gateway.send("/")).echoed().header("x-consumer-username"), "anonymous");
    const wrong = (await gateway.send("/?apikey=wrong", { headers: { apikey: "wrong" } })).echoed();
    assert.equal(wrong.header("x-consumer-username"), "anonymous");
    assert.equal(wrong.header("apikey"), "wrong");
    assert.equal((await gateway.send("/?apikey=jack-key")).echoed().header("x-consumer-username"), "jack");

    await gateway.route({ "key-auth": { ...anonymous["key-auth"], hide_credentials: true } }, CONSUMERS);
    const hidden = (await gateway.send("/?apikey=wrong&a", { headers: { apikey: "wrong" } })).echoed();
    assert.equal(hidden.header("apikey"), undefined);
    assert.equal(hidden.target, "/?a");
  });

  it("refuses where there is no such anonymous consumer, until it comes", async () => {
    await gateway.route({ "key-auth": { anonymous_consumer: "nobody" } }, CONSUMERS);
    const answer = await gateway.send("/");
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.json(), { message: "Invalid user authorization" });
    assert.equal(answer.header("www-authenticate"), 'apikey realm="key"');
    await gateway.put({ "consumers/nobody": { username: "nobody" } });
    assert.equal((await gateway.send("/")).echoed().header("x-consumer-username"), "nobody");
  });

  it("follows consumers and credentials as they come, change and go", async () => {
    await gateway.route({ "key-auth": {} }, { "consumers/jack": { username: "jack" } });
    const statusOf = async (apikey: string) => (await gateway.send("/", { headers: { apikey } })).status;
    assert.equal(await statusOf("one"), 401);
    await gateway.put({
      "consumers/jack/credentials/a": { plugins: { "key-auth": { key: "one" } } },
      "consumers/jack/credentials/b": { plugins: { "key-auth": { key: "two" } } },
    });
    assert.deepEqual([await statusOf("one"), await statusOf("two")], [200, 200]);
    await gateway.put({ "consumers/jack/credentials/a": { plugins: { "key-auth": { key: "three" } } } });
    assert.deepEqual([await statusOf("one"), await statusOf("two"), await statusOf("three")], [401, 200, 200]);
    await gateway.put({
      "consumers/jack/credentials/b": { plugins: { "key-auth": { key: "two", _meta: { disable: true } } } },
    });
    assert.deepEqual([await statusOf("two"), await statusOf("three")], [401, 200]);
    await gateway.put({ "consumers/jack": undefined });
    assert.equal(await statusOf("three"), 401);
  });

  it("keeps the last good key where a bad one is written", async () => {
    await gateway.route({ "key-auth": {} }, CONSUMERS);
    await gateway.put({ "consumers/jack": { username: "jack", plugins: { "key-auth": { key: 7 } } } });
    assert.equal(gateway.keyStatus("consumers/jack").state, "stale");
    assert.equal((await gateway.send("/", { headers: { apikey: "jack-key" } })).status, 200);
  });

  it("warns of a key that two have, which the first by name keeps", async () => {
    const key = { plugins: { "key-auth": { key: "same-key" } } };
    await gateway.route({ "key-auth": {} }, {
      "consumers/zoe": { username: "zoe", ...key },
      "consumers/bob": { username: "bob" },
      "consumers/bob/credentials/c1": key,
    });
    const who = async () =>
      (await gateway.send("/", { headers: { apikey: "same-key" } })).echoed().header("x-consumer-username");
    assert.equal(await who(), "bob");
    assert.deepEqual(gateway.warnings("consumers/zoe"), [
      "plugins.key-auth: is the same as that of credential 'bob/credentials/c1': credential 'bob/credentials/c1' is the one that is found",
    ]);
    assert.equal(gateway.warnings("consumers/bob/credentials/c1").length, 1);
    assert.ok(!JSON.stringify(gateway.gateway.keys({})).includes("same-key"));
    await gateway.put({ "consumers/bob/credentials/c1": undefined });
    assert.equal(await who(), "zoe");
    assert.deepEqual(gateway.warnings("consumers/zoe"), []);
  });

  itRejects(() => gateway, "key-auth", "route", [
    { config: { header: 1 }, issues: ["header: must be a string, is 1"] },
    { config: { query: [] }, issues: ["query: must be a string, is an empty array"] },
    { config: { hide_credentials: "yes" }, issues: ['hide_credentials: must be true or false, is "yes"'] },
    {
      config: { realm: 'a"b' },
      issues: [`realm: must be 1 to 128 printable ASCII characters without '"' and '\\', is "a\\"b"`],
    },
    {
      config: { anonymous_consumer: "" },
      issues: ['anonymous_consumer: must be a string of 1 to 256 characters, is ""'],
    },
  ]);
  itRejects(() => gateway, "key-auth", "consumer", [
    { config: {}, issues: ["key: is required"] },
    { config: { key: "" }, issues: ["key: is not valid; what it is, is secret"] },
    { config: { key: 12345678 }, issues: ["key: must be a string, is a number"] },
  ]);
});

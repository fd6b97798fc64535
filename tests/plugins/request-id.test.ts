import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createIdGenerator } from "../../src/pipeline/request-ids.ts";
import { itRejects } from "../support/faults.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("request-id", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  const algorithms: { config: Record<string, unknown>; shape: RegExp }[] = [
    { config: {}, shape: UUID },
    { config: { algorithm: "uuid" }, shape: UUID },
    { config: { algorithm: "uuidv7" }, shape: UUID7 },
    { config: { algorithm: "nanoid" }, shape: /^[\w-]{21}$/ },
    { config: { algorithm: "ksuid" }, shape: /^[0-9A-Za-z]{27}$/ },
    { config: { algorithm: "range_id" }, shape: /^[0-9A-IK-Za-z]{16}$/ },
    { config: { algorithm: "range_id", range_id: {} }, shape: /^[0-9A-IK-Za-z]{16}$/ },
    { config: { algorithm: "range_id", range_id: { length: 7 } }, shape: /^[0-9A-IK-Za-z]{7}$/ },
    { config: { algorithm: "range_id", range_id: { char_set: "!?abcd", length: 200 } }, shape: /^[!?abcd]{200}$/ },
  ];
  for (const { config, shape } of algorithms) {
    it(`gives the upstream and the client the same id: ${JSON.stringify(config)}`, async () => {
      await gateway.route({ "request-id": config });
      const first = await gateway.send("/"), second = await gateway.send("/");
      const id = first.header("x-request-id") ?? "";
      assert.match(id, shape);
      assert.equal(first.echoed().header("x-request-id"), id);
      assert.notEqual(second.header("x-request-id"), id);
    });
  }

  it("keeps the client's id", async () => {
    await gateway.route({ "request-id": {} });
    const answer = await gateway.send("/", { headers: { "x-request-ID": "mine" } });
    assert.equal(answer.header("x-request-id"), "mine");
    assert.equal(answer.echoed().header("x-request-id"), "mine");
  });

  it("replaces an empty one", async () => {
    await gateway.route({ "request-id": {} });
    const answer = await gateway.send("/", { headers: { "X-Request-Id": "" } });
    assert.match(answer.header("x-request-id") ?? "", UUID);
    assert.equal(answer.echoed().header("x-request-id"), answer.header("x-request-id"));
  });

  it("keeps the upstream's id in the answer", async () => {
    await gateway.route({ "request-id": {} });
    gateway.origin.respond = () => ({ headers: ["X-Request-Id", "theirs"] });
    const answer = await gateway.send("/");
    gateway.origin.respond = () => undefined;
    assert.deepEqual(answer.headersOf("x-request-id"), ["theirs"]);
    assert.match(gateway.origin.seen.at(-1)!.headers.join(" "), /X-Request-Id [0-9a-f-]{36}/);
  });

  it("leaves it out of the answer where include_in_response is false", async () => {
    await gateway.route({ "request-id": { include_in_response: false } });
    const answer = await gateway.send("/");
    assert.equal(answer.header("x-request-id"), undefined);
    assert.match(answer.echoed().header("x-request-id") ?? "", UUID);
  });

  it("uses the field of header_name", async () => {
    await gateway.route({ "request-id": { header_name: "Trace" } });
    const answer = await gateway.send("/");
    assert.match(answer.header("trace") ?? "", UUID);
    assert.equal(answer.header("x-request-id"), undefined);
  });

  it("marks answers of other plugins, too", async () => {
    await gateway.route({ "request-id": {}, "key-auth": {} });
    const answer = await gateway.send("/");
    assert.equal(answer.status, 401);
    assert.match(answer.header("x-request-id") ?? "", UUID);
  });

  itRejects(() => gateway, "request-id", "route", [
    {
      config: { header_name: "a b" },
      issues: ['header_name: must be the name of a header field (an RFC 9110 token), is "a b"'],
    },
    { config: { include_in_response: 1 }, issues: ["include_in_response: must be true or false, is 1"] },
    {
      config: { algorithm: "uid" },
      issues: ['algorithm: must be one of uuid, nanoid, range_id, ksuid, uuidv7, is "uid"'],
    },
    { config: { range_id: { length: 5 } }, issues: ["range_id.length: must be an integer from 6 to 1024, is 5"] },
    {
      config: { range_id: { char_set: "abc" } },
      issues: ['range_id.char_set: must be 6 to 1024 printable ASCII characters, is "abc"'],
    },
    {
      config: { range_id: { char_set: "abc def" } },
      issues: ['range_id.char_set: must be 6 to 1024 printable ASCII characters, is "abc def"'],
    },
  ]);
});

describe("ids", () => {
  const range = { length: 8, char_set: "abcdef" };

  it("of version 7 are in order, also within a millisecond and beyond the counter's end", () => {
    const generate = createIdGenerator("uuidv7", range);
    let last = "";
    for (let i = 0; i < 600_000; i++) {
      const id = generate();
      if (id <= last) assert.fail(`${id} after ${last}`);
      last = id;
    }
    const ms = parseInt(last.replaceAll("-", "").slice(0, 12), 16);
    assert.ok(Math.abs(ms - Date.now()) < 1000, `dated ${ms}`);
  });

  it("of ksuid hold the time, and sort by it", () => {
    const id = createIdGenerator("ksuid", range)();
    let value = 0n;
    for (const digit of id) {
      value = value * 62n + BigInt("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".indexOf(digit));
    }
    const seconds = Number(value >> 128n) + 1_400_000_000;
    assert.ok(Math.abs(seconds - Date.now() / 1000) < 5, `dated ${seconds}`);
  });

  it("of range_id take each character as often", () => {
    const generate = createIdGenerator("range_id", { length: 6000, char_set: "abcdef" });
    const counts = new Map<string, number>();
    for (let i = 0; i < 10; i++) for (const one of generate()) counts.set(one, (counts.get(one) ?? 0) + 1);
    for (const [one, count] of counts) assert.ok(Math.abs(count - 10_000) < 600, `${one} ${count} times`);
    assert.equal(counts.size, 6);
  });
});

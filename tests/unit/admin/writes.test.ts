import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { APISIX_KEYRING, createKeyring } from "../../../src/config/keyring.ts";
import { memorySource } from "../../../src/sources/memory.ts";
import { type WritableSource, WriteError } from "../../../src/store/writable.ts";
import { NOW, testAdmin, UPSTREAM } from "./support.ts";

const ROUTE = { uri: "/", upstream: UPSTREAM };

/** A source with a route, which another writer writes to before each of the first `times` commits. */
function contended(times: number): WritableSource {
  const source = memorySource({ "routes/1": { ...ROUTE, id: "1" } });
  let left = times;
  return {
    ...source,
    commit(write) {
      const key = write.puts?.[0]?.key ?? write.deletes?.[0];
      if (left > 0 && key !== undefined && (write.guards ?? []).length > 0) {
        left--;
        source.put(key, { ...ROUTE, desc: `by another, ${left}` });
      }
      return source.commit(write);
    },
  };
}

describe("writes of the Admin API", () => {
  it("answer with the revision that they made", async () => {
    const { call } = testAdmin();
    const made = await call("PUT", "/routes/1", ROUTE);
    assert.equal(made.headers.get("x-gatewatch-revision"), "1");
    assert.equal((await call("PATCH", "/routes/1", { desc: "a" })).headers.get("x-gatewatch-revision"), "2");
    assert.equal((await call("POST", "/routes", ROUTE)).headers.get("x-gatewatch-revision"), "3");
    assert.equal((await call("DELETE", "/routes/1")).headers.get("x-gatewatch-revision"), "4");
  });

  it("hold to If-Match", async () => {
    const { call } = testAdmin();
    await call("PUT", "/routes/1", ROUTE);
    const at = (revision: string) => ({ headers: { "if-match": revision } });
    assert.equal((await call("PUT", "/routes/1", { ...ROUTE, desc: "b" }, at("1"))).status, 200);
    assert.equal((await call("PUT", "/routes/1", { ...ROUTE, desc: "c" }, at("1"))).status, 412);
    assert.equal((await call("PATCH", "/routes/1", { desc: "c" }, at("1"))).status, 412);
    assert.equal((await call("DELETE", "/routes/1", undefined, at("1"))).status, 412);
    assert.equal((await call("GET", "/routes/1")).body.value.desc, "b");
    assert.equal((await call("PATCH", "/routes/1", { desc: "c" }, at('"2"'))).status, 200);
    assert.equal((await call("PUT", "/routes/1", ROUTE, at("*"))).status, 200);
    assert.equal((await call("DELETE", "/routes/1", undefined, at("4"))).status, 200);
    assert.equal((await call("PUT", "/routes/1", ROUTE, at("*"))).status, 412);
  });

  it("keep the time of the creation, and set the time of the change", async () => {
    let now = NOW;
    const { call } = testAdmin(memorySource(), { now: () => now * 1000 });
    await call("PUT", "/routes/1", ROUTE);
    now += 10;
    const replaced = (await call("PUT", "/routes/1", ROUTE)).body.value;
    assert.deepEqual([replaced.create_time, replaced.update_time], [NOW, NOW + 10]);
    now += 10;
    const patched = (await call("PATCH", "/routes/1", { desc: "a" })).body.value;
    assert.deepEqual([patched.create_time, patched.update_time], [NOW, NOW + 20]);
    assert.equal((await call("PATCH", "/routes/1", { update_time: 5 })).body.value.update_time, 5);
  });

  it("start anew where another writer came before, and keep that one's change", async () => {
    const { call } = testAdmin(contended(5));
    const { status, body } = await call("PATCH", "/routes/1", { priority: 7 });
    assert.equal(status, 200);
    assert.equal(body.value.priority, 7);
    assert.match(body.value.desc, /by another/);
  });

  it("say 409 in the end, and 412 where there was an If-Match", async () => {
    const { call, source } = testAdmin(contended(Infinity));
    const { status, body } = await call("PATCH", "/routes/1", { priority: 7 });
    assert.equal(status, 409);
    assert.match(body.error_msg, /others change this route \[1\] all the time/);
    const { entry } = await source.get("routes/1");
    const headers = { "if-match": String(entry!.modRevision) };
    assert.equal((await call("PATCH", "/routes/1", { priority: 7 }, { headers })).status, 412);
  });

  it("lose nothing of 200 at once", async () => {
    const { call } = testAdmin();
    await call("PUT", "/routes/1", ROUTE);
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, index) => call("PATCH", "/routes/1", { labels: { [`l${index}`]: "x" } })),
    );
    assert.ok(replies.every(({ status }) => status === 200));
    assert.equal(Object.keys((await call("GET", "/routes/1")).body.value.labels).length, 200);
  });

  it("generate no id twice", async () => {
    const { call } = testAdmin();
    const replies = await Promise.all(Array.from({ length: 50 }, () => call("POST", "/routes", ROUTE)));
    assert.equal(new Set(replies.map(({ body }) => body.key)).size, 50);
  });

  it("do not delete what a route begins to use", async () => {
    const { call } = testAdmin();
    for (let round = 0; round < 20; round++) {
      await call("PUT", "/upstreams/u", UPSTREAM);
      await Promise.all([call("DELETE", "/upstreams/u"), call("PUT", "/services/s", { upstream_id: "u" })]);
      const { status } = await call("GET", "/upstreams/u");
      const used = (await call("GET", "/services/s")).status === 200;
      // Memory answers in turns: whoever comes first, the other one is refused.
      assert.equal(status, used ? 200 : 404);
      await call("DELETE", "/services/s");
    }
  });

  it("store secrets as APISIX does, and show them as they were written", async () => {
    const keyring = createKeyring(APISIX_KEYRING);
    const { call, source } = testAdmin(memorySource(), { seal: keyring, secrets: { keyring } });
    const jack = { username: "jack", plugins: { "key-auth": { key: "auth-one" } } };
    const made = await call("PUT", "/consumers", jack);
    assert.deepEqual(made.body.value.plugins, jack.plugins);
    const stored = async () => {
      const { entry } = await source.get("consumers/jack");
      return JSON.parse(new TextDecoder().decode(entry!.value)).plugins["key-auth"].key as string;
    };
    assert.notEqual(await stored(), "auth-one");
    assert.equal(await keyring.decrypt(await stored()), "auth-one");
    assert.deepEqual((await call("GET", "/consumers/jack")).body.value.plugins, jack.plugins);
    // What is read, written again, is the same.
    const before = await stored();
    await call("PUT", "/consumers/jack", jack);
    assert.equal(await stored(), before);
  });

  it("refuse a key that another consumer has, encrypted or not", async () => {
    const keyring = createKeyring(APISIX_KEYRING);
    for (const seal of [undefined, keyring]) {
      const { call } = testAdmin(memorySource(), { seal, secrets: { keyring } });
      const plugins = (key: string) => ({ "key-auth": { key } });
      await call("PUT", "/consumers", { username: "jack", plugins: plugins("one") });
      assert.equal((await call("PUT", "/consumers", { username: "jack", plugins: plugins("one") })).status, 200);
      assert.equal((await call("PUT", "/consumers/jack/credentials/c", { plugins: plugins("two") })).status, 201);
      const rose = async (key: string) => {
        const { status, body } = await call("PUT", "/consumers", { username: "rose", plugins: plugins(key) });
        return [status, body.error_msg];
      };
      assert.deepEqual(await rose("one"), [400, "duplicate key of plugin key-auth found with consumer: jack"]);
      assert.deepEqual(await rose("two"), [
        400,
        "duplicate key of plugin key-auth found with credential: c of consumer: jack",
      ]);
      assert.deepEqual(await rose("three"), [201, undefined]);
    }
  });

  it("refuse a reference that resolves to nothing, and never store what it resolves to", async () => {
    const { call, source } = testAdmin(memorySource(), {
      secrets: { env: (name) => name === "KEY" ? "the-resolved-key" : undefined },
    });
    const consumer = (key: string) => ({ username: "jack", plugins: { "key-auth": { key } } });
    const absent = await call("PUT", "/consumers", consumer("$env://NONE"));
    assert.equal(absent.status, 400);
    assert.match(absent.body.error_msg, /NONE/);
    assert.equal((await call("PUT", "/consumers", consumer("$env://KEY"))).status, 201);
    const { entry } = await source.get("consumers/jack");
    assert.ok(!new TextDecoder().decode(entry!.value).includes("the-resolved-key"));
  });

  it("answer 503 where the store cannot be reached, without a word of the value", async () => {
    const source: WritableSource = {
      ...memorySource(),
      get: () => Promise.reject(new WriteError("unavailable", "etcd at http://127.0.0.1:1 refused the connection")),
    };
    const { status, body } = await testAdmin(source).call("PUT", "/routes/1", ROUTE);
    assert.deepEqual([status, body.code], [503, "unavailable"]);
  });

  it("are refused to an Admin API without a key", () => {
    assert.throws(() => testAdmin(memorySource(), { keys: [] }), /without a key/);
    assert.throws(() => testAdmin(memorySource(), { keys: [{ key: "", role: "admin" }] }), /without a key/);
  });
});

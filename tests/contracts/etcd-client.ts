import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { type CarrierName, loadCarrier } from "../../src/sources/etcd/carrier.ts";
import type { EtcdClient, WatchMessage } from "../../src/sources/etcd/client.ts";
import { parseEndpoint } from "../../src/sources/etcd/endpoint.ts";
import { EtcdError } from "../../src/sources/etcd/errors.ts";
import { DEFAULT_LIMITS } from "../../src/sources/etcd/limits.ts";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

/** What both carriers to etcd keep. */
export function etcdClientContract(name: CarrierName): void {
  describe(`etcd client contract: ${name}`, () => {
    let etcd: EtcdServer;
    let client: EtcdClient;

    const connect = async (url = etcd.url, callMs = 2000): Promise<EtcdClient> =>
      (await loadCarrier(name))({ endpoint: parseEndpoint(url), tls: {}, limits: { ...DEFAULT_LIMITS, callMs } });

    before(async () => {
      etcd = await startEtcd();
      client = await connect();
    });
    after(async () => {
      client.close();
      await etcd.close();
    });
    beforeEach(async () => {
      await etcd.del("/", { prefix: true });
    });

    it("reads a range, in pages and at a revision", async () => {
      const revision = await etcd.txn(["a", "b", "c"].map((key) => ({ key: `/${key}`, value: key })));
      await etcd.put("/b", "changed");
      const first = await client.range({ key: "/", end: "0", limit: 2, revision });
      assert.deepEqual(first.items.map(({ key, value }) => [key, text(value)]), [["/a", "a"], ["/b", "b"]]);
      assert.equal(first.more, true);
      assert.equal(first.items[0]?.mod, revision);
      assert.equal(first.items[0]?.create, revision);
      assert.equal(first.header.revision, revision + 1);
      assert.match(first.header.clusterId, /^\d+$/);
      const rest = await client.range({ key: "/b\0", end: "0", revision });
      assert.deepEqual(rest.items.map(({ key }) => key), ["/c"]);
      assert.equal(rest.more, false);
      const keys = await client.range({ key: "/a", keysOnly: true });
      assert.equal(keys.items[0]?.value.length, 0);
    });

    it("keeps every byte of keys and values", async () => {
      const key = "/\xff\x00\xc3\\";
      const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      await client.txn({ then: [{ kind: "put", key, value }] });
      const { items } = await client.range({ key });
      assert.equal(items[0]?.key, key);
      assert.deepEqual([...items[0]?.value ?? []], [...value]);
    });

    it("does a transaction only where its conditions hold", async () => {
      const put = (value: string, mod: number) =>
        client.txn({
          compare: [{ key: "/a", target: "mod", equals: mod }],
          then: [{ kind: "put", key: "/a", value: bytes(value) }],
          otherwise: [{ kind: "range", key: "/a" }],
        });
      const created = await put("one", 0);
      assert.equal(created.succeeded, true);
      const refused = await put("two", 0);
      assert.equal(refused.succeeded, false);
      assert.equal(text(refused.found[0]?.[0]?.value), "one");
      assert.equal(refused.found[0]?.[0]?.mod, created.header.revision);
      assert.equal((await put("three", created.header.revision)).succeeded, true);
      const again = await client.txn({
        compare: [{ key: "/a", target: "create", equals: created.header.revision }],
        then: [{ kind: "delete", key: "/", end: "0" }],
      });
      assert.equal(again.succeeded, true);
      assert.equal((await client.range({ key: "/", end: "0" })).items.length, 0);
    });

    it("grants, prolongs and revokes a lease", async () => {
      const lease = await client.leaseGrant(10);
      assert.match(lease, /^\d+$/);
      await client.txn({ then: [{ kind: "put", key: "/leased", value: bytes("x"), lease }] });
      assert.equal(await client.leaseKeepAlive(lease), 10);
      await client.leaseRevoke(lease);
      assert.equal((await client.range({ key: "/leased" })).items.length, 0);
      assert.equal(await client.leaseKeepAlive(lease), 0);
    });

    it("watches from a revision, answers a request for progress, and is silent when cancelled", async () => {
      const messages: WatchMessage[] = [];
      const from = await etcd.put("/w/a", "1");
      const watch = client.watch({ key: "/w/", end: "/w0", from }, {
        message: (message) => void messages.push(message),
        failed: (error) => assert.fail(error),
      });
      await until(() => messages.some(({ events }) => events.length === 1), { what: "the event of the past" });
      assert.equal(messages[0]?.created, true);
      const before = messages.length;
      watch.requestProgress();
      await until(() => messages.length > before, { what: "a sign of life" });
      assert.equal(messages.at(-1)?.events.length, 0);
      await etcd.txn([{ key: "/w/a" }, { key: "/w/b", value: "2" }]);
      await until(() => messages.at(-1)?.events.length === 2, { what: "the transaction" });
      assert.deepEqual(messages.at(-1)?.events.map(({ deleted, item }) => [deleted, item.key]), [
        [true, "/w/a"],
        [false, "/w/b"],
      ]);
      watch.cancel();
      const last = messages.length;
      await etcd.put("/w/c", "3");
      await until(async () => await etcd.watchers() === 0, { what: "etcd has no watcher" });
      assert.equal(messages.length, last);
    });

    it("tells of a compacted revision", async () => {
      await etcd.put("/w/a", "1");
      const from = await etcd.put("/w/a", "2");
      await etcd.compact(from);
      const canceled = await new Promise<WatchMessage["canceled"]>((resolve, reject) => {
        client.watch({ key: "/w/", end: "/w0", from: from - 1 }, {
          message: (message) => message.canceled && resolve(message.canceled),
          failed: reject,
        });
      });
      assert.equal(canceled?.compactRevision, from);
      await assert.rejects(client.range({ key: "/w/a", revision: from - 1 }), { code: "compacted" });
      await assert.rejects(client.range({ key: "/w/a", revision: from + 100 }), { code: "future" });
    });

    it("fails in one way, with words for the operator", async () => {
      const [port] = [etcd.port];
      const refused = await connect("http://127.0.0.1:1");
      const unresolved = await connect(`http://nowhere.invalid:${port}`);
      await assert.rejects(refused.range({ key: "a" }), (error: EtcdError) => {
        assert.ok(error instanceof EtcdError);
        assert.equal(error.code, "refused");
        assert.equal(error.message, "etcd at http://127.0.0.1:1 refused the connection (is it running?)");
        return true;
      });
      await assert.rejects(unresolved.range({ key: "a" }), { code: "unresolved" });
      await assert.rejects(client.authenticate("a", "b"), { code: "auth_disabled" });
      refused.close();
      unresolved.close();
    });

    it("ends a call that is not answered, after its time", async () => {
      const proxy = await startProxy({ host: "127.0.0.1", port: etcd.port });
      await proxy.setMode("blackhole");
      const slow = await connect(proxy.url, 300);
      const start = performance.now();
      await assert.rejects(slow.range({ key: "a" }), { code: "timeout" });
      assert.ok(performance.now() - start < 1500);
      slow.close();
      await proxy.close();
    });

    it("ends calls and watches when it is closed", async () => {
      const proxy = await startProxy({ host: "127.0.0.1", port: etcd.port });
      const closing = await connect(proxy.url);
      await closing.range({ key: "a" });
      proxy.blackholeExisting();
      await proxy.setMode("blackhole");
      const pending = assert.rejects(closing.range({ key: "a" }), { code: "closed" });
      closing.close();
      await pending;
      await assert.rejects(closing.range({ key: "a" }), EtcdError);
      await proxy.close();
    });

    it("refuses an answer above its limit", async () => {
      for (let key = 0; key < 4; key++) await etcd.put(`/big/${key}`, "x".repeat(1_000_000));
      const small = (await loadCarrier(name))({
        endpoint: parseEndpoint(etcd.url),
        tls: {},
        limits: { ...DEFAULT_LIMITS, messageBytes: 2_000_000 },
      });
      await assert.rejects(small.range({ key: "/big/", end: "/big0" }), { code: "too_large" });
      assert.equal((await small.range({ key: "/big/", end: "/big0", limit: 1 })).items.length, 1);
      small.close();
    });
  });
}

// waits
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createAdmin } from "../../src/admin/admin.ts";
import { type EtcdWriter, etcdWriter } from "../../src/sources/etcd/writer.ts";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";

const KEY = "an-admin-key-of-tests";
const PATCHES = 1000;

/** What one PATCH was answered with. */
interface Seen {
  readonly revision: number;
  readonly labels: Readonly<Record<string, string>>;
}

describe("two writers of one route", () => {
  let etcd: EtcdServer;
  const writers: EtcdWriter[] = [];
  before(async () => {
    etcd = await startEtcd();
    for (const carrier of ["grpc", "json"] as const) {
      writers.push(etcdWriter({ endpoints: [etcd.url], prefix: "/writers", carrier }));
    }
  });
  after(async () => {
    for (const writer of writers) writer.close();
    await etcd?.close();
  });

  it(`lose no update of ${PATCHES} each, over etcd, each through an Admin API of its own`, async (t) => {
    const admins = writers.map((source) =>
      createAdmin({ source, keys: [{ key: KEY, role: "admin" }], version: "0", loopback: true })
    );
    const call = async (writer: number, method: string, body: unknown) => {
      const request = new Request("http://127.0.0.1/apisix/admin/routes/1", {
        method,
        headers: { "x-api-key": KEY },
        body: JSON.stringify(body),
      });
      const response = await admins[writer]!.fetch(request);
      return { status: response.status, body: JSON.parse(await response.text()) };
    };
    const route = { uri: "/", plugins: {}, labels: { w0: "0", w1: "0" } };
    assert.equal((await call(0, "PUT", route)).status, 201);
    const seen: Seen[] = [];
    let conflicts = 0;
    const start = performance.now();
    await Promise.all([0, 1].map(async (writer) => {
      for (let count = 1; count <= PATCHES;) {
        const { status, body } = await call(writer, "PATCH", { labels: { [`w${writer}`]: String(count) } });
        if (status === 409) {
          conflicts++;
          continue;
        }
        assert.equal(status, 200, JSON.stringify(body));
        seen.push({ revision: body.modifiedIndex, labels: body.value.labels });
        count++;
      }
    }));
    const seconds = (performance.now() - start) / 1000;
    // One after the other, as etcd made them: no count ever falls, and each write raises exactly one by one.
    seen.sort((a, b) => a.revision - b.revision);
    let last = { w0: 0, w1: 0 };
    for (const { labels } of seen) {
      const next = { w0: Number(labels["w0"]), w1: Number(labels["w1"]) };
      assert.equal(next.w0 + next.w1, last.w0 + last.w1 + 1);
      assert.ok(next.w0 >= last.w0 && next.w1 >= last.w1);
      last = next;
    }
    assert.equal(seen.length, 2 * PATCHES);
    assert.deepEqual(last, { w0: PATCHES, w1: PATCHES });
    const stored = JSON.parse((await etcd.all("/writers/")).get("/writers/routes/1")!);
    assert.deepEqual(stored.labels, { w0: String(PATCHES), w1: String(PATCHES) });
    t.diagnostic(`${2 * PATCHES} PATCHes in ${seconds.toFixed(1)} s, ${conflicts} of them answered 409 and sent again`);
  });
});

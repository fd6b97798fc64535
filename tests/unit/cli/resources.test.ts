import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createChecker } from "../../../src/cli/resources/catalogue.ts";
import { toWrites } from "../../../src/cli/resources/carry-out.ts";
import { compareValues } from "../../../src/cli/resources/compare.ts";
import { parseDocuments } from "../../../src/cli/resources/document.ts";
import { judge, mentions } from "../../../src/cli/resources/judge.ts";
import { parsePath } from "../../../src/cli/resources/path.ts";
import { createPlan } from "../../../src/cli/resources/plan.ts";
import { createSealing } from "../../../src/cli/resources/sealing.ts";
import { redact, REDACTED, restore } from "../../../src/cli/resources/secrets.ts";
import { encodeValue } from "../../../src/cli/resources/value.ts";
import { createKeyring } from "../../../src/config/keyring.ts";
import type { Kind } from "../../../src/config/kinds.ts";
import type { StoredList } from "../../../src/store/writable.ts";

const checker = createChecker();
const { catalogue } = checker;
const OPTIONS = { owner: "me", prune: true, takeOver: false };

async function planOf(sections: object, stored: Readonly<Record<string, unknown>>) {
  const { wanted, issues } = await parseDocuments([["file", JSON.stringify(sections)]], { positions: false });
  assert.deepEqual(issues, []);
  const list: StoredList = {
    revision: 9,
    entries: Object.entries(stored).map(([key, value], index) => ({
      key,
      value: encodeValue(value),
      createRevision: 1,
      modRevision: index + 1,
    })),
  };
  return createPlan(wanted, list, OPTIONS);
}

describe("a plan", () => {
  it("writes what is referred to before what refers to it, and deletes the other way round", async () => {
    const mine = { labels: { "managed-by": "me" } };
    const { steps } = await planOf(
      {
        routes: [{ id: "r", uri: "/", service_id: "s" }],
        services: [{ id: "s", upstream_id: "u" }],
        consumers: [{ username: "c", group_id: "g", credentials: [{ id: "x", plugins: {} }] }],
        consumer_groups: [{ id: "g", plugins: {} }],
        upstreams: [{ id: "u", nodes: {} }],
      },
      { "upstreams/old": mine, "routes/old": mine, "services/old": mine, "upstreams/u/nodes/n": mine },
    );
    assert.deepEqual(steps.map(({ action, key }) => `${action} ${key}`), [
      "create upstreams/u",
      "create services/s",
      "create consumer_groups/g",
      "create consumers/c",
      "create consumers/c/credentials/x",
      "create routes/r",
      "delete routes/old",
      "delete services/old",
      "delete upstreams/old",
    ]);
  });

  it("leaves alone what is equal but for order, times and ids", async () => {
    const { steps, unchanged } = await planOf({ routes: [{ id: 1, uri: "/", methods: ["GET"], plugins: {} }] }, {
      "routes/1": {
        create_time: 1,
        update_time: 2,
        plugins: {},
        labels: { "managed-by": "me" },
        methods: ["GET"],
        uri: "/",
        id: "1",
      },
    });
    assert.deepEqual(steps, []);
    assert.equal(unchanged, 1);
  });

  it("keeps when a resource was made, and is guarded by its revision", async () => {
    const { steps: [step] } = await planOf({ routes: [{ id: 1, uri: "/new", plugins: {} }] }, {
      "routes/1": { create_time: 7, update_time: 7, uri: "/", plugins: {}, labels: { "managed-by": "me" } },
    });
    const value = JSON.parse(new TextDecoder().decode(step?.value)) as Record<string, number>;
    assert.equal(value["create_time"], 7);
    assert.ok(value["update_time"]! > 7);
    assert.equal(step?.modRevision, 1);
  });

  it("is split by operations and by bytes, in its order", async () => {
    const { steps } = await planOf(
      { routes: Array.from({ length: 300 }, (_, id) => ({ id, uri: "/", plugins: {} })) },
      {},
    );
    const byCount = toWrites(steps, { operations: 128, bytes: 1_000_000 });
    assert.deepEqual(byCount.map(({ length }) => length), [128, 128, 44]);
    assert.deepEqual(byCount.flat(), steps);
    const byBytes = toWrites(steps, { operations: 128, bytes: 1000 });
    assert.ok(byBytes.length > 30 && byBytes.every((write) => write.length > 0));
    assert.deepEqual(byBytes.flat(), steps);
  });
});

describe("a comparison", () => {
  it("names each field that differs", () => {
    assert.deepEqual(compareValues({ a: { b: [1, 2] }, c: 1, d: 1 }, { c: 1, a: { b: [1, 3, 4] }, "e f": null }), [
      { path: "a.b[1]", before: 2, after: 3 },
      { path: "a.b[2]", before: undefined, after: 4 },
      { path: "d", before: 1, after: undefined },
      { path: '["e f"]', before: undefined, after: null },
    ]);
  });

  it("has paths that lead back to the field", () => {
    assert.deepEqual(parsePath('plugins.key-auth["a \\"b.c"][0].d'), ["plugins", "key-auth", 'a "b.c', 0, "d"]);
    assert.deepEqual(parsePath(""), []);
  });
});

describe("a check", () => {
  const cases: readonly (readonly [kind: Kind, value: object, errors: readonly string[]])[] = [
    ["upstream", { nodes: [{ host: "$ENV://H", port: 80, weight: 1 }] }, []],
    ["route", { uri: "$ENV://U", host: "$ENV://H", remote_addr: "$env://R", methods: ["$ENV://M"], plugins: {} }, []],
    ["route", { uri: "/a", plugins: { "proxy-rewrite": { uri: "$ENV://U", regex_uri: ["/a", "$ENV://B"] } } }, []],
    ["route", { uri: "/a", plugins: { "ip-restriction": { whitelist: ["$secret://vault/1/a/b"] } } }, []],
    ["route", { uri: "/a", host: "$ENV://H", upstream_id: "$ENV://U" }, []],
    // What a text never is, and what else is wrong with the value.
    ["route", { uri: "/a", host: "$ENV://H", priority: "$ENV://P", plugins: {} }, ["priority"]],
    ["route", { uri: "/a", timeout: { connect: "$ENV://C", send: 1, read: 1 }, plugins: {} }, ["timeout.connect"]],
    ["route", { uri: "/a", host: "$ENV://H", status: 7, plugins: {} }, ["status"]],
    ["route", { uri: "/a", host: "$ENV://H", oops: "$ENV://O", plugins: {} }, ["oops"]],
    ["route", { uri: "/a", host: "$NV://H", plugins: {} }, ["host"]],
    ["upstream", { nodes: { "$ENV://H": 1 } }, ['nodes["$ENV://H"]']],
  ];
  for (const [kind, value, errors] of cases) {
    it(`of ${kind} ${JSON.stringify(value)} finds ${errors.join(", ") || "nothing"}`, () => {
      assert.deepEqual(judge(kind, "1", value, checker).errors.map(({ path }) => path), errors);
    });
  }

  it("tells what a value with references refers to, and no id that is a reference", () => {
    const value = { uri: "/a", host: "$ENV://H", service_id: "$ENV://S", upstream_id: "u" };
    const { resource } = judge("route", "1", value, checker);
    assert.deepEqual(mentions("route", "1", value, resource, checker).map(({ id }) => id), ["u"]);
  });
});

describe("secrets", () => {
  it("are redacted wherever they stand, and references to them are not", () => {
    const consumer = {
      username: "a",
      plugins: { "key-auth": { key: "k" }, "jwt-auth": { key: "$ENV://K", secret: "s" } },
    };
    assert.deepEqual(redact("consumer", consumer, catalogue), {
      username: "a",
      plugins: { "key-auth": { key: REDACTED }, "jwt-auth": { key: "$ENV://K", secret: REDACTED } },
    });
    assert.deepEqual(redact("ssl", { cert: "c", key: "k", keys: ["k2"] }, catalogue), {
      cert: "c",
      key: REDACTED,
      keys: [REDACTED],
    });
    assert.deepEqual(redact("secret", { uri: "u", token: "t" }, catalogue), { uri: "u", token: REDACTED });
    // Of a plugin that nobody here knows, too.
    assert.deepEqual(redact("route", { plugins: { strange: { auth: { password: "p" }, path: "/" } } }, catalogue), {
      plugins: { strange: { auth: { password: REDACTED }, path: "/" } },
    });
    // What is hashed or counted is no secret.
    const upstream = { type: "chash", key: "remote_addr" };
    assert.deepEqual(redact("upstream", upstream, catalogue), upstream);
    const limit = { plugins: { "limit-req": { key: "remote_addr", redis_password: "p" } } };
    assert.deepEqual(redact("route", limit, catalogue), {
      plugins: { "limit-req": { key: "remote_addr", redis_password: REDACTED } },
    });
  });

  it("come back from what is stored", () => {
    assert.deepEqual(restore({ a: REDACTED, b: [{ c: REDACTED }], d: REDACTED }, { a: "1", b: [{ c: "2" }] }), {
      value: { a: "1", b: [{ c: "2" }], d: REDACTED },
      missing: ["d"],
    });
  });

  it("that are encrypted stay as they are stored, and new ones are encrypted where there is a key", async () => {
    const keyring = createKeyring(["0123456789abcdef"]);
    const value = (key: string) => ({ plugins: { "key-auth": { key } } });
    const stored = value(await keyring.encrypt("the-key"));
    const sealing = createSealing(keyring, keyring);
    assert.deepEqual(await sealing.open("consumer", stored, catalogue), value("the-key"));
    assert.deepEqual(await sealing.close("consumer", value("the-key"), [stored], catalogue), stored);
    const closed = await sealing.close("consumer", value("another"), [stored], catalogue);
    assert.deepEqual(closed, value(await keyring.encrypt("another")));
    const plain = createSealing(keyring, undefined);
    assert.deepEqual(await plain.close("consumer", value("another"), [stored], catalogue), value("another"));
    assert.deepEqual(await plain.close("consumer", value("the-key"), [stored], catalogue), stored);
  });
});

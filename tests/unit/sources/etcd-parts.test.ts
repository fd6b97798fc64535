import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BatchQueue } from "../../../src/sources/batch-queue.ts";
import { createBackoff } from "../../../src/sources/etcd/backoff.ts";
import type { Header, KeyValue, WatchEvent } from "../../../src/sources/etcd/client.ts";
import { createRotation, parseEndpoint } from "../../../src/sources/etcd/endpoint.ts";
import { SyncLoop } from "../../../src/sources/etcd/loop.ts";
import { toInteger } from "../../../src/sources/etcd/int64.ts";
import { LineSplitter } from "../../../src/sources/etcd/json-lines.ts";
import { defaultCarrier, parseEtcdOptions } from "../../../src/sources/etcd/options.ts";
import { OutageLog } from "../../../src/sources/etcd/outage-log.ts";
import { Replica } from "../../../src/sources/etcd/replica.ts";
import { RevisionCutter } from "../../../src/sources/etcd/revisions.ts";
import type { SourceLog } from "../../../src/sources/log.ts";

describe("parseEndpoint", () => {
  it("takes URLs, and host and port alone", () => {
    assert.deepEqual(parseEndpoint("http://127.0.0.1:2379"), {
      url: "http://127.0.0.1:2379",
      tls: false,
      host: "127.0.0.1",
      port: 2379,
    });
    assert.equal(parseEndpoint("etcd.example:1234").url, "http://etcd.example:1234");
    assert.equal(parseEndpoint("https://etcd.example/").url, "https://etcd.example:2379");
    assert.equal(parseEndpoint("https://etcd.example:443").port, 443);
    assert.deepEqual(parseEndpoint("https://[::1]:2379").host, "::1");
    assert.deepEqual(parseEndpoint("[::1]").url, "http://[::1]:2379");
  });

  it("refuses anything else, and repeats no password", () => {
    for (const wrong of ["", "ftp://a:1", "http://a:1/path", "http://a:99999", "http://a b", "unix:///tmp/x"]) {
      assert.throws(() => parseEndpoint(wrong), TypeError, wrong);
    }
    for (const secret of ["http://root:geheim@a:2379", "http://root:geheim@a b"]) {
      assert.throws(() => parseEndpoint(secret), (error: Error) => !error.message.includes("geheim"), secret);
    }
  });

  it("hands out endpoints in turn", () => {
    const rotation = createRotation(["a:1", "b:1", "c:1"].map(parseEndpoint), 2);
    const seen = [];
    for (let turn = 0; turn < 4; turn++) {
      seen.push(rotation.current.host);
      rotation.next();
    }
    assert.deepEqual(seen, ["c", "a", "b", "c"]);
  });
});

describe("options of the etcd source", () => {
  const endpoints = ["https://127.0.0.1:2379"];

  it("refuses what cannot work, in words", () => {
    assert.throws(() => parseEtcdOptions({ endpoints: [] }), /without an endpoint/);
    assert.throws(() => parseEtcdOptions({ endpoints, user: "a" }), /give both/);
    assert.throws(() => parseEtcdOptions({ endpoints: ["http://a:1"], ca: "x" }), /without TLS/);
    assert.throws(() => parseEtcdOptions({ endpoints, probeMs: 0 }), /'probeMs'/);
    assert.throws(() => parseEtcdOptions({ endpoints, prefix: "" }), /without a prefix/);
  });

  it("means the same prefix with and without a slash", () => {
    assert.equal(parseEtcdOptions({ endpoints, prefix: "/a" }).key, "/a/");
    assert.equal(parseEtcdOptions({ endpoints, prefix: "/a/" }).key, "/a/");
    assert.equal(parseEtcdOptions({ endpoints }).prefix, "/gatewatch/");
  });

  it("chooses a carrier for every runtime", () => {
    assert.deepEqual(["deno", "bun", "node"].map(defaultCarrier), ["json", "grpc", "grpc"]);
  });
});

describe("toInteger", () => {
  it("converts what is exact, and refuses what is not", () => {
    assert.equal(toInteger("9007199254740991"), 9007199254740991);
    assert.equal(toInteger(undefined), 0);
    assert.throws(() => toInteger("9007199254740993"), /below 2\^53/);
    assert.throws(() => toInteger("x"), /integer/);
  });
});

describe("LineSplitter", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  it("gives the same lines wherever the data is cut", () => {
    const data = bytes('{"a":"ü€"}\n\n{"b":2}\n{"c"');
    for (let cut = 0; cut <= data.length; cut++) {
      const lines = new LineSplitter(100);
      const given = [...lines.push(data.subarray(0, cut)), ...lines.push(data.subarray(cut))];
      assert.deepEqual(given, ['{"a":"ü€"}', '{"b":2}'], `cut at ${cut}`);
      assert.deepEqual(lines.push(bytes(":3}\n")), ['{"c":3}']);
    }
  });

  it("refuses a line above its limit", () => {
    const lines = new LineSplitter(10);
    assert.deepEqual(lines.push(bytes("123456789\n123456789\n")), ["123456789", "123456789"]);
    lines.push(bytes("12345"));
    assert.throws(() => lines.push(bytes("678901")), /larger than 10 bytes/);
  });
});

const event = (key: string, mod: number, deleted = false): WatchEvent => ({
  deleted,
  item: { key, value: new Uint8Array([mod]), create: mod, mod },
});

describe("RevisionCutter", () => {
  const shape = (groups: WatchEvent[][]) => groups.map((group) => group.map(({ item }) => item.key).join(""));

  it("cuts a message into revisions", () => {
    const cutter = new RevisionCutter();
    assert.deepEqual(shape(cutter.push([event("a", 1), event("b", 2), event("c", 2), event("d", 5)], false)), [
      "a",
      "bc",
      "d",
    ]);
    assert.ok(!cutter.waiting);
  });

  it("holds a revision until its last fragment, and gives those before it at once", () => {
    const cutter = new RevisionCutter();
    assert.deepEqual(shape(cutter.push([event("a", 1), event("b", 2)], true)), ["a"]);
    assert.deepEqual(shape(cutter.push([event("c", 2)], true)), []);
    assert.ok(cutter.waiting);
    assert.deepEqual(shape(cutter.push([event("d", 2), event("e", 3)], false)), ["bcd", "e"]);
  });

  it("gives the rest when the last fragment has nothing more", () => {
    const cutter = new RevisionCutter();
    cutter.push([event("a", 1)], true);
    assert.deepEqual(shape(cutter.push([], false)), ["a"]);
  });

  it("doubts events that are out of order", () => {
    assert.throws(() => new RevisionCutter().push([event("a", 2), event("b", 1)], false), /out of order/);
  });
});

describe("Replica", () => {
  const header = (revision: number, more: Partial<Header> = {}): Header => ({
    clusterId: "c",
    memberId: "m",
    revision,
    term: 2,
    ...more,
  });
  const item = (key: string, value: string, mod: number, create = mod): KeyValue => ({
    key,
    value: new TextEncoder().encode(value),
    create,
    mod,
  });
  const listing = (revision: number, items: readonly KeyValue[]) => ({
    header: header(revision),
    items: new Map(items.map((one) => [one.key, one])),
  });
  const start = () => {
    const replica = new Replica("/p/");
    replica.replace(listing(10, [item("/p/a", "1", 3), item("/p/b", "1", 4)]), undefined);
    return replica;
  };

  it("gives everything at first, with keys below the prefix", () => {
    const { revision } = new Replica("/p/").replace(listing(10, [item("/p/a", "1", 3)]), undefined);
    assert.deepEqual(revision.edits.map(({ key, revision, fresh }) => ({ key, revision, fresh })), [
      { key: "a", revision: 3, fresh: true },
    ]);
  });

  it("finds nothing in a list that is the same", () => {
    const { revision, repaired } = start().replace(
      listing(20, [item("/p/a", "1", 3), item("/p/b", "1", 4)]),
      undefined,
    );
    assert.deepEqual(revision.edits, []);
    assert.equal(repaired, 0);
  });

  it("finds a value, a creation and a modification that differ, each alone", () => {
    for (const other of [item("/p/a", "2", 3), item("/p/a", "1", 3, 2), item("/p/a", "1", 11, 3)]) {
      const { revision } = start().replace(listing(20, [other, item("/p/b", "1", 4)]), undefined);
      assert.deepEqual(revision.edits.map(({ key }) => key), ["a"]);
    }
  });

  it("finds what is gone", () => {
    const { revision } = start().replace(listing(20, [item("/p/a", "1", 3)]), undefined);
    assert.deepEqual(revision.edits, [{ key: "b", value: undefined, revision: 20, fresh: false }]);
  });

  it("counts as repaired only what the watch should have told", () => {
    const replica = start();
    assert.equal(replica.replace(listing(20, [item("/p/a", "1", 3), item("/p/b", "9", 9)]), undefined).repaired, 1);
    assert.equal(replica.replace(listing(30, [item("/p/a", "1", 3), item("/p/b", "8", 25)]), undefined).repaired, 0);
    assert.equal(replica.replace(listing(30, [item("/p/a", "1", 3)]), undefined).repaired, 1);
  });

  it("applies events, and drops those that it knows", () => {
    const replica = start();
    assert.deepEqual(replica.apply([event("/p/c", 11), event("/p/b", 11, true)])?.edits.map(({ key }) => key), [
      "c",
      "b",
    ]);
    assert.equal(replica.revision, 11);
    assert.equal(replica.apply([event("/p/c", 11)]), undefined);
    assert.equal(replica.apply([event("/p/zz", 5)]), undefined);
    assert.equal(replica.size, 2);
  });

  it("refuses events of another prefix", () => {
    assert.throws(() => start().apply([event("/other/a", 11)]), /outside of the prefix/);
  });

  it("notices another cluster, a revision and a term that go back", () => {
    const replica = start();
    assert.equal(replica.historyLoss(header(10)), undefined);
    assert.match(replica.historyLoss(header(9)) ?? "", /went back from 10 to 9/);
    assert.equal(replica.identityLoss(header(9)), undefined);
    assert.match(replica.historyLoss(header(9, { clusterId: "d" })) ?? "", /another etcd cluster/);
    assert.match(replica.identityLoss(header(99, { clusterId: "d" })) ?? "", /another etcd cluster/);
    assert.match(replica.historyLoss(header(99, { clusterId: "d" })) ?? "", /another etcd cluster/);
    assert.match(replica.historyLoss(header(99, { term: 1 })) ?? "", /term went back/);
    replica.heard(header(10, { term: 5 }));
    assert.match(replica.historyLoss(header(99, { term: 4 })) ?? "", /term went back/);
  });
});

describe("createBackoff", () => {
  it("spreads the first try, tries each endpoint soon, then doubles up to its cap", () => {
    const backoff = createBackoff({ spreadMs: 300, backoffMaxMs: 4000 }, 3, () => 0.999);
    const waits = Array.from({ length: 30 }, () => Math.round(backoff.fail()));
    assert.deepEqual(waits.slice(0, 7), [300, 100, 100, 200, 200, 200, 400]);
    assert.equal(waits.at(-1), 3999);
    backoff.succeed();
    assert.equal(Math.round(backoff.fail()), 300);
  });

  it("never waits less than two thirds of its step", () => {
    const backoff = createBackoff({ spreadMs: 300, backoffMaxMs: 4000 }, 1, () => 0);
    const waits = Array.from({ length: 20 }, () => backoff.fail());
    assert.equal(waits[0], 0);
    assert.ok((waits.at(-1) ?? 0) >= 2600);
  });
});

describe("SyncLoop", () => {
  const cases: readonly (readonly [endpoint: string, warned: boolean])[] = [
    ["http://10.0.0.1:2379", true],
    ["etcd.example", true],
    ["https://10.0.0.1:2379", false],
    ["http://127.0.0.1:2379", false],
    ["http://[::1]:2379", false],
    ["localhost", false],
  ];
  for (const [endpoint, warned] of cases) {
    it(`${warned ? "warns" : "does not warn"} of a password to ${endpoint}`, async () => {
      const lines: string[] = [];
      const log: SourceLog = (level, message) => lines.push(`${level} ${message}`);
      const settings = parseEtcdOptions({ endpoints: [endpoint], prefix: "/a", user: "u", password: "p", log });
      await new SyncLoop(settings, () => Promise.reject(new Error("not asked")), Math.random)
        .run(new BatchQueue(), AbortSignal.abort());
      assert.equal(lines.some((line) => /^warn .*unencrypted/.test(line)), warned);
    });
  }
});

describe("OutageLog", () => {
  const setup = () => {
    const lines: string[] = [];
    const clock = { now: 0 };
    const log = new OutageLog((level, message) => lines.push(`${level} ${message}`), () => clock.now);
    return { lines, clock, log };
  };

  it("writes one line a minute about an outage that goes on", () => {
    const { lines, clock, log } = setup();
    for (; clock.now < 3_600_000; clock.now += 1000) log.failed("refused", {});
    assert.ok(lines.length <= 61, `${lines.length} lines in an hour`);
    assert.equal(lines[0], "warn refused");
  });

  it("tells of other reasons, within bounds", () => {
    const { lines, clock, log } = setup();
    for (; clock.now < 60_000; clock.now += 100) log.failed(`reason ${clock.now}`, {});
    assert.equal(lines.length, 3);
  });

  it("says when it is over, and does not fill the log where it comes and goes", () => {
    const { lines, clock, log } = setup();
    log.over("fine", {});
    assert.deepEqual(lines, []);
    log.failed("refused", {});
    log.over("fine", {});
    assert.deepEqual(lines, ["warn refused", "info fine"]);
    for (; clock.now < 600_000; clock.now += 500) {
      log.failed("refused", {});
      log.over("fine", {});
    }
    assert.ok(lines.length <= 80, `${lines.length} lines in ten minutes`);
  });
});

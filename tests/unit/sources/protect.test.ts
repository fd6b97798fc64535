import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { guardSource } from "../../../src/sources/guard.ts";
import { memorySource } from "../../../src/sources/memory.ts";
import { protectSource } from "../../../src/sources/protect.ts";
import { readSnapshot, writeSnapshot } from "../../../src/sources/snapshot-file.ts";
import type { Batch, ConfigSource } from "../../../src/store/source.ts";
import { Collector } from "../../contracts/collector.ts";
import { until } from "../../support/until.ts";

const routes = (count: number, value = "{}"): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`routes/${index}`, value]));
const without = (count: number, from = 0): Record<string, undefined> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`routes/${from + index}`, undefined]));
const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("guardSource", () => {
  let collector: Collector | undefined;
  const lines: string[] = [];
  const log = (level: string, text: string) => void lines.push(`${level} ${text}`);
  const collect = (source: ConfigSource) => collector = new Collector(source);

  beforeEach(() => {
    lines.length = 0;
  });
  afterEach(async () => {
    await collector?.stop();
    assert.deepEqual(collector?.broken, []);
  });

  it("holds a revision that removes more than half of the routes, until it is accepted", async () => {
    const memory = memorySource({ ...routes(20), "upstreams/1": "{}" });
    const source = guardSource(memory, { log });
    const read = collect(source);
    await read.synced();
    memory.transaction({ ...without(11), "upstreams/1": undefined, "routes/new": "{}" });
    await until(() => source.held(), { what: "something is held" });
    assert.equal(read.content.size, 21, "nothing of that revision is served");
    assert.deepEqual({ ...source.held(), remainingMs: 0 }, { revision: 2, removes: 11, routes: 20, remainingMs: 0 });
    assert.equal(source.status().state, "stale");
    assert.match(source.status().reason ?? "", /^revision 2 would remove 11 of 20 routes/);
    assert.match(lines[0] ?? "", /^error revision 2 would remove 11 of 20/);
    assert.equal(source.accept(1), false, "another revision than the one that was seen");
    assert.equal(source.accept(2), true);
    await until(() => read.content.size === 10, { what: "it is served" });
    assert.equal(read.batches.length, 2);
    assert.equal(source.held(), undefined);
    assert.equal(source.status().state, "synced");
    assert.equal(source.accept(), false);
  });

  it("lets go by itself after its time", async () => {
    const memory = memorySource(routes(30));
    const source = guardSource(memory, { holdMs: 60 });
    const read = collect(source);
    await read.synced();
    memory.transaction(without(30));
    await until(() => source.held(), { what: "something is held" });
    await until(() => read.content.size === 0, { what: "it is served", limit: 1000 });
  });

  it("lets go when the routes come back, and tells only the difference", async () => {
    const memory = memorySource(routes(30));
    const source = guardSource(memory);
    const read = collect(source);
    await read.synced();
    memory.transaction(without(30));
    await until(() => source.held(), { what: "something is held" });
    memory.put("routes/passing", "{}");
    memory.delete("routes/passing");
    for (let index = 0; index < 15; index++) {
      assert.equal(read.batches.length, 1);
      memory.put(`routes/${index}`, "{}");
      await turn();
    }
    await until(() => read.batches.length === 2, { what: "half is back" });
    assert.equal(read.content.size, 15);
    assert.equal(source.held(), undefined);
    assert.ok(read.batches[1]?.changes.every(({ key }) => key !== "routes/passing"));
  });

  it("passes half of the routes, few routes, other kinds, the first batch, and everything when it is off", async () => {
    const cases: [Record<string, string>, Record<string, undefined>, number?][] = [
      [routes(20), without(10)],
      [routes(19), without(19)],
      [Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`upstreams/${at}`, "{}"])), {
        "upstreams/1": undefined,
      }],
      [routes(40), without(40), 0],
    ];
    for (const [initial, changes, holdMs] of cases) {
      const memory = memorySource(initial);
      const source = guardSource(memory, holdMs === undefined ? {} : { holdMs });
      const read = new Collector(source);
      await read.synced();
      memory.transaction(changes);
      await until(() => read.batches.length === 2, { what: "it is passed" });
      assert.equal(source.held(), undefined);
      await read.stop();
    }
  });

  it("keeps what a reset said", async () => {
    const batches: Batch[] = [
      { revision: 9, changes: Object.keys(routes(20)).map((key) => ({ key, value: new Uint8Array(), revision: 1 })) },
      {
        revision: 1,
        changes: Object.keys(routes(20)).map((key) => ({ key, value: undefined, revision: 1 })),
        reset: "wiped",
      },
    ];
    const inner: ConfigSource = {
      prefix: "",
      async *read(signal) {
        yield* batches;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
      status: () => ({ kind: "memory", state: "synced", origin: "", silentMs: 0 }),
    };
    const source = guardSource(inner);
    const read = collect(source);
    await until(() => source.held(), { what: "something is held" });
    source.accept();
    await until(() => read.batches.length === 2, { what: "it is served" });
    assert.equal(read.batches[1]?.reset, "wiped");
  });
});

describe("snapshots", () => {
  let folder: string;
  let file: string;
  const lines: string[] = [];
  const log = (level: string, text: string) => void lines.push(`${level} ${text}`);
  const collectors: Collector[] = [];
  const silent: ConfigSource = {
    prefix: "",
    async *read(signal) {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
    status: () => ({ kind: "etcd", state: "connecting", origin: "x", silentMs: null, reason: "etcd is away" }),
  };
  const open = (inner: ConfigSource, waitMs = 5000, settleMs = 20) => {
    const source = protectSource(inner, { snapshot: { file, waitMs, settleMs, log }, guard: { log } });
    const read = new Collector(source);
    collectors.push(read);
    return { source, read };
  };
  const saved = () =>
    until(async () => existsSync(file) && await readSnapshot(file), { what: "a snapshot is written" });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatewatch-snapshot-"));
    file = join(folder, "snapshot");
    lines.length = 0;
  });
  afterEach(async () => {
    for (const collector of collectors.splice(0)) {
      await collector.stop();
      assert.deepEqual(collector.broken, []);
    }
    rmSync(folder, { recursive: true });
  });

  it("reads what it wrote, for its owner alone", async () => {
    const items = [
      { key: 'routes/ü\n"', value: new Uint8Array([0, 10, 255]), revision: 7 },
      { key: "empty", value: new Uint8Array(), revision: 8 },
    ];
    const snapshot = { revision: 9, clusterId: "c", prefix: "/p/", savedAt: "2024-01-01T00:00:00Z", items };
    await writeSnapshot(file, snapshot);
    assert.deepEqual(await readSnapshot(file), snapshot);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await writeSnapshot(file, { ...snapshot, items: [] });
    assert.deepEqual((await readSnapshot(file))?.items, []);
    assert.equal(await readSnapshot(`${file}-other`), undefined);
  });

  it("refuses a file that is damaged anywhere", async () => {
    const items = [{ key: "routes/a", value: new Uint8Array([1, 2, 3]), revision: 7 }];
    await writeSnapshot(file, { revision: 9, clusterId: null, prefix: "/p/", savedAt: "2024-01-01T00:00:00Z", items });
    const good = readFileSync(file);
    const body = good.indexOf(10) + 1;
    for (let at = body; at < good.length; at++) {
      const bad = Uint8Array.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      writeFileSync(file, bad);
      await assert.rejects(readSnapshot(file), /damaged/, `byte ${at}`);
    }
    for (let length = 0; length < good.length; length++) {
      writeFileSync(file, good.subarray(0, length));
      await assert.rejects(readSnapshot(file), /damaged|no snapshot/, `cut at ${length}`);
    }
  });

  it("is served when the source does not answer in time, and says so", async () => {
    const first = open(memorySource(routes(3)));
    await first.read.synced();
    await saved();
    await first.read.stop();
    const { source, read } = open(silent, 50);
    await read.holds(routes(3));
    assert.equal(source.status().state, "stale");
    assert.match(source.status().reason ?? "", /^served from the snapshot of \d{4}-.*: etcd is away$/);
    assert.ok(lines.some((line) => line.startsWith("warn serving the snapshot")));
  });

  it("is not served when the source answers", async () => {
    await writeSnapshot(file, { revision: 9, clusterId: null, prefix: "", savedAt: "2024-01-01T00:00:00Z", items: [] });
    const { read } = open(memorySource(routes(3)), 500);
    await read.holds(routes(3));
    assert.equal(read.batches.length, 1);
  });

  it("gives way to the source, which tells only what differs", async () => {
    const memory = memorySource({ ...routes(3), "routes/changed": `{"n":1}`, "routes/gone": "{}" });
    const first = open(memory);
    await first.read.synced();
    await saved();
    await first.read.stop();
    memory.transaction({ "routes/changed": `{"n":2}`, "routes/gone": undefined, "routes/new": "{}" });
    let answer: () => void = () => undefined;
    const late: ConfigSource = {
      ...memory,
      async *read(signal) {
        await new Promise<void>((resolve) => answer = resolve);
        yield* memory.read(signal);
      },
    };
    const { source, read } = open(late, 30);
    await read.holds({ ...routes(3), "routes/changed": `{"n":1}`, "routes/gone": "{}" });
    answer();
    await read.holds({ ...routes(3), "routes/changed": `{"n":2}`, "routes/new": "{}" });
    assert.deepEqual(read.batches[1]?.changes.map(({ key }) => key).sort(), [
      "routes/changed",
      "routes/gone",
      "routes/new",
    ]);
    assert.equal(source.status().state, "synced");
  });

  it("is guarded: a store that was emptied while this was down does not empty the routes", async () => {
    const first = open(memorySource(routes(30)));
    await first.read.synced();
    await saved();
    await first.read.stop();
    const before = readFileSync(file, "utf8");
    let answer: () => void = () => undefined;
    const memory = memorySource();
    const late: ConfigSource = {
      ...memory,
      async *read(signal) {
        await new Promise<void>((resolve) => answer = resolve);
        yield* memory.read(signal);
      },
    };
    const { source, read } = open(late, 30);
    await read.holds(routes(30));
    answer();
    await until(() => source.held(), { what: "the loss is held" });
    await read.stop();
    assert.equal(readFileSync(file, "utf8"), before, "what is held is not saved");
  });

  it("is written again while changes go on, and at the end", async () => {
    const memory = memorySource(routes(1));
    const { read } = open(memory, 5000, 30);
    await read.synced();
    const end = performance.now() + 800;
    while (performance.now() < end) {
      memory.put("routes/0", `{"at":${performance.now()}}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok(existsSync(file));
    memory.put("routes/last", "{}");
    await until(() => read.content.has("routes/last"), { what: "the last change" });
    await read.stop();
    assert.ok((await readSnapshot(file))?.items.some(({ key }) => key === "routes/last"));
  });

  it("is refused, and named, where it is damaged, of another prefix, or missing", async () => {
    const items = [{ key: "routes/a", value: new Uint8Array([1]), revision: 1 }];
    const snapshot = { revision: 9, clusterId: null, prefix: "", savedAt: "2024-01-01T00:00:00Z", items };
    const cases: [() => Promise<void>, RegExp][] = [
      [() => Promise.resolve(), /no snapshot at/],
      [() => Promise.resolve(writeFileSync(file, "{}")), /is refused: it is no snapshot/],
      [async () => {
        await writeSnapshot(file, snapshot);
        writeFileSync(file, readFileSync(file, "utf8").replace("routes/a", "routes/b"));
      }, /is refused: it is damaged/],
      [() => writeSnapshot(file, { ...snapshot, prefix: "/other/" }), /is of the prefix '\/other\/'/],
    ];
    for (const [prepare, pattern] of cases) {
      await prepare();
      const { source, read } = open(silent, 10);
      await until(() => pattern.test(String(source.status().details?.["snapshotTrouble"])), { what: String(pattern) });
      assert.equal(read.batches.length, 0);
      assert.ok(lines.some((line) => pattern.test(line)));
      await read.stop();
    }
  });

  it("is complained about where it cannot be written, once, and where others may read it", async () => {
    const memory = memorySource(routes(1));
    const source = protectSource(memory, { snapshot: { file: join(folder, "nowhere", "x"), settleMs: 5, log } });
    const read = new Collector(source);
    collectors.push(read);
    await until(() => /cannot be written/.test(String(source.status().details?.["snapshotTrouble"])), {
      what: "trouble",
    });
    for (let round = 0; round < 5; round++) {
      memory.put("routes/0", `{"n":${round}}`);
      await turn();
    }
    assert.equal(lines.filter((line) => line.includes("cannot be written")).length, 1);

    await writeSnapshot(file, { revision: 9, clusterId: null, prefix: "", savedAt: "2024-01-01T00:00:00Z", items: [] });
    chmodSync(file, 0o644);
    const other = open(silent, 10);
    await until(() => other.read.batches.length === 1, { what: "the snapshot is served" });
    assert.ok(lines.some((line) => /can be read by others/.test(line)));
  });
});

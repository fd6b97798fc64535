import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { type WritableSource, type Write, WriteError } from "../../src/store/writable.ts";
import { until } from "../support/until.ts";

/** What a suite needs of one implementation. */
export interface WritableSubject {
  /** A source over an empty store. */
  open(): Promise<WritableSource>;
  /** Ends what `open` began. */
  close(): Promise<void>;
  /** A second writer of the same store, where there can be one. */
  second?(): Promise<WritableSource>;
  readonly ttl: boolean;
  readonly history: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function put(key: string, value: Readonly<Record<string, unknown>>): { key: string; value: Uint8Array } {
  const id = key.slice(key.indexOf("/") + 1);
  return { key, value: encoder.encode(JSON.stringify({ id, ...value })) };
}

async function read(source: WritableSource, key: string): Promise<Record<string, unknown> | undefined> {
  const { entry } = await source.get(key);
  return entry && JSON.parse(decoder.decode(entry.value)) as Record<string, unknown>;
}

/** A write that must succeed; returns its revision. */
async function write(source: WritableSource, what: Write): Promise<number> {
  const result = await source.commit(what);
  assert.equal(result.ok, true);
  return result.revision;
}

/** The suite that every {@link WritableSource} passes. */
export function writableContract(name: string, subject: WritableSubject): void {
  describe(`writable source: ${name}`, () => {
    let source: WritableSource;
    before(async () => {
      source = await subject.open();
    });
    after(() => subject.close());
    beforeEach(async () => {
      const { entries } = await source.list("");
      await source.commit({ deletes: entries.map(({ key }) => key) });
    });

    it("reads what it wrote, with the revision of the write", async () => {
      const made = await write(source, { puts: [put("routes/1", { uri: "/a" })] });
      const { entry, revision } = await source.get("routes/1");
      assert.deepEqual(JSON.parse(decoder.decode(entry!.value)), { id: "1", uri: "/a" });
      assert.equal(entry!.key, "routes/1");
      assert.equal(entry!.createRevision, made);
      assert.equal(entry!.modRevision, made);
      assert.ok(revision >= made);
    });

    it("keeps the revision of the creation over later writes, and counts a key anew that was deleted", async () => {
      const made = await write(source, { puts: [put("routes/1", { uri: "/a" })] });
      const changed = await write(source, { puts: [put("routes/1", { uri: "/b" })] });
      assert.ok(changed > made);
      const { entry } = await source.get("routes/1");
      assert.equal(entry!.createRevision, made);
      assert.equal(entry!.modRevision, changed);
      await write(source, { deletes: ["routes/1"] });
      const again = await write(source, { puts: [put("routes/1", { uri: "/c" })] });
      assert.equal((await source.get("routes/1")).entry!.createRevision, again);
    });

    it("says of an absent key that it is not there", async () => {
      assert.equal((await source.get("routes/none")).entry, undefined);
    });

    it("lists what begins with a prefix, in the order of keys", async () => {
      await write(source, {
        puts: [put("routes/2", { uri: "/2" }), put("upstreams/1", { nodes: {} }), put("routes/1", { uri: "/1" })],
      });
      const { entries, revision } = await source.list("routes/");
      assert.deepEqual(entries.map(({ key }) => key), ["routes/1", "routes/2"]);
      assert.equal(revision, entries[0]!.modRevision);
      assert.equal((await source.list("")).entries.length, 3);
      assert.equal((await source.list("services/")).entries.length, 0);
    });

    it("writes several keys in one revision", async () => {
      await write(source, { puts: [put("routes/1", { uri: "/1" })] });
      const revision = await write(source, {
        puts: [put("routes/2", { uri: "/2" }), put("upstreams/1", { nodes: {} })],
        deletes: ["routes/1"],
      });
      const { entries } = await source.list("");
      assert.deepEqual(entries.map(({ key, modRevision }) => [key, modRevision]), [
        ["routes/2", revision],
        ["upstreams/1", revision],
      ]);
    });

    it("writes nothing where a guard does not hold", async () => {
      const made = await write(source, { puts: [put("routes/1", { uri: "/a" })] });
      const later = await write(source, { puts: [put("routes/1", { uri: "/b" })] });
      const stale = await source.commit({
        puts: [put("routes/1", { uri: "/lost" }), put("routes/2", { uri: "/lost" })],
        guards: [{ key: "routes/1", modRevision: made }],
      });
      assert.equal(stale.ok, false);
      assert.equal((await read(source, "routes/1"))!["uri"], "/b");
      assert.equal(await read(source, "routes/2"), undefined);
      await write(source, {
        puts: [put("routes/1", { uri: "/c" })],
        guards: [{ key: "routes/1", modRevision: later }],
      });
      assert.equal((await read(source, "routes/1"))!["uri"], "/c");
    });

    it("takes revision 0 of a guard for absence", async () => {
      const guards = [{ key: "routes/1", modRevision: 0 }];
      await write(source, { puts: [put("routes/1", { uri: "/a" })], guards });
      const second = await source.commit({ puts: [put("routes/1", { uri: "/b" })], guards });
      assert.equal(second.ok, false);
      assert.equal((await source.commit({ deletes: ["routes/1"], guards })).ok, false);
      await write(source, { deletes: ["routes/1"] });
      await write(source, { puts: [put("routes/1", { uri: "/b" })], guards });
    });

    it("guards a key that it does not write", async () => {
      const made = await write(source, { puts: [put("upstreams/1", { nodes: {} })] });
      const guards = [{ key: "upstreams/1", modRevision: made }];
      await write(source, { puts: [put("routes/1", { uri: "/a" })], guards });
      await write(source, { puts: [put("upstreams/1", { nodes: { "127.0.0.1:1": 1 } })] });
      assert.equal((await source.commit({ puts: [put("routes/2", { uri: "/b" })], guards })).ok, false);
    });

    it("deletes what is not there without a word", async () => {
      const result = await source.commit({ deletes: ["routes/none"] });
      assert.equal(result.ok, true);
    });

    it("refuses to write a key twice at once", async () => {
      await assert.rejects(
        source.commit({ puts: [put("routes/1", { uri: "/a" })], deletes: ["routes/1"] }),
        (error) => error instanceof WriteError && error.code === "refused",
      );
    });

    it("refuses more than its limits", async () => {
      const deletes = Array.from({ length: source.limits.operations + 1 }, (_, index) => `routes/${index}`);
      await assert.rejects(
        source.commit({ deletes }),
        (error) => error instanceof WriteError && error.code === "refused",
      );
    });

    it("loses no change of writers that guard theirs", async () => {
      const writers = [source, subject.second ? await subject.second() : source];
      const WRITES = 25;
      await write(source, { puts: [put("routes/1", { uri: "/a", count: 0 })] });
      await Promise.all(writers.map(async (writer) => {
        for (let done = 0; done < WRITES;) {
          const { entry } = await writer.get("routes/1");
          const held = JSON.parse(decoder.decode(entry!.value)) as { uri: string; count: number };
          const result = await writer.commit({
            puts: [put("routes/1", { uri: "/a", count: held.count + 1 })],
            guards: [{ key: "routes/1", modRevision: entry!.modRevision }],
          });
          if (result.ok) done++;
        }
      }));
      assert.equal((await read(source, "routes/1"))!["count"], writers.length * WRITES);
    });

    it(subject.ttl ? "ends a key after its time to live" : "refuses a time to live", async () => {
      const puts = [put("routes/1", { uri: "/a" })];
      if (!subject.ttl) {
        return assert.rejects(
          source.commit({ puts, ttl: 1 }),
          (error) => error instanceof WriteError && error.code === "unsupported",
        );
      }
      await write(source, { puts, ttl: 1 });
      assert.notEqual(await read(source, "routes/1"), undefined);
      await write(source, { puts: [put("routes/2", { uri: "/b" })], ttl: 1 });
      await write(source, { puts: [put("routes/2", { uri: "/c" })] });
      await until(async () => (await read(source, "routes/1")) === undefined, {
        what: "the key is gone",
        limit: 10_000,
      });
      assert.equal((await read(source, "routes/2"))!["uri"], "/c");
    });

    it(subject.history ? "reads the past" : "refuses to read the past", async () => {
      const first = await write(source, { puts: [put("routes/1", { uri: "/a" })] });
      await write(source, { puts: [put("routes/1", { uri: "/b" })] });
      if (!subject.history) {
        const unsupported = (error: unknown) => error instanceof WriteError && error.code === "unsupported";
        await assert.rejects(source.get("routes/1", { revision: first }), unsupported);
        return assert.rejects(source.list("", { revision: first }), unsupported);
      }
      const { entry } = await source.get("routes/1", { revision: first });
      assert.equal(JSON.parse(decoder.decode(entry!.value)).uri, "/a");
      const { entries } = await source.list("routes/", { revision: first });
      assert.equal(entries[0]!.modRevision, first);
      await assert.rejects(
        source.get("routes/1", { revision: first + 1_000_000 }),
        (error) => error instanceof WriteError && error.code === "compacted",
      );
    });
  });
}

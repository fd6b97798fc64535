import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import type { ConfigSource } from "../../src/store/source.ts";
import { until } from "../support/until.ts";
import { Collector } from "./collector.ts";

/** A store that a test writes, and the source that reads it. Keys are as in `routes/1`, values are JSON as a source gives it. */
export interface SourceFixture {
  /** A new source over the same store. */
  open(): ConfigSource;
  /** Puts (text) and deletes (undefined), in one revision. */
  write(changes: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** Empties the store. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

const value = (number: number): string => JSON.stringify({ uri: `/${number}` });

function values(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`routes/${index}`, value(index)]));
}

/** What every source keeps, whatever it reads. */
export function sourceContract(name: string, start: () => Promise<SourceFixture>): void {
  describe(`source contract: ${name}`, () => {
    let fixture: SourceFixture;
    let collectors: Collector[] = [];
    const collect = (source = fixture.open()): Collector => {
      const collector = new Collector(source);
      collectors.push(collector);
      return collector;
    };

    before(async () => {
      fixture = await start();
    });
    after(async () => {
      await fixture.close();
    });
    beforeEach(async () => {
      await fixture.clear();
    });
    afterEach(async () => {
      const all = collectors;
      collectors = [];
      for (const collector of all) {
        await collector.stop();
        assert.deepEqual(collector.broken, []);
      }
    });

    it("gives its whole content first, in one batch", async () => {
      await fixture.write(values(30));
      const collector = collect();
      await collector.synced();
      assert.equal(collector.batches[0]?.changes.length, 30);
      await collector.holds(values(30));
    });

    it("gives a first batch also when there is nothing", async () => {
      const collector = collect();
      await collector.synced();
      assert.equal(collector.batches[0]?.changes.length, 0);
    });

    it("tells a put, a change and a delete as they happen", async () => {
      const collector = collect();
      await collector.synced();
      await fixture.write({ "routes/a": value(1), "upstreams/b": value(2) });
      await collector.holds({ "routes/a": value(1), "upstreams/b": value(2) });
      await fixture.write({ "routes/a": value(3) });
      await collector.holds({ "routes/a": value(3), "upstreams/b": value(2) });
      await fixture.write({ "routes/a": undefined });
      await collector.holds({ "upstreams/b": value(2) });
      await fixture.write({ "upstreams/b": undefined });
      await collector.holds({});
    });

    it("tells only what changed", async () => {
      await fixture.write(values(20));
      const collector = collect();
      await collector.synced();
      await fixture.write({ "routes/7": value(70) });
      await collector.holds({ ...values(20), "routes/7": value(70) });
      const told = collector.batches.slice(1).flatMap(({ changes }) => changes.map(({ key }) => key));
      assert.deepEqual(told, ["routes/7"]);
    });

    it("tells a transaction in one batch", async () => {
      const collector = collect();
      await collector.synced();
      await fixture.write(values(100));
      await collector.holds(values(100));
      assert.deepEqual(collector.batches.slice(1).map(({ changes }) => changes.length), [100]);
      const half = Object.fromEntries(Object.keys(values(50)).map((key) => [key, undefined]));
      await fixture.write({ ...half, "routes/99": value(-1) });
      await until(() => collector.content.size === 50, { what: "half of the keys are gone" });
      assert.equal(collector.batches.length, 3);
      assert.equal(collector.content.get("routes/99"), value(-1));
    });

    it("counts revisions up, and says at which a key changed", async () => {
      const collector = collect();
      await collector.synced();
      for (const number of [1, 2, 3]) {
        await fixture.write({ "routes/a": value(number) });
        await collector.holds({ "routes/a": value(number) });
      }
      const [, ...later] = collector.batches;
      assert.equal(later.length, 3);
      for (const batch of later) assert.equal(batch.changes[0]?.revision, batch.revision);
      const revisions = collector.batches.map(({ revision }) => revision);
      assert.deepEqual(revisions, [...new Set(revisions)].sort((a, b) => a - b));
    });

    it("gives values that are no views into larger buffers", async () => {
      await fixture.write(values(5));
      const collector = collect();
      await collector.synced();
      await fixture.write({ "routes/9": value(9) });
      await collector.holds({ ...values(5), "routes/9": value(9) });
      for (const { changes } of collector.batches) {
        for (const { value } of changes) assert.ok((value?.buffer.byteLength ?? 0) <= 512);
      }
    });

    it("says of itself what it reads and in what state it is", async () => {
      const source = fixture.open();
      assert.equal(source.status().state, "connecting");
      const collector = collect(source);
      await collector.synced();
      const status = source.status();
      assert.match(status.kind, /^[a-z]+$/);
      assert.notEqual(status.origin, "");
      assert.ok((status.silentMs ?? -1) >= 0);
      await collector.stop();
      assert.equal(source.status().state, "closed");
    });

    it("ends without an error within a second of the signal", async () => {
      const idle = collect();
      await idle.synced();
      assert.ok(await idle.stop() < 1000);

      const early = collect();
      assert.ok(await early.stop() < 1000);

      const busy = collect();
      busy.slowness = 100;
      await fixture.write(values(10));
      await until(() => busy.batches.length > 0, { what: "the reader is busy" });
      assert.ok(await busy.stop() < 1000);
    });

    it("ends at once where the signal was aborted before", async () => {
      const signal = AbortSignal.abort();
      const batches = [];
      for await (const batch of fixture.open().read(signal)) batches.push(batch);
      assert.deepEqual(batches, []);
    });

    it("ends when its reader leaves the loop, and can be read again from the start", async () => {
      await fixture.write(values(3));
      const source = fixture.open();
      for await (const batch of source.read(new AbortController().signal)) {
        assert.equal(batch.changes.length, 3);
        break;
      }
      assert.equal(source.status().state, "closed");
      await fixture.write({ "routes/3": value(3) });
      const again = collect(source);
      await again.holds(values(4));
      assert.equal(again.batches.length, 1);
    });

    it("joins revisions for a slow reader, and loses none", async () => {
      const collector = collect();
      await collector.synced();
      collector.slowness = 50;
      for (let round = 0; round < 150; round++) {
        await fixture.write({ "routes/a": value(round), [`routes/k${round % 7}`]: value(round) });
        await fixture.write({ "routes/gone": round % 2 === 0 ? value(round) : undefined });
      }
      collector.slowness = 0;
      const rest = Array.from({ length: 7 }, (_, key) => {
        const round = Array.from({ length: 150 }, (_, round) => round).findLast((round) => round % 7 === key) ?? 0;
        return [`routes/k${key}`, value(round)];
      });
      await collector.holds({ "routes/a": value(149), ...Object.fromEntries(rest) }, 15_000);
    });
  });
}

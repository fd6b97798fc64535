import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BatchQueue, type Edit } from "../../../src/sources/batch-queue.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const put = (key: string, text: string, revision: number, fresh = false): Edit => ({
  key,
  value: bytes(text),
  revision,
  fresh,
});
const del = (key: string, revision: number): Edit => ({ key, value: undefined, revision, fresh: false });

describe("BatchQueue", () => {
  it("gives revisions one by one, in order", async () => {
    const queue = new BatchQueue();
    queue.push({ revision: 1, edits: [put("a", "1", 1)] });
    queue.push({ revision: 2, edits: [put("a", "2", 2)] });
    assert.equal((await queue.take())?.revision, 1);
    assert.equal((await queue.take())?.revision, 2);
  });

  it("wakes a reader that waits", async () => {
    const queue = new BatchQueue();
    const taken = queue.take();
    queue.push({ revision: 5, edits: [] });
    assert.deepEqual(await taken, { revision: 5, changes: [] });
  });

  it("gives undefined once it is closed, also to a reader that waits", async () => {
    const queue = new BatchQueue();
    const taken = queue.take();
    queue.close();
    assert.equal(await taken, undefined);
    queue.push({ revision: 1, edits: [] });
    assert.equal(await queue.take(), undefined);
  });

  it("joins what comes beyond its limit: each key once, with its last value", async () => {
    const queue = new BatchQueue(2);
    queue.push({ revision: 1, edits: [] });
    queue.push({ revision: 2, edits: [put("a", "2", 2)] });
    queue.push({ revision: 3, edits: [put("a", "3", 3), put("b", "3", 3)] });
    queue.push({ revision: 4, edits: [del("b", 4)] });
    assert.equal(queue.size, 2);
    await queue.take();
    const batch = await queue.take();
    assert.equal(batch?.revision, 4);
    assert.deepEqual(batch?.changes, [
      { key: "a", value: bytes("3"), revision: 3 },
      { key: "b", value: undefined, revision: 4 },
    ]);
  });

  it("forgets a key that came and went while nobody read, and keeps the end of one that was there before", async () => {
    const queue = new BatchQueue(1);
    queue.push({ revision: 1, edits: [] });
    queue.push({ revision: 2, edits: [put("new", "1", 2, true), put("old", "1", 2)] });
    queue.push({ revision: 3, edits: [del("new", 3), del("old", 3)] });
    assert.deepEqual((await queue.take())?.changes, [{ key: "old", value: undefined, revision: 3 }]);
  });

  it("does not grow with the number of keys that come and go", () => {
    const queue = new BatchQueue(1);
    for (let round = 0; round < 10_000; round++) {
      queue.push({ revision: 2 * round, edits: [put(`k${round}`, "1", 2 * round, true)] });
      queue.push({ revision: 2 * round + 1, edits: [del(`k${round}`, 2 * round + 1)] });
    }
    assert.equal(queue.size, 1);
  });

  it("says every loss of history that it joined", async () => {
    const queue = new BatchQueue(1);
    queue.push({ revision: 9, edits: [] });
    queue.push({ revision: 2, edits: [], reset: "wiped" });
    queue.push({ revision: 1, edits: [], reset: "wiped again" });
    assert.equal((await queue.take())?.reset, "wiped; then wiped again");
  });
});

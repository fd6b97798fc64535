import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PathTable } from "../../../src/match/path-table.ts";
import { hashPrefixes, hashText } from "../../../src/match/prefix-hashes.ts";

/** Numbers that look random, the same in every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

describe("PathTable", () => {
  it("holds what a map holds, through thousands of changes that make it grow, shrink and tidy up", () => {
    const random = createRandom(7);
    const table = new PathTable<number>(), map = new Map<string, number>();
    // Keys of all lengths, so that the room of a deleted one does not always do for the next.
    const textOf = (i: number): string => `/${"é-\ud83d\ude00x".repeat(i % 13)}/${i}`;
    for (let step = 0; step < 60_000; step++) {
      const owner = random(3), text = textOf(random(step < 30_000 ? 5000 : 200));
      const value = random(3) === 0 ? undefined : step;
      table.update(owner, text, (before) => {
        assert.equal(before, map.get(`${owner} ${text}`));
        return value;
      });
      if (value === undefined) map.delete(`${owner} ${text}`);
      else map.set(`${owner} ${text}`, value);
      if (step === 30_000) {
        for (const [key] of map) {
          const [owner, ...text] = key.split(" ");
          if (random(20) > 0) table.update(Number(owner), text.join(" "), () => void map.delete(key));
        }
      }
    }
    assert.equal(table.size, map.size);
    assert.deepEqual([...table.values()].sort(), [...map.values()].sort());
    for (let i = 0; i < 5000; i++) {
      for (let owner = 0; owner < 3; owner++) {
        assert.equal(table.get(owner, textOf(i)), map.get(`${owner} ${textOf(i)}`));
      }
    }
    for (const key of [...map.keys()]) {
      const [owner, ...text] = key.split(" ");
      table.update(Number(owner), text.join(" "), () => undefined);
    }
    assert.equal(table.size, 0);
  });

  it("finds prefixes of a text, and nothing of another length or owner", () => {
    const table = new PathTable<string>();
    for (const text of ["", "/", "/a/", "/a/b"]) table.update(1, text, () => text);
    const path = "/a/bc", hashes = hashPrefixes(path);
    const found = Array.from(
      { length: path.length + 1 },
      (_, length) => table.find(1, hashes[length]!, path, 0, length),
    );
    assert.deepEqual(found, ["", "/", undefined, "/a/", "/a/b", undefined]);
    assert.equal(table.find(2, hashes[3]!, path, 0, 3), undefined);
    assert.equal(table.find(1 + 0x10000, hashes[3]!, path, 0, 3), undefined);
    assert.equal(table.find(1, hashText("x/a/y", 1, 4), "x/a/y", 1, 3), "/a/");
  });

  it("takes texts that are longer than any before", () => {
    const table = new PathTable<string>(), long = "/x".repeat(40_000);
    table.update(1, long, () => "long");
    table.update(1, "/x", () => "short");
    assert.equal(table.get(1, long), "long");
    assert.equal(table.get(1, "/x"), "short");
  });
});

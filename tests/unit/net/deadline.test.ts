import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../../support/until.ts";
import { Deadline } from "../../../src/net/deadline.ts";

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe("Deadline", () => {
  it("expires once, when it is due, and at the most a little later", async () => {
    const begun = performance.now();
    let expired = 0;
    await new Promise<void>((resolve) => {
      new Deadline(() => {
        expired++;
        resolve();
      }).set(120);
    });
    const ms = performance.now() - begun;
    assert.ok(ms >= 120 && ms < 1_000, `after ${ms} ms`);
    await wait(150);
    assert.equal(expired, 1);
  });

  it("can be moved, cleared and set again", async () => {
    let expired = 0;
    const deadline = new Deadline(() => expired++);
    deadline.set(100);
    for (let i = 0; i < 5; i++) {
      await wait(50);
      deadline.set(100_000);
    }
    deadline.clear();
    await wait(120);
    assert.equal(expired, 0);
    deadline.set(1);
    await wait(150);
    assert.equal(expired, 1);
  });

  it("never expires once it was disposed, or set to 0", async () => {
    let expired = 0;
    const deadlines = [new Deadline(() => expired++), new Deadline(() => expired++)];
    for (const deadline of deadlines) deadline.set(10);
    deadlines[0]!.dispose();
    deadlines[1]!.set(0);
    await wait(200);
    assert.equal(expired, 0);
  });

  it("does not count time in which the process was held up", async () => {
    let expired = false;
    const deadline = new Deadline(() => expired = true);
    deadline.set(200);
    const held = performance.now() + 400;
    // What arrived meanwhile could not be read.
    while (performance.now() < held);
    await wait(10);
    assert.equal(expired, false);
    await until(() => expired, { what: "it expires" });
  });
});

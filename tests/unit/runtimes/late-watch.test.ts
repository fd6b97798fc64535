import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LateWatch } from "../../../src/runtimes/native/late-watch.ts";
import { until } from "../../support/until.ts";

describe("LateWatch", () => {
  it("asks for the signal of a request that takes long, and tells of its end once", async () => {
    const abort = new AbortController();
    let asked = 0, told = 0;
    const watch = new LateWatch(() => (asked++, abort.signal));
    watch.watch(() => told++);
    assert.equal(asked, 0);
    await until(() => asked > 0, { what: "it asks" });
    abort.abort();
    abort.abort();
    assert.equal(told, 1);
  });

  it("tells of what ended before it asked", async () => {
    let told = 0;
    new LateWatch(() => AbortSignal.abort()).watch(() => told++);
    await until(() => told === 1, { what: "it tells" });
  });

  it("tells nobody who no longer listens, and tells at once who begins to listen too late", async () => {
    const abort = new AbortController();
    let asked = 0, told = 0;
    const watch = new LateWatch(() => (asked++, abort.signal));
    watch.watch(() => told++);
    await until(() => asked > 0, { what: "it asks" });
    watch.watch(undefined);
    abort.abort();
    assert.equal(told, 0);
    watch.watch(() => told++);
    assert.equal(told, 1);
  });

  it("never asks for the signal of a request that was quick", async () => {
    let asked = 0, late = 0;
    const quick = new LateWatch(() => (asked++, AbortSignal.abort()));
    quick.watch(() => {});
    quick.watch(undefined);
    new LateWatch(() => (late++, AbortSignal.abort())).watch(() => {});
    await until(() => late > 0, { what: "it asks" });
    assert.equal(asked, 0);
  });
});

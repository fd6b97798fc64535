import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { toKey } from "../../../src/config/key.ts";
import { parseResource } from "../../../src/config/parse.ts";
import type { Change } from "../../../src/store/source.ts";
import { Store } from "../../../src/store/store.ts";
import { createRandom, mutate } from "./mutate.ts";
import { samples } from "./samples.ts";
import { catalogue, toBytes } from "./values.ts";

const RUNS = 100_000;
const BATCH = 500;

describe("mutated resources", () => {
  it("start from good ones", () => {
    for (const { kind, id, value } of samples) {
      const parsed = parseResource(kind, id, toBytes(value), { plugins: catalogue });
      strictEqual(parsed.ok, kind !== "stream_route", JSON.stringify([kind, parsed]));
    }
  });

  it(
    `never throw, pollute a prototype, or take another resource down (${RUNS} of them)`,
    { timeout: 60_000 },
    async () => {
      const random = createRandom(20_240_601);
      const prototypes = [Object.prototype, Array.prototype, Map.prototype].map((proto) =>
        Reflect.ownKeys(proto).length
      );
      const store = new Store({ load: { plugins: catalogue }, maxTotalBytes: 64 * 1024 * 1024 });
      const change = (key: string, value: Uint8Array, revision: number): Change => ({ key, value, revision });
      await store.apply({
        revision: 1,
        changes: [
          change("upstreams/good", toBytes({ nodes: { "a:1": 1 } }), 1),
          change("routes/good", toBytes({ uri: "/good", upstream_id: "good" }), 1),
        ],
      });
      const good = store.get("route", "good");
      const outcomes = { good: 0, bad: 0 };
      for (let run = 0, revision = 2; run < RUNS; revision++) {
        const changes: Change[] = [];
        for (const end = Math.min(run + BATCH, RUNS); run < end; run++) {
          const sample = samples[run % samples.length]!;
          const bytes = mutate(sample.value, random);
          const parsed = parseResource(sample.kind, sample.id, bytes, { plugins: catalogue });
          outcomes[parsed.ok ? "good" : "bad"]++;
          if (!parsed.ok) ok(parsed.issues.length > 0 && parsed.issues.every(isShort), JSON.stringify(parsed.issues));
          changes.push(
            change(
              `${toKey(sample.kind, sample.id)}${run % BATCH < samples.length ? "" : run % BATCH}`,
              bytes,
              revision,
            ),
          );
        }
        const delta = await store.apply({ revision, changes });
        strictEqual(delta.revision, revision);
        ok(delta.changes.every(({ id }) => id !== "good"));
      }
      strictEqual(store.get("route", "good"), good);
      deepStrictEqual([...store.keys({ kind: "route" })].find(({ id }) => id === "good")?.state, "active");
      deepStrictEqual(
        [Object.prototype, Array.prototype, Map.prototype].map((proto) => Reflect.ownKeys(proto).length),
        prototypes,
      );
      strictEqual(({} as { polluted?: unknown }).polluted, undefined);
      // Both must be common, else the mutations test nothing.
      ok(outcomes.good > RUNS / 20 && outcomes.bad > RUNS / 5, JSON.stringify(outcomes));
      console.log(`mutated resources: ${outcomes.good} good, ${outcomes.bad} bad`);
    },
  );
});

/** Issues go to logs and to people. */
function isShort({ path, message }: { path: string; message: string }): boolean {
  return path.length < 400 && message.length < 300;
}

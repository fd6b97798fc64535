import { deepStrictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ServedKind } from "../../../src/store/delta.ts";
import { createFixture } from "./fixture.ts";

/** What a key's value may be in the model: bad ones, and good ones by what they refer to. */
interface Value {
  readonly bad?: "rejected" | "unsupported";
  readonly text: string;
  /** Keys that it refers to. */
  readonly to: readonly string[];
}

const route = (service: number, upstream: number): Value => ({
  text: JSON.stringify({ uri: "/", service_id: service, upstream_id: upstream }),
  to: [`services/${service}`, `upstreams/${upstream}`],
});
const service = (upstream: number): Value => ({
  text: JSON.stringify({ upstream_id: upstream }),
  to: [`upstreams/${upstream}`],
});
const upstream = (port: number): Value => ({ text: JSON.stringify({ nodes: { [`a:${port}`]: 1 } }), to: [] });
const broken: Value = { bad: "rejected", text: "{", to: [] };
const lua: Value = { bad: "unsupported", text: '{"script":"return 1 --"}', to: [] };

const small = fc.integer({ min: 1, max: 3 });
const values: Readonly<Record<string, fc.Arbitrary<Value | null>>> = {
  routes: fc.oneof(fc.tuple(small, small).map(([a, b]) => route(a, b)), fc.constantFrom(broken, lua, null)),
  services: fc.oneof(small.map(service), fc.constantFrom(broken, lua, null)),
  upstreams: fc.oneof(small.map(upstream), fc.constantFrom(broken, null)),
};
const write = fc.constantFrom("routes", "services", "upstreams").chain((directory) =>
  fc.tuple(small.map((id) => `${directory}/${id}`), values[directory]!)
);
const batches = fc.array(fc.uniqueArray(write, { selector: ([key]) => key, maxLength: 5 }), { maxLength: 12 });

/** The same, remembered naively. */
class Model {
  readonly #stored = new Map<string, Value>();
  readonly #served = new Map<string, Value>();

  write(key: string, value: Value | null): void {
    if (value === null) {
      this.#stored.delete(key);
      this.#served.delete(key);
      return;
    }
    this.#stored.set(key, value);
    if (value.bad === undefined) this.#served.set(key, value);
  }

  states(): Record<string, string> {
    return Object.fromEntries([...this.#stored].map(([key, value]) => [key, this.#state(key, value)]));
  }

  #state(key: string, stored: Value): string {
    const served = this.#served.get(key);
    if (served === undefined) return stored.bad ?? "active";
    if (stored.bad !== undefined) return "stale";
    return served.to.every((target) => this.#served.has(target)) ? "active" : "pending";
  }

  served(): Map<string, string> {
    return new Map([...this.#served].map(([key, value]) => [key, value.text]));
  }

  dependents(target: string): string[] {
    return [...this.#served].filter(([, value]) => value.to.includes(target)).map(([key]) => key).sort();
  }
}

describe("store", () => {
  it("is at any time what a naive model is, and its deltas lead there", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (sequence) => {
        const { store, write } = createFixture();
        const model = new Model();
        const followed = new Set<string>();
        for (const batch of sequence) {
          const delta = await write(Object.fromEntries(batch.map(([key, value]) => [key, value?.text ?? null])));
          for (const [key, value] of batch) model.write(key, value);
          for (const { kind, id, after } of delta.changes) {
            if (after === undefined) followed.delete(`${kind}s/${id}`);
            else followed.add(`${kind}s/${id}`);
          }
          const served = model.served();
          deepStrictEqual(Object.fromEntries([...store.keys()].map(({ key, state }) => [key, state])), model.states());
          deepStrictEqual([...followed].sort(), [...served.keys()].sort());
          for (const kind of ["route", "service", "upstream"] as const satisfies readonly ServedKind[]) {
            for (const id of ["1", "2", "3"]) {
              const text = served.get(`${kind}s/${id}`);
              deepStrictEqual(store.get(kind, id) === undefined, text === undefined);
              deepStrictEqual(
                store.dependents(kind, id).map((name) => `${name.kind}s/${name.id}`).sort(),
                model.dependents(`${kind}s/${id}`),
              );
            }
          }
        }
      }),
      { numRuns: 1000, seed: 7 },
    );
  });
});

// runtimes: deno, bun
// limit: 900
// waits
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import process from "node:process";
import { it } from "node:test";
import type { Batch } from "../../src/store/source.ts";
import type { EtcdWrite } from "../support/etcd.ts";
import { LONG, PREFIX, type Reader, report, type Rig, sleep, withRig } from "./rig.ts";

/** The same numbers for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Of a whole content; states themselves would fill the memory. */
const fingerprint = (content: ReadonlyMap<string, string>): string =>
  createHash("sha1").update(JSON.stringify([...content].sort(([a], [b]) => a < b ? -1 : 1))).digest("base64");

/** Every state that the store ever had, by the revision that made it. A wiped store begins a new generation. */
class Model {
  readonly content = new Map<string, string>();
  readonly #generations: { readonly revision: number; readonly state: string }[][] = [[]];

  constructor() {
    this.record(0);
  }

  record(revision: number): void {
    this.#generations.at(-1)?.push({ revision, state: fingerprint(this.content) });
  }

  wiped(): void {
    this.content.clear();
    this.#generations.push([]);
    this.record(0);
  }

  /** Whether the store was like that at the revision, in any generation. */
  knew(revision: number, state: string): boolean {
    return this.#generations.some((states) => states.findLast((one) => one.revision <= revision)?.state === state);
  }
}

const KEYS = 60;

/** One write of a random kind, in the model and in etcd. */
async function write(rig: Rig, model: Model, random: () => number, stamp: number): Promise<void> {
  const key = () => `routes/${Math.floor(random() * KEYS)}`;
  const writes = new Map<string, string | undefined>();
  const kind = random();
  const count = kind < 0.6 ? 1 : 1 + Math.floor(random() * 20);
  for (let index = 0; index < count; index++) {
    const size = random() < 0.02 ? 100_000 : Math.floor(random() * 200);
    writes.set(key(), random() < 0.35 ? undefined : `{"at":${stamp},"x":"${"x".repeat(size)}"}`);
  }
  const list: EtcdWrite[] = Array.from(writes, ([name, value]) => ({ key: `${PREFIX}/${name}`, value }));
  const revision = await rig.etcd.txn(list);
  for (const [name, value] of writes) {
    if (value === undefined) model.content.delete(name);
    else model.content.set(name, value);
  }
  model.record(revision);
}

/** One fault of a random kind; says which. */
async function fault(rig: Rig, model: Model, random: () => number): Promise<string> {
  const proxies = rig.readers.map(({ proxy }) => proxy);
  const kinds = ["cut", "limit", "refuse", "swallow", "compact", "kill", "stop", "freeze", "wipe", "other"] as const;
  const kind = kinds[Math.floor(random() * kinds.length)] ?? "cut";
  const away = () => sleep(50 + random() * 400);
  switch (kind) {
    case "cut":
      for (const proxy of proxies) proxy.cut();
      break;
    case "limit":
      for (const proxy of proxies) {
        proxy.downLimit = 100 + Math.floor(random() * 30_000);
        proxy.cut();
      }
      await away();
      for (const proxy of proxies) proxy.downLimit = 0;
      break;
    case "refuse":
      for (const proxy of proxies) {
        await proxy.setMode("refuse");
        proxy.cut();
      }
      await away();
      break;
    case "swallow":
      for (const proxy of proxies) {
        await proxy.setMode("blackhole");
        proxy.blackholeExisting();
      }
      await away();
      break;
    case "compact":
      await rig.etcd.compact();
      break;
    case "kill":
    case "stop":
      await rig.etcd.stop(kind === "kill" ? "kill" : "graceful");
      await away();
      await rig.etcd.start();
      break;
    case "freeze":
      rig.etcd.pause();
      await away();
      rig.etcd.resume();
      break;
    case "wipe":
      await rig.etcd.wipe();
      model.wiped();
      await rig.etcd.start();
      await write(rig, model, random, -1);
      break;
    case "other":
      for (let index = 0; index < 20; index++) await rig.etcd.put("/elsewhere", String(index));
  }
  for (const proxy of proxies) await proxy.setMode("pass");
  return kind;
}

/** Plays what a reader was told, and finds states that never were. */
function findInventions({ carrier, collector }: Reader, model: Model): string[] {
  const content = new Map<string, string>();
  const decoder = new TextDecoder();
  const wrong: string[] = [];
  for (const [index, { revision, changes }] of (collector.batches as readonly Batch[]).entries()) {
    for (const { key, value } of changes) {
      if (value === undefined) content.delete(key);
      else content.set(key, decoder.decode(value));
    }
    if (!model.knew(revision, fingerprint(content))) wrong.push(`${carrier}: batch ${index}, revision ${revision}`);
  }
  return wrong;
}

it(
  "soak: random writes and faults; what is told is what etcd held, and in the end what it holds",
  withRig({}, async (rig) => {
    const seed = Number(process.env["GATEWATCH_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const random = createRandom(seed);
    const model = new Model();
    const faults: Record<string, number> = {};
    const times: number[] = [];
    let writes = 0;
    let inventions = 0;
    try {
      const readers = await rig.read({
        ...{ spreadMs: 50, backoffMaxMs: 400, callMs: 800, createMs: 800, probeMs: 300, silenceMs: 800 },
        pageSize: 20,
      });
      const end = performance.now() + (LONG ? 600_000 : 25_000);
      while (performance.now() < end) {
        for (let round = 0; round < 3; round++) {
          const kind = await fault(rig, model, random);
          faults[kind] = (faults[kind] ?? 0) + 1;
          const burst = 5 + Math.floor(random() * 40);
          for (let index = 0; index < burst; index++) await write(rig, model, random, writes++);
        }
        // A quiet moment.
        if (model.content.size === 0) await write(rig, model, random, writes++);
        const took = await rig.converged(6000);
        times.push(...Object.values(took));
        for (const reader of readers) {
          const wrong = findInventions(reader, model);
          inventions += wrong.length;
          assert.deepEqual(wrong, []);
          // Longer histories are played from here on.
          const last = reader.collector.batches.at(-1);
          assert.ok(last);
          const whole = Array.from(reader.collector.content, ([key, text]) => ({
            key,
            value: new TextEncoder().encode(text),
            revision: last.revision,
          }));
          reader.collector.batches.splice(0, Infinity, { revision: last.revision, changes: whole });
        }
      }
      // Faults come a hundred times as often as they would, and so do lines that tell of them.
      for (const reader of readers) reader.lines.length = 0;
    } finally {
      times.sort((a, b) => a - b);
      report("soak", { seed, writes, faults, inventions, medianMs: times[times.length >> 1], worstMs: times.at(-1) });
    }
  }),
);

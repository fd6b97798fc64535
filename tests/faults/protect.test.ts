// limit: 120
// waits
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import type { GuardedSource } from "../../src/sources/guard.ts";
import { protectSource } from "../../src/sources/protect.ts";
import type { ConfigSource } from "../../src/store/source.ts";
import { until } from "../support/until.ts";
import { PREFIX, report, type Rig, withRig } from "./rig.ts";

describe("faults: behind the guard and the snapshot", () => {
  let folder: string;
  let sources: GuardedSource[] = [];
  const protect = (name: string) => (source: ConfigSource, carrier: string): ConfigSource => {
    const file = join(folder, `${name}-${carrier}`);
    const protectedSource = protectSource(source, { snapshot: { file, waitMs: 300, settleMs: 30 } });
    sources.push(protectedSource);
    return protectedSource;
  };
  /** Stops every reader, as at the end of a process. */
  const stopAll = async (rig: Rig) => {
    for (const reader of rig.readers.splice(0)) {
      await reader.finish();
      await reader.proxy.close();
    }
    sources = [];
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "gatewatch-protect-"));
  });
  beforeEach(() => {
    sources = [];
  });
  after(() => rmSync(folder, { recursive: true }));

  it(
    "F3b etcd is away at the start: the snapshot is served, then etcd takes over",
    withRig({}, async (rig) => {
      await rig.fill(30);
      await rig.read({}, { wrap: protect("f3b") });
      await rig.converged(5000);
      await stopAll(rig);
      assert.ok(existsSync(join(folder, "f3b-grpc")) && existsSync(join(folder, "f3b-json")));
      await rig.etcd.stop();
      const readers = await rig.read({}, { wrap: protect("f3b") });
      for (const { collector } of readers) {
        await until(() => collector.content.size === 30, { what: "the snapshot is served" });
        // Why etcd is not asked instead is known once it was tried.
        await until(() => /^served from the snapshot of .*: etcd at /.test(collector.source.status().reason ?? ""), {
          what: "it says why",
        });
        assert.equal(collector.source.status().state, "stale");
      }
      await rig.etcd.start();
      await rig.put("routes/new", "{}");
      report("F3b", await rig.converged(6000));
      for (const { collector } of readers) {
        const later = collector.batches.slice(1).flatMap(({ changes }) => changes.map(({ key }) => key));
        assert.deepEqual(later, ["routes/new"]);
      }
    }),
  );

  it(
    "F13b the store is wiped, and a few routes are put: the others are held",
    withRig({}, async (rig) => {
      await rig.fill(40);
      const readers = await rig.read({}, { wrap: protect("f13b") });
      await rig.converged(5000);
      await rig.etcd.wipe();
      await rig.etcd.start();
      await rig.fill(3);
      for (const source of sources) {
        await until(() => source.held(), { limit: 8000, what: "the loss is held" });
        assert.match(source.status().reason ?? "", /would remove 37 of 40 routes/);
      }
      for (const { collector } of readers) assert.equal(collector.content.size, 40);
      await rig.fill(25);
      await rig.converged(3000);
      for (const source of sources) assert.equal(source.held(), undefined, "enough is back");
    }),
  );

  it(
    "a prefix is deleted by mistake: held, then accepted",
    withRig({}, async (rig) => {
      await rig.fill(40);
      const readers = await rig.read({}, { wrap: protect("accept") });
      await rig.converged(5000);
      const revision = await rig.etcd.del(`${PREFIX}/`, { prefix: true });
      for (const source of sources) {
        await until(() => source.held(), { what: "the loss is held" });
        assert.equal(source.accept(revision - 1), false);
        assert.equal(source.accept(revision), true);
      }
      for (const { collector } of readers) await collector.holds({});
    }),
  );

  it(
    "the store was emptied while this was down: the snapshot serves on, held",
    withRig({}, async (rig) => {
      await rig.fill(40);
      await rig.read({}, { wrap: protect("down") });
      await rig.converged(5000);
      await stopAll(rig);
      await rig.etcd.del(`${PREFIX}/`, { prefix: true });
      await rig.etcd.stop();
      const readers = await rig.read({}, { wrap: protect("down") });
      for (const { collector } of readers) await until(() => collector.content.size === 40, { what: "the snapshot" });
      await rig.etcd.start();
      for (const source of sources) await until(() => source.held(), { limit: 8000, what: "the loss is held" });
      for (const { collector } of readers) assert.equal(collector.content.size, 40);
    }),
  );
});

// runtimes: deno, bun
// limit: 300
// waits
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../support/until.ts";
import { PASSWORD, PREFIX, report, type Rig, sleep, withRig } from "./rig.ts";

const USERS = {
  root: { password: PASSWORD },
  reader: { password: PASSWORD, read: `${PREFIX}/` },
  stranger: { password: PASSWORD, read: "/elsewhere/" },
} as const;
const READER = { user: "reader", password: PASSWORD };

const cut = (rig: Rig) => rig.readers.forEach(({ proxy }) => proxy.cut());

/** Waits until each reader says why it is not in step. */
async function says(rig: Rig, pattern: RegExp, limit = 6000): Promise<void> {
  for (const reader of rig.readers) {
    await until(() => reader.state !== "synced" && pattern.test(reader.status.reason ?? ""), {
      limit,
      what: `${reader.carrier} says ${pattern}`,
    }).catch((error) => {
      throw new Error(`${error.message}; it says: ${reader.status.reason}`);
    });
  }
}

describe("faults: who may read", () => {
  it(
    "F19 the token ends while the watch is idle, then the connection is cut",
    withRig({ tokenTtl: 3 }, async (rig) => {
      await rig.etcd.enableAuth(USERS);
      await rig.etcd.put(`${PREFIX}/routes/a`, "1");
      const readers = await rig.read(READER);
      await rig.synced();
      await sleep(6000);
      await rig.etcd.login({ user: "root", password: PASSWORD });
      for (const reader of readers) assert.equal(reader.count("doubts"), 0, reader.status.reason);
      cut(rig);
      await rig.doubted(1000);
      await rig.etcd.put(`${PREFIX}/routes/a`, "2");
      report("F19", await rig.converged(2000));
      for (const reader of readers) assert.equal(reader.count("logins"), 2);
    }),
  );

  it(
    "F20 the right to read is taken away, and given back",
    withRig({}, async (rig) => {
      await rig.etcd.enableAuth(USERS);
      await rig.etcd.put(`${PREFIX}/routes/a`, "1");
      const readers = await rig.read(READER);
      await rig.synced();
      await rig.etcd.revoke("reader", `${PREFIX}/`);
      cut(rig);
      await says(rig, /does not let us read under the prefix as user 'reader'/);
      for (const { collector } of readers) assert.equal(collector.content.size, 1);
      await rig.etcd.grant("reader", `${PREFIX}/`, "READ");
      await rig.etcd.put(`${PREFIX}/routes/a`, "2");
      report("F20", await rig.converged(6000));
    }),
  );

  it(
    "F20b what a live watch may still see after that ends with the next full list",
    withRig({}, async (rig) => {
      await rig.etcd.enableAuth(USERS);
      await rig.etcd.put(`${PREFIX}/routes/a`, "1");
      await rig.read({ ...READER, auditMs: 1500 });
      await rig.synced();
      await rig.etcd.revoke("reader", `${PREFIX}/`);
      await says(rig, /does not let us read/);
    }),
  );

  it(
    "F21 authentication is switched on, and the password changed, while the source runs",
    withRig({}, async (rig) => {
      await rig.etcd.put(`${PREFIX}/routes/a`, "1");
      // A user may be given before etcd knows any.
      const readers = await rig.read(READER);
      await rig.synced();
      await rig.etcd.enableAuth(USERS);
      cut(rig);
      await rig.etcd.put(`${PREFIX}/routes/a`, "2");
      await rig.converged(6000);
      await rig.etcd.call("/v3/auth/user/changepw", { name: "reader", password: "other" });
      cut(rig);
      await says(rig, /does not know the user 'reader' with that password/);
      for (const { collector } of readers) assert.equal(collector.content.size, 1);
      await rig.etcd.call("/v3/auth/user/changepw", { name: "reader", password: PASSWORD });
      await rig.etcd.put(`${PREFIX}/routes/a`, "3");
      await rig.converged(6000);
    }),
  );

  it(
    "F21b no user, a wrong user and a user of another prefix are told apart",
    withRig({}, async (rig) => {
      await rig.etcd.enableAuth(USERS);
      await rig.etcd.put(`${PREFIX}/routes/a`, "1");
      const cases: [object, RegExp][] = [
        [{}, /wants a user and a password/],
        [{ user: "nobody", password: PASSWORD }, /does not know the user 'nobody' with that password/],
        [{ user: "stranger", password: PASSWORD }, /does not let us read under the prefix as user 'stranger'/],
      ];
      for (const [options, pattern] of cases) {
        await rig.read(options);
        await says(rig, pattern);
        for (const reader of rig.readers) {
          assert.equal(reader.state, "connecting");
          await reader.finish();
          await reader.proxy.close();
        }
        rig.readers.length = 0;
      }
    }),
  );

  it(
    "S1 a password over http on loopback is not warned of, and never said; reading needs no right to write",
    withRig({}, async (rig) => {
      await rig.etcd.enableAuth(USERS);
      const readers = await rig.read(READER);
      await rig.synced();
      for (const { lines } of readers) assert.doesNotMatch(lines.join("\n"), /unencrypted/);
      await rig.etcd.login({ user: "reader", password: PASSWORD });
      await assert.rejects(rig.etcd.put(`${PREFIX}/routes/a`, "1"), /permission denied/);
      await rig.etcd.login({ user: "root", password: PASSWORD });
    }),
  );

  it(
    "S2 the prefix ends at its slash",
    withRig({}, async (rig) => {
      for (const key of [PREFIX, `${PREFIX}-other/routes/a`, `${PREFIX}0`, "/"]) await rig.etcd.put(key, "no");
      await rig.etcd.put(`${PREFIX}/routes/a`, "yes");
      const readers = await rig.read({ prefix: `${PREFIX}/` });
      await rig.synced();
      await rig.etcd.put(`${PREFIX}-other/routes/b`, "no");
      await rig.etcd.put(`${PREFIX}/routes/b`, "yes");
      for (const { collector } of readers) await collector.holds({ "routes/a": "yes", "routes/b": "yes" });
    }),
  );

  it(
    "V4 V9 odd keys stay apart",
    withRig({}, async (rig) => {
      const bytes = (...tail: number[]) => new Uint8Array([...new TextEncoder().encode(`${PREFIX}/`), ...tail]);
      await rig.etcd.put(bytes(0xff), "ff");
      const readers = await rig.read();
      await rig.synced();
      await rig.etcd.put(bytes(0xfe), "fe");
      await rig.etcd.put(bytes(0), "null");
      await rig.etcd.put(bytes(), "empty");
      await rig.etcd.put(`${PREFIX}/__proto__`, "proto");
      await rig.etcd.put(`${PREFIX}/routes//../x\n`, "odd");
      const expected = { "\\xff": "ff", "\\xfe": "fe", "\0": "null", "": "empty", "routes//../x\n": "odd" };
      for (const { collector } of readers) {
        await collector.holds(new Map([...Object.entries(expected), ["__proto__", "proto"]]));
      }
    }),
  );
});

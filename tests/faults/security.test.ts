// runtimes: deno, bun
// limit: 300
// waits
import assert from "node:assert/strict";
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { type GatewayProcess, runGatewatch, startGatewayProcess } from "../support/gateway-process.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { createFileAuthority } from "./certificates.ts";
import { startFaultyGateway } from "./gateways.ts";
import { PASSWORD, PREFIX } from "./rig.ts";

const USERS = {
  root: { password: PASSWORD },
  reader: { password: PASSWORD, read: `${PREFIX}/` },
} as const;

/** Runs a test with an etcd, an origin and a folder of its own. */
const withParts =
  (test: (parts: { etcd: EtcdServer; origin: Origin; folder: string }) => Promise<void>) => async (): Promise<void> => {
    const etcd = await startEtcd();
    const origin = await startOrigin();
    const folder = await mkdtemp(join(tmpdir(), "gatewatch-security-"));
    try {
      await test({ etcd, origin, folder });
    } finally {
      await origin.close();
      await etcd.close();
      await rm(folder, { recursive: true, force: true });
    }
  };

const route = ({ port }: Origin, uri: string): string =>
  JSON.stringify({ uri, upstream: { nodes: { [`127.0.0.1:${port}`]: 1 } } });

/** Everything that a process tells anyone. */
async function everythingOf(gateway: GatewayProcess): Promise<string> {
  const paths = ["/live", "/ready", "/status", "/status/keys?limit=1000", "/upstreams", "/metrics", "/schema/route"];
  const told = await Promise.all(paths.map(async (path) => {
    const { headers, body } = await gateway.control(path);
    return JSON.stringify(headers) + body;
  }));
  const list = await readFile(`/proc/${gateway.pid}/cmdline`, "utf8");
  return [...told, list, gateway.log, gateway.output].join("\n");
}

describe("faults: security", () => {
  it(
    "S1 the password of etcd is said nowhere, whatever happens",
    withParts(async ({ etcd, origin, folder }) => {
      await etcd.enableAuth(USERS);
      await etcd.put(`${PREFIX}/routes/1`, route(origin, "/1"));
      const file = join(folder, "password");
      await writeFile(file, `${PASSWORD}\n`);
      await chmod(file, 0o600);
      const encoded = [PASSWORD, Buffer.from(PASSWORD).toString("base64"), encodeURIComponent(PASSWORD)];
      for (const carrier of ["grpc", "json"]) {
        const proxy = await startProxy({ host: "127.0.0.1", port: etcd.port });
        const gateway = await startGatewayProcess({
          flags: [
            ...["--etcd", proxy.url, "--prefix", PREFIX, "--etcd-user", "reader", "--etcd-password-file", file],
            ...["--etcd-transport", carrier, "--log-level", "debug", "--access-log", "all"],
          ],
        });
        try {
          assert.equal((await gateway.get("/1")).status, 200);
          // A password that no longer holds, refused connections, and values that are refused.
          await etcd.call("/v3/auth/user/changepw", { name: "reader", password: "other" });
          await etcd.put(`${PREFIX}/routes/2`, `{"uri":`);
          proxy.cut();
          await until(async () => (await gateway.status()).source.state === "stale", { what: "it doubts" });
          await proxy.setMode("refuse");
          proxy.cut();
          await until(async () => /refuse/.test((await gateway.status()).source.reason ?? ""), {
            limit: 15_000,
            what: "it is refused",
          });
          assert.equal((await gateway.get("/1")).status, 200);
          const told = await everythingOf(gateway);
          for (const text of encoded) assert.ok(!told.includes(text), `${carrier}: it says ${text}`);
        } finally {
          await gateway.stop();
          await proxy.close();
          await etcd.call("/v3/auth/user/changepw", { name: "reader", password: PASSWORD });
        }
        const last = gateway.log + gateway.output;
        for (const text of encoded) assert.ok(!last.includes(text), `${carrier}: it says ${text} at its end`);
        assert.doesNotMatch(gateway.log, /unencrypted/, "a password on loopback is not warned of");
      }
      // Also where the settings are wrong.
      const { status, stdout, stderr } = await runGatewatch(
        ["run", "--etcd", `http://reader:${PASSWORD}@127.0.0.1:${etcd.port}`, "--etcd-user", "reader"],
        { environment: { GATEWATCH_ETCD_PASSWORD: PASSWORD } },
      );
      assert.equal(status, 2);
      for (const text of encoded) assert.ok(!(stdout + stderr).includes(text));
    }),
  );

  it(
    "S1 reading needs no right to write: a gateway whose user may only read serves",
    withParts(async ({ etcd, origin }) => {
      await etcd.enableAuth(USERS);
      await etcd.put(`${PREFIX}/routes/1`, route(origin, "/1"));
      const gateway = await startGatewayProcess({
        flags: ["--etcd", etcd.url, "--prefix", PREFIX, "--etcd-user", "reader"],
        environment: { GATEWATCH_ETCD_PASSWORD: PASSWORD },
      });
      try {
        assert.equal((await gateway.get("/1")).status, 200);
        await etcd.put(`${PREFIX}/routes/2`, route(origin, "/2"));
        await until(async () => (await gateway.get("/2")).status === 200, { what: "the second route" });
      } finally {
        assert.equal((await gateway.stop()).status, 0);
      }
      await etcd.login({ user: "reader", password: PASSWORD });
      await assert.rejects(etcd.put(`${PREFIX}/routes/3`, "{}"), /permission denied/);
      await etcd.login({ user: "root", password: PASSWORD });
    }),
  );

  it(
    "S2 a prefix is a wall: neighbours are not read, and other prefixes are denied",
    withParts(async ({ etcd, origin }) => {
      await etcd.enableAuth(USERS);
      for (const key of [PREFIX, `${PREFIX}2/routes/x`, `${PREFIX}-other/routes/x`, "/other/routes/x"]) {
        await etcd.put(key, route(origin, "/foreign"));
      }
      await etcd.put(`${PREFIX}/routes/own`, route(origin, "/own"));
      const own = await startFaultyGateway(etcd, { source: { user: "reader", password: PASSWORD } });
      const foreign = await startFaultyGateway(etcd, {
        source: { user: "reader", password: PASSWORD, prefix: "/other" },
      });
      try {
        await own.synced();
        await etcd.put(`${PREFIX}2/routes/y`, route(origin, "/foreign"));
        await own.applied(await etcd.put(`${PREFIX}/routes/later`, route(origin, "/later")));
        assert.equal((await own.get("/own")).status, 200);
        assert.equal((await own.get("/later")).status, 200);
        assert.equal((await own.get("/foreign")).status, 404);
        assert.equal(own.gateway.keys({}).length, 2);
        await until(() => /does not let us read/.test(foreign.gateway.status().source.reason ?? ""), {
          what: "the other prefix is denied",
        });
        assert.equal(foreign.gateway.status().ready, false);
      } finally {
        await own.close();
        await foreign.close();
      }
    }),
  );

  it("S3 certificates that are exchanged on disk are used by the next connection", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gatewatch-security-"));
    const origin = await startOrigin();
    const [first, second] = [createFileAuthority(folder, "first"), createFileAuthority(folder, "second")];
    const server = { first: first.issue("server1", "DNS:localhost"), second: second.issue("server2", "DNS:localhost") };
    const client = { first: first.issue("client1", "DNS:c"), second: second.issue("client2", "DNS:c") };
    // What etcd and the gateway read; the content changes, the names stay.
    const [ca, cert, key] = ["ca.pem", "c.pem", "c.key"].map((name) => join(folder, name)) as [string, string, string];
    const install = async (which: "first" | "second") => {
      await copyFile(which === "first" ? first.ca : second.ca, ca);
      await copyFile(client[which].cert, cert);
      await copyFile(client[which].key, key);
    };
    await install("first");
    const etcdCert = join(folder, "e.pem"), etcdKey = join(folder, "e.key"), etcdCa = join(folder, "e.ca");
    const installEtcd = async (which: "first" | "second") => {
      await copyFile(server[which].cert, etcdCert);
      await copyFile(server[which].key, etcdKey);
      await copyFile(which === "first" ? first.ca : second.ca, etcdCa);
    };
    await installEtcd("first");
    const tls = { cert: etcdCert, key: etcdKey, ca: etcdCa, client: { cert, key } };
    const etcd = await startEtcd({ tls, name: "localhost" });
    try {
      await etcd.put(`${PREFIX}/routes/1`, route(origin, "/1"));
      const gateway = await startGatewayProcess({
        flags: [
          ...["--etcd", etcd.url, "--prefix", PREFIX],
          ...["--etcd-ca", ca, "--etcd-cert", cert, "--etcd-key", key],
        ],
      });
      try {
        assert.equal((await gateway.get("/1")).status, 200);
        await etcd.stop("kill");
        await installEtcd("second");
        await install("second");
        await etcd.start();
        await etcd.put(`${PREFIX}/routes/2`, route(origin, "/2"));
        await until(async () => (await gateway.get("/2")).status === 200, {
          limit: 10_000,
          what: "the new certificates are used",
        });
        // The old authority is no longer trusted: verification is never switched off.
        await etcd.stop("kill");
        await installEtcd("first");
        await etcd.start({ wait: false });
        await until(async () => /certificate|tls/i.test((await gateway.status()).source.reason ?? ""), {
          limit: 20_000,
          what: "the old certificate is refused",
        });
        assert.equal((await gateway.get("/1")).status, 200, "what was known serves on");
      } finally {
        await gateway.stop();
      }
    } finally {
      await etcd.close();
      await origin.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it(
    "S4 a right that is taken away ends with the next full list at the latest, and what was known serves on",
    withParts(async ({ etcd, origin }) => {
      await etcd.enableAuth(USERS);
      const source = { user: "reader", password: PASSWORD, auditMs: 1500 };
      const gate = await startFaultyGateway(etcd, { source });
      try {
        await gate.applied(await etcd.put(`${PREFIX}/routes/1`, route(origin, "/1")));
        await gate.synced();
        await etcd.revoke("reader", `${PREFIX}/`);
        await until(() => /does not let us read/.test(gate.gateway.status().source.reason ?? ""), {
          limit: 6000,
          what: "the right is missed",
        });
        assert.equal(gate.gateway.status().source.state, "stale");
        const revision = await etcd.put(`${PREFIX}/routes/2`, route(origin, "/2"));
        assert.equal((await gate.get("/1")).status, 200);
        assert.equal((await gate.get("/2")).status, 404);
        await etcd.grant("reader", `${PREFIX}/`, "READ");
        await gate.applied(revision, 6000);
        assert.equal((await gate.get("/2")).status, 200);
      } finally {
        await gate.close();
      }
    }),
  );

  it(
    "S5 what is unsafe in a value is refused for its key alone, by the watch and by a full list",
    withParts(async ({ etcd, origin }) => {
      const unsafe: Readonly<Record<string, string>> = {
        proto: `{"__proto__":{"uri":"/x"},"uri":"/s5/proto"}`,
        json: `{"uri":"/s5/json"`,
        regex: JSON.stringify({ uri: "/s5/regex", vars: [["uri", "~~", "("]] }),
        plugin: JSON.stringify({ uri: "/s5/plugin", plugins: { "key-auth": { header: 7 } } }),
        scheme: JSON.stringify({ uri: "/s5/scheme", upstream: { scheme: "file", nodes: {} } }),
        header: JSON.stringify({
          uri: "/s5/header",
          upstream: { nodes: {}, pass_host: "rewrite", upstream_host: "a\r\nX: 1" },
        }),
        timeout: JSON.stringify({ uri: "/s5/timeout", timeout: { connect: -1, send: 1, read: 1 } }),
      };
      const names = Object.keys(unsafe);
      const gate = await startFaultyGateway(etcd);
      const check = async (phase: string) => {
        for (const name of names) {
          assert.match(gate.verdict(`routes/${name}`), /^stale: ./, `${phase}: ${name}`);
          assert.equal((await gate.get(`/s5/${name}`)).status, 200, `${phase}: ${name}`);
        }
        assert.equal((await gate.get(`/s5/${phase}`)).status, 200, "other changes go on");
      };
      try {
        for (const name of names) await etcd.put(`${PREFIX}/routes/${name}`, route(origin, `/s5/${name}`));
        await gate.synced();
        for (const name of names) await etcd.put(`${PREFIX}/routes/${name}`, unsafe[name] ?? "");
        await gate.applied(await etcd.put(`${PREFIX}/routes/good`, route(origin, "/s5/watch")));
        await check("watch");
        await gate.proxy.setMode("refuse");
        gate.proxy.cut();
        await until(() => gate.gateway.status().source.state === "stale", { what: "it doubts" });
        for (const name of names) await etcd.put(`${PREFIX}/routes/${name}`, `${unsafe[name]} `);
        const revision = await etcd.put(`${PREFIX}/routes/good`, route(origin, "/s5/list"));
        await gate.proxy.setMode("pass");
        await gate.applied(revision);
        await check("list");
      } finally {
        await gate.close();
      }
    }),
  );
});

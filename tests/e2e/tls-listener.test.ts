// Clients' TLS: which certificate they get from the ssl resources in etcd, as these change, and what is asked of them.
// waits
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { APISIX_KEYRING, createKeyring } from "../../src/config/keyring.ts";
import { type Authority, type Certificate, createAuthority } from "../support/authority.ts";
import { type EchoOrigin, startEchoOrigin } from "../support/echo-origin.ts";
import { type EtcdServer, freePorts, startEtcd } from "../support/etcd.ts";
import { currentRuntime, type GatewayProcess, runGatewatch, startGatewayProcess } from "../support/gateway-process.ts";
import { header, type RawConnection, rawRequest, string } from "../support/raw.ts";
import { secureConnect } from "../support/secure.ts";
import { until } from "../support/until.ts";

interface Key {
  readonly key: string;
  readonly state: string;
  readonly issues: readonly { readonly path: string; readonly message: string }[];
  readonly warnings: readonly { readonly path: string; readonly message: string }[];
}

describe(`TLS of clients on ${currentRuntime()}`, () => {
  const ENVIRONMENT: Record<string, string> = {};
  let authority: Authority, etcd: EtcdServer, origin: EchoOrigin, gateway: GatewayProcess;
  let directory: string, port: number, plain: Certificate, fallback: Certificate;
  const secrets: string[] = [];

  const issue = (name: string, options: Parameters<Authority["issue"]>[1] = {}): Certificate => {
    const made = authority.issue(`DNS:${name}`, options);
    secrets.push(made.key.split("\n")[1]!);
    return made;
  };
  const put = (id: string, value: unknown): Promise<number> => etcd.put(`/gatewatch/ssls/${id}`, JSON.stringify(value));
  const connect = (serverName: string, options: ConnectionOptions = {}): Promise<RawConnection> =>
    secureConnect(port, serverName, options);
  const fingerprint = ({ cert }: Pick<Certificate, "cert">): string => new X509Certificate(cert).fingerprint256;
  /** The fingerprint of what a client gets; why it got none. */
  const shown = async (serverName: string, options: ConnectionOptions = {}): Promise<string> => {
    try {
      const client = await connect(serverName, options);
      const { fingerprint256 } = (client.socket as TLSSocket).getPeerCertificate();
      client.destroy();
      return fingerprint256;
    } catch (error) {
      return `refused: ${(error as Error).message}`;
    }
  };
  const shows = (serverName: string, certificate: Certificate): Promise<unknown> =>
    until(async () => await shown(serverName) === fingerprint(certificate), {
      what: `the certificate of ${serverName}`,
    });
  /** Status of a request; 0 where the connection ended without an answer. */
  const ask = async (serverName: string, options: ConnectionOptions = {}, host = serverName, path = "/") => {
    let client: RawConnection | undefined;
    try {
      client = await connect(serverName, options);
      void client.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      return Number((await client.readMessage()).startLine.split(" ")[1]);
    } catch {
      return 0;
    } finally {
      client?.destroy();
    }
  };
  const keyOf = async (id: string): Promise<Key | undefined> => {
    const { body } = await gateway.control("/status/keys?kind=ssl");
    return (JSON.parse(body) as { keys: Key[] }).keys.find(({ key }) => key === `/gatewatch/ssls/${id}`);
  };
  const refused = async (reason: string): Promise<number> => {
    const { body } = await gateway.control("/metrics");
    const line = new RegExp(`^gatewatch_tls_handshakes_refused_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec(body);
    assert.ok(line !== null, `no such metric:\n${body}`);
    return Number(line[1]);
  };

  before(async () => {
    authority = createAuthority();
    directory = await mkdtemp(join(tmpdir(), "gatewatch-tls-"));
    fallback = issue("fallback.test");
    plain = issue("a.example.com");
    ENVIRONMENT["TLS_KEY_OF_TEST"] = issue("env.example.com").key;
    await writeFile(join(directory, "tls.crt"), fallback.cert);
    await writeFile(join(directory, "tls.key"), fallback.key);
    etcd = await startEtcd();
    origin = await startEchoOrigin();
    [port] = await freePorts(1) as [number];
    const upstream = { nodes: { [`127.0.0.1:${origin.port}`]: 1 } };
    await etcd.put("/gatewatch/routes/1", JSON.stringify({ uri: "/*", upstream }));
    await etcd.put(
      "/gatewatch/routes/2",
      JSON.stringify({ uri: "/moved", plugins: { redirect: { http_to_https: true } }, upstream }),
    );
    await etcd.put(
      "/gatewatch/routes/3",
      JSON.stringify({ uri: "/vars", vars: [["scheme", "==", "https"]], upstream, priority: 1 }),
    );
    await put("a", { ...plain, sni: "A.example.com" });
    gateway = await startGatewayProcess({
      flags: ["--etcd", etcd.url, "--listen-tls", `127.0.0.1:${port}`, "--access-log", "all"],
      environment: ENVIRONMENT,
    });
  });
  after(async () => {
    await gateway?.stop();
    await origin?.close();
    await etcd?.stop();
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(secrets.filter((secret) => gateway.log.includes(secret)), [], "a key is in the log");
  });

  it("answers over TLS, and tells the upstream so", async () => {
    const client = await connect("a.example.com");
    assert.equal((client.socket as TLSSocket).getPeerCertificate().fingerprint256, fingerprint(plain));
    await client.write("GET /vars?x=1 HTTP/1.1\r\nHost: a.example.com\r\n\r\n");
    const { headers, target } = JSON.parse(string((await client.readMessage()).body)) as {
      headers: string[];
      target: string;
    };
    assert.equal(target, "/vars?x=1");
    assert.equal(header(headers, "x-forwarded-proto"), "https");
    assert.equal(header(headers, "x-forwarded-port"), String(port));
    await client.write("GET /moved HTTP/1.1\r\nHost: a.example.com\r\n\r\n");
    assert.match((await client.readMessage()).startLine, / 200 /);
    client.destroy();
    assert.equal((await gateway.get("/moved", { host: "a.example.com" })).status, 301);
    const { body } = await gateway.control("/status");
    const { listening } = JSON.parse(body) as { listening: { address: string; tls?: boolean }[] };
    assert.deepEqual(listening.map(({ address, tls }) => [address, tls === true]), [
      [`127.0.0.1:${gateway.port}`, false],
      [`127.0.0.1:${port}`, true],
    ]);
  });

  it("chooses by the server name: in full before a wildcard, for one label, in any case", async () => {
    const wild = issue("*.example.com");
    await put("wild", { ...wild, snis: ["*.example.com", "example.org"] });
    await shows("b.example.com", wild);
    assert.equal(await shown("A.EXAMPLE.com"), fingerprint(plain));
    assert.equal(await shown("example.org"), fingerprint(wild));
    for (const name of ["x.y.example.com", "example.com", "b.example.org"]) assert.match(await shown(name), /^refused/);
  });

  it("refuses the handshake where there is no certificate, counts it, and says so once", async () => {
    const before = await refused("no_certificate");
    for (let i = 0; i < 5; i++) assert.match(await shown("nobody.test"), /^refused/);
    assert.equal(await refused("no_certificate"), before + 5);
    assert.equal(gateway.log.split('"reason":"no_certificate"').length, 2);
    const answer = await rawRequest(port, "GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n");
    assert.match(answer.startLine, / 400 /);
  });

  it("puts a new certificate in effect for the next handshake, and leaves open connections alone", async () => {
    const open = await connect("a.example.com");
    const renewed = issue("a.example.com");
    let running = true, bad = 0, asked = 0;
    const load = (async () => {
      for (; running; asked++) if (await ask("a.example.com") !== 200) bad++;
    })();
    await put("a", { ...renewed, sni: "a.example.com" });
    await shows("a.example.com", renewed);
    running = false;
    await load;
    assert.ok(asked > 0);
    assert.equal(bad, 0);
    await open.write("GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n");
    assert.match((await open.readMessage()).startLine, / 200 /);
    open.destroy();
    await put("a", { ...renewed, sni: "a.example.com", status: 0 });
    await until(async () => await shown("a.example.com") !== fingerprint(renewed), { what: "status 0 is off" });
    await put("a", { ...plain, sni: "a.example.com" });
    await shows("a.example.com", plain);
  });

  it("rejects a key that is another's, and goes on with the last good one", async () => {
    const other = issue("a.example.com");
    const mixed = { cert: other.cert, key: plain.key, sni: "a.example.com" };
    await put("a", mixed);
    const stale = await until(async () => {
      const key = await keyOf("a");
      return key?.state === "stale" && key;
    }, { what: "the key is stale" });
    assert.deepEqual(stale.issues.map(({ path }) => path), ["key"]);
    assert.match(stale.issues[0]!.message, /private key of the certificate in 'cert'/);
    assert.equal(await shown("a.example.com"), fingerprint(plain));
    await put("new", { ...mixed, sni: "new.test" });
    await put("torn", { ...other, cert: other.cert.slice(0, 300) + "\n-----END CERTIFICATE-----\n", sni: "torn.test" });
    await put("old", { ...other, sni: "old.test", ssl_protocols: ["TLSv1.1"] });
    const state = async (id: string) => (await keyOf(id))?.state;
    await until(async () => await state("old") === "rejected", { what: "the keys are read" });
    assert.deepEqual([await state("new"), await state("torn")], ["rejected", "rejected"]);
    assert.match(await shown("new.test"), /^refused/);
    await put("a", { ...plain, sni: "a.example.com" });
    await until(async () => (await keyOf("a"))?.state !== "stale", { what: "the key is good again" });
  });

  it("warns of a certificate that has expired, and of a name that another resource stands before", async () => {
    await put("expired", { ...issue("gone.test", { days: -1 }), sni: "gone.test" });
    await put("z", { ...issue("gone.test"), sni: "gone.test" });
    const key = await until(() => keyOf("z"), { what: "the keys are read" });
    assert.match(key.warnings[0]!.message, /ssl 'expired' has the name as well/);
    assert.match((await keyOf("expired"))!.warnings[0]!.message, /has expired/);
    assert.match(gateway.log, /ssls\/expired: cert has expired/);
  });

  it("takes keys that are encrypted at rest, and from the environment", async () => {
    const sealed = issue("sealed.test");
    await put("sealed", {
      cert: sealed.cert,
      key: await createKeyring(APISIX_KEYRING).encrypt(sealed.key),
      sni: "sealed.test",
    });
    await shows("sealed.test", sealed);
    const other = issue("env.example.com");
    await put("env", { cert: other.cert, key: "$env://TLS_KEY_OF_TEST", sni: "env.test" });
    await until(async () => (await keyOf("env"))?.state === "rejected", { what: "it is another's key" });
    const unset = { cert: other.cert, key: "$env://NOT_SET_IN_TEST", sni: "unset.test" };
    await put("unset", unset);
    await until(async () => (await keyOf("unset"))?.state === "rejected", { what: "it is not there" });
    assert.match(await shown("unset.test"), /^refused/);
  });

  it("shows RSA to whom ECDSA means nothing", async () => {
    const ec = issue("two.test"), rsa = issue("two.test", { key: "rsa" });
    await put("two", { ...ec, certs: [rsa.cert], keys: [rsa.key], sni: "two.test" });
    await shows("two.test", ec);
    // Deno's client cannot be told what to speak.
    if (currentRuntime() === "deno") return;
    const onlyRsa: ConnectionOptions = { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" };
    assert.equal(await shown("two.test", onlyRsa), fingerprint(rsa));
  });

  it("speaks the versions that ssl_protocols names", async () => {
    const made = issue("versions.test");
    for (const [version, other] of [["TLSv1.2", "TLSv1.3"], ["TLSv1.3", "TLSv1.2"]] as const) {
      await put("versions", { ...made, sni: "versions.test", ssl_protocols: [version] });
      await until(
        async () => (await shown("versions.test", { minVersion: other, maxVersion: other })).startsWith("ref"),
        {
          what: `${other} is refused`,
        },
      );
      const client = await connect("versions.test");
      assert.equal((client.socket as TLSSocket).getProtocol(), version);
      client.destroy();
    }
  });

  it("demands client certificates where an ssl does", async () => {
    const clients = createAuthority();
    const good = clients.issue("DNS:client"), strange = createAuthority().issue("DNS:client");
    const expired = clients.issue("DNS:client", { days: -1 });
    const made = issue("mtls.test");
    await put("mtls", { ...made, snis: ["mtls.test", "*.mtls.test"], client: { ca: clients.ca } });
    await until(async () => await ask("mtls.test", good) === 200, { what: "a good client is served" });
    // Again with what a client keeps of the session, which Deno does not resume.
    const first = await connect("mtls.test", good);
    const kept = new Promise<Uint8Array>((resolve) => (first.socket as TLSSocket).once("session", resolve));
    await first.write("GET / HTTP/1.1\r\nHost: mtls.test\r\n\r\n");
    assert.match((await first.readMessage()).startLine, / 200 /);
    const session = currentRuntime() === "deno" ? undefined : Buffer.from(await kept);
    first.destroy();
    const resumed = await connect("mtls.test", { ...good, session });
    assert.equal((resumed.socket as TLSSocket).isSessionReused(), session !== undefined);
    await resumed.write("GET / HTTP/1.1\r\nHost: mtls.test\r\n\r\n");
    assert.match((await resumed.readMessage()).startLine, / 200 /);
    resumed.destroy();
    assert.equal(await ask("mtls.test"), 0);
    assert.equal(await ask("mtls.test", strange), 0);
    assert.equal(await ask("mtls.test", expired), 0);
    // A certificate that was verified for one name says nothing for another, nor does the lack of one.
    assert.equal(await ask("a.mtls.test", good, "b.mtls.test"), 400);
    assert.equal(await ask("a.example.com", {}, "mtls.test"), 400);
    assert.equal(await ask("a.example.com", {}, "b.example.com"), 200);
  });

  it("lets clients without a certificate ask for what needs none", async () => {
    const clients = createAuthority();
    const made = issue("partly.test");
    await put("partly", {
      ...made,
      sni: "partly.test",
      client: { ca: clients.ca, skip_mtls_uri_regex: ["^/open/"] },
    });
    await until(async () => await ask("partly.test", {}, "partly.test", "/open/a") === 200, { what: "it is served" });
    assert.equal(await ask("partly.test"), 400);
    assert.equal(await ask("partly.test", {}, "partly.test", "/open/../secret"), 400);
    assert.equal(await ask("partly.test", {}, "other.test"), 400);
    assert.equal(await ask("partly.test", clients.issue("DNS:client")), 200);
    assert.equal(await ask("partly.test", createAuthority().issue("DNS:client")), 400);
  });

  it("takes chains of clients that are no longer than depth", async () => {
    const root = createAuthority();
    const below = root.below();
    const one = below.issue("DNS:client"), two = below.below().issue("DNS:client"), direct = root.issue("DNS:client");
    const made = issue("deep.test");
    const status = async (depth: number): Promise<number[]> => {
      await put("deep", { ...made, sni: `depth-${depth}.test`, client: { ca: root.ca, depth } });
      await until(async () => await ask(`depth-${depth}.test`, direct) === 200, { what: `depth ${depth}` });
      return [await ask(`depth-${depth}.test`, one), await ask(`depth-${depth}.test`, two)];
    };
    assert.deepEqual(await status(0), [0, 0]);
    // Node 24 does not tell what is between a client's certificate and the authority: it is taken for too much.
    const node = currentRuntime() === "node";
    assert.deepEqual(await status(1), [node ? 0 : 200, 0]);
    assert.deepEqual(await status(2), node ? [0, 0] : [200, 200]);
    await put("deep", { ...made, sni: "both.test", client: { ca: root.ca + below.ca, depth: 1 } });
    await until(async () => await ask("both.test", one) === 200, { what: "an authority between is one as well" });
  });

  it("has a certificate from files for everybody else, and reads it again when it changes", async () => {
    const [tls] = await freePorts(1) as [number];
    const second = await startGatewayProcess({
      flags: ["--etcd", etcd.url, "--listen-tls", `127.0.0.1:${tls}`, "--tls-cert", "tls.crt", "--tls-key", "tls.key"],
      environment: ENVIRONMENT,
      directory,
    });
    try {
      const seen = async (name: string): Promise<string> => {
        const client = await secureConnect(tls, name);
        const { fingerprint256 } = (client.socket as TLSSocket).getPeerCertificate();
        client.destroy();
        return fingerprint256;
      };
      assert.equal(await seen("nobody.test"), fingerprint(fallback));
      assert.equal(await seen(""), fingerprint(fallback));
      assert.equal(await seen("a.example.com"), fingerprint(plain));
      const renewed = issue("fallback.test");
      await writeFile(join(directory, "tls.crt"), renewed.cert);
      await until(() => second.log.includes("the last good one goes on serving"), { what: "it is told" });
      assert.equal(await seen("nobody.test"), fingerprint(fallback));
      await writeFile(join(directory, "tls.key"), renewed.key);
      await until(async () => await seen("nobody.test") === fingerprint(renewed), { what: "the new one is served" });
    } finally {
      await second.stop();
    }
  });

  it("says at the start what cannot be", async () => {
    await writeFile(join(directory, "other.key"), issue("x").key);
    const start = (...flags: string[]) => runGatewatch(["run", "--etcd", etcd.url, ...flags], { directory });
    const tls = ["--listen-tls", "127.0.0.1:0"];
    for (
      const [flags, said] of [
        [["--tls-cert", "tls.crt"], /--tls-cert: Needs --tls-key as well/],
        [["--tls-cert", "tls.crt", "--tls-key", "tls.key"], /--tls-cert: Needs --listen-tls as well/],
        [[...tls, "--listener", "node"], /--listener: Needs to be http1 where there is --listen-tls, is node/],
        [[...tls, "--tls-cert", "tls.crt", "--tls-key", "none.key"], /--tls-key: Cannot read none.key/],
        [[...tls, "--tls-cert", "tls.crt", "--tls-key", "other.key"], /--tls-key: Cannot use other.key: .*another's/],
      ] as const
    ) {
      const { status, stderr } = await start(...flags);
      assert.match(stderr, said);
      assert.equal(status, 2);
    }
  });

  it("is served by several workers", async () => {
    const [tls] = await freePorts(1) as [number];
    const workers = await startGatewayProcess({
      flags: ["--etcd", etcd.url, "--listen-tls", `127.0.0.1:${tls}`, "--workers", "2"],
      environment: ENVIRONMENT,
    });
    try {
      await until(async () => {
        const { workers: all } = JSON.parse((await workers.control("/status")).body) as {
          workers: { ready: boolean }[];
        };
        return all.length === 2 && all.every(({ ready }) => ready);
      }, { limit: 20_000, what: "both workers are ready" });
      for (let i = 0; i < 8; i++) {
        const client = await secureConnect(tls, "a.example.com");
        await client.write("GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n");
        assert.match((await client.readMessage()).startLine, / 200 /);
        client.destroy();
      }
      assert.match(workers.log, /2 workers serve .*https:\/\/127/);
    } finally {
      await workers.stop();
    }
  });
});

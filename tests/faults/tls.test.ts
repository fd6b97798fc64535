// limit: 300
// waits
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { etcdSource, type EtcdSourceOptions } from "../../src/sources/etcd/source.ts";
import { Collector } from "../contracts/collector.ts";
import { type EtcdOptions, type EtcdServer, startEtcd } from "../support/etcd.ts";
import { until } from "../support/until.ts";
import { createFileAuthority, type FileAuthority, pem } from "./certificates.ts";
import { CARRIERS, PASSWORD, PREFIX, report } from "./rig.ts";

describe("faults: TLS", () => {
  let folder: string;
  let authority: FileAuthority;
  let stranger: FileAuthority;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "gatewatch-tls-"));
    authority = createFileAuthority(folder, "ca");
    stranger = createFileAuthority(folder, "stranger");
  });
  after(() => rmSync(folder, { recursive: true }));

  async function withEtcd(options: EtcdOptions, test: (etcd: EtcdServer) => Promise<void>): Promise<void> {
    const etcd = await startEtcd(options);
    try {
      await etcd.put(`${PREFIX}/routes/a`, "1");
      await test(etcd);
    } finally {
      await etcd.close();
    }
  }

  /** Reads with each carrier, at once, until `wanted` holds for its status. */
  async function readUntil(
    options: Omit<EtcdSourceOptions, "carrier" | "prefix">,
    wanted: (state: string, reason: string) => boolean,
    what: string,
  ): Promise<void> {
    await Promise.all(CARRIERS.map(async (carrier) => {
      const collector = new Collector(etcdSource({ ...options, prefix: PREFIX, carrier }));
      try {
        const status = () => collector.source.status();
        await until(() => wanted(status().state, status().reason ?? ""), { what }).catch((error) => {
          throw new Error(`${carrier}: ${error.message}; ${JSON.stringify(status())}`);
        });
        if (status().state === "synced") assert.equal(collector.content.get("routes/a"), "1");
        else assert.equal(collector.batches.length, 0);
      } finally {
        await collector.stop();
      }
    }));
  }

  const works = (options: Omit<EtcdSourceOptions, "carrier" | "prefix">) =>
    readUntil(options, (state) => state === "synced", "the source is synced");
  const refuses = (options: Omit<EtcdSourceOptions, "carrier" | "prefix">, reason: RegExp) =>
    readUntil(options, (_, text) => {
      if (text !== "" && !reason.test(text)) throw new Error(`it says: ${text}`);
      return reason.test(text);
    }, `the source says ${reason}`);

  it("F22 a certificate of another authority is refused", () =>
    withEtcd({ tls: authority.issue("plain", "DNS:localhost,IP:127.0.0.1") }, async ({ url }) => {
      await works({ endpoints: [url], ca: authority.ca });
      await refuses({ endpoints: [url], ca: stranger.ca }, /is not signed by a trusted authority/);
      await refuses({ endpoints: [url] }, /is not signed by a trusted authority/);
    }));

  it("F22 an expired certificate is refused", () =>
    withEtcd({ tls: authority.issue("expired", "IP:127.0.0.1", true) }, async ({ url }) => {
      await refuses({ endpoints: [url], ca: authority.ca }, /has expired/);
    }));

  it("F22 a certificate of another name is refused, unless that name is asked for", () =>
    withEtcd({ tls: authority.issue("named", "DNS:etcd.example,IP:10.9.9.9") }, async ({ url }) => {
      await refuses({ endpoints: [url], ca: authority.ca }, /is made out to another name/);
      await works({ endpoints: [url], ca: authority.ca, serverName: "etcd.example" });
      await refuses({ endpoints: [url], ca: authority.ca, serverName: "etcd.other" }, /is made out to another name/);
    }));

  it("F22 an etcd that wants a client certificate says so, and takes one", () => {
    const client = authority.issue("client", "DNS:client");
    const wrong = stranger.issue("wrong", "DNS:client");
    const tls = { ...authority.issue("mutual", "IP:127.0.0.1"), ca: authority.ca, client };
    return withEtcd({ tls }, async ({ url }) => {
      await works({ endpoints: [url], ca: authority.ca, ...client });
      await refuses({ endpoints: [url], ca: authority.ca }, /wants a client certificate/);
      await refuses({ endpoints: [url], ca: authority.ca, ...wrong }, /does not take our client certificate/);
    });
  });

  it("F22 http to https, and https to http, are named", async () => {
    await withEtcd({ tls: authority.issue("scheme", "IP:127.0.0.1") }, async ({ port }) => {
      await refuses({ endpoints: [`http://127.0.0.1:${port}`] }, /https:\/\//);
    });
    await withEtcd({}, async ({ port }) => {
      await refuses({ endpoints: [`https://127.0.0.1:${port}`], ca: authority.ca }, /http:\/\//);
    });
  });

  it("F22 certificates that are none, or are missing, are named", () =>
    withEtcd({ tls: authority.issue("files", "IP:127.0.0.1") }, async ({ url }) => {
      await refuses(
        { endpoints: [url], ca: join(folder, "nowhere.pem") },
        /cannot read the CA certificate .*nowhere\.pem/,
      );
      await refuses({ endpoints: [url], ca: authority.ca, cert: authority.ca }, /without its key/);
      await refuses({
        endpoints: [url],
        ca: authority.ca,
        cert: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
      }, /cannot be used/);
    }));

  it("F23 an address works with a certificate that holds it, alone or beside a name, with and without a password", async () => {
    for (const names of ["IP:127.0.0.1", "DNS:localhost,IP:127.0.0.1", "DNS:other.example,IP:127.0.0.1"]) {
      await withEtcd({ tls: authority.issue("address", names) }, async (etcd) => {
        await works({ endpoints: [etcd.url], ca: pem(authority.ca) });
        await etcd.enableAuth({ root: { password: PASSWORD }, reader: { password: PASSWORD, read: `${PREFIX}/` } });
        await works({ endpoints: [etcd.url], ca: authority.ca, user: "reader", password: PASSWORD });
      });
    }
    await withEtcd({ name: "localhost", tls: authority.issue("name", "DNS:localhost") }, async ({ url }) => {
      await works({ endpoints: [url], ca: authority.ca });
    });
  });

  it("S3 files that are exchanged are used by the next connection", () => {
    const client = authority.issue("rotated", "DNS:client");
    const wrong = stranger.issue("rotated-wrong", "DNS:client");
    const used = { cert: join(folder, "used.pem"), key: join(folder, "used.key") };
    copyFileSync(wrong.cert, used.cert);
    copyFileSync(wrong.key, used.key);
    const tls = { ...authority.issue("rotating", "IP:127.0.0.1"), ca: authority.ca, client };
    return withEtcd({ tls }, async ({ url }) => {
      await Promise.all(CARRIERS.map(async (carrier) => {
        const options = { endpoints: [url], prefix: PREFIX, ca: authority.ca, ...used, carrier };
        const collector = new Collector(etcdSource(options));
        try {
          await until(() => collector.source.status().reason, { what: "the wrong certificate is refused" });
          copyFileSync(client.cert, used.cert);
          copyFileSync(client.key, used.key);
          const start = performance.now();
          await collector.synced(6000);
          report(`S3 ${carrier}`, { ms: Math.round(performance.now() - start) });
        } finally {
          await collector.stop();
        }
      }));
    });
  });
});

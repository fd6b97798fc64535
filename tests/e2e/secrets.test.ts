// References to a secret manager, in a process: resolved, refreshed, and closed while the manager is away.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type EchoOrigin, startEchoOrigin } from "../support/echo-origin.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { type FakeManager, startManager } from "../support/secret-managers.ts";
import { until } from "../support/until.ts";

interface Key {
  readonly key: string;
  readonly state: string;
  readonly issues: readonly { readonly message: string }[];
  readonly warnings: readonly { readonly message: string }[];
}

describe("secrets of a manager", () => {
  const held = { jack: "first-key-of-jack", upstream: "key-of-the-upstream" };
  let directory: string, origin: EchoOrigin, vault: FakeManager & { reply: (up: boolean) => void };
  let gateway: GatewayProcess;
  const all: string[] = [];

  const start = () =>
    startGatewayProcess({
      flags: ["--resources", "resources.yaml", "--secret-refresh", "1s", "--log-level", "debug"],
      directory,
      environment: { VAULT_TOKEN_OF_TEST: "the-token-of-vault", GATEWATCH_OF_TEST: "own" },
    });

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatewatch-secrets-"));
    origin = await startEchoOrigin();
    let up = true;
    const manager = await startManager(({ url, headers }) => {
      if (!up) return [503, { errors: ["sealed"] }];
      if (headers["x-vault-token"] !== "the-token-of-vault") return [403, { errors: ["denied"] }];
      if (url === "/v1/kv/jack") return [200, { data: { key: held.jack } }];
      return url === "/v1/kv/up" ? [200, { data: { key: held.upstream } }] : [404, { errors: [] }];
    });
    vault = { ...manager, reply: (now) => void (up = now) };
    const nodes = { [`127.0.0.1:${origin.port}`]: 1 };
    await writeFile(
      join(directory, "resources.yaml"),
      JSON.stringify({
        secrets: [{ id: "vault/1", uri: vault.url, prefix: "kv", token: "$ENV://VAULT_TOKEN_OF_TEST" }],
        consumers: [{ username: "jack", plugins: { "key-auth": { key: "$secret://vault/1/jack/key" } } }],
        routes: [
          { id: "members", uri: "/members", plugins: { "key-auth": {} }, upstream: { nodes } },
          {
            id: "sealed",
            uri: "/sealed/*",
            plugins: { "proxy-rewrite": { headers: { set: { "x-api-key": "$secret://vault/1/up/key" } } } },
            upstream: { nodes },
          },
          { id: "own", uri: "/own", desc: "$ENV://GATEWATCH_OF_TEST", upstream: { nodes } },
          { id: "wide", uri: "/*", upstream: { nodes } },
        ],
      }),
    );
    gateway = await start();
  });
  after(async () => {
    await gateway?.stop();
    await vault?.close();
    await origin?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const keyOf = async (key: string): Promise<Key | undefined> => {
    const answer = await gateway.control("/status/keys");
    all.push(answer.body);
    return (JSON.parse(answer.body) as { keys: Key[] }).keys.find((each) => each.key.endsWith(key));
  };
  const member = async (apikey: string): Promise<number> => (await gateway.get("/members", { apikey })).status;

  it("are fetched for consumers and for plugins", async () => {
    assert.equal(await member("first-key-of-jack"), 200);
    assert.equal(await member("$secret://vault/1/jack/key"), 401);
    const { body } = await gateway.get("/sealed/a");
    assert.match(body, /key-of-the-upstream/);
    assert.equal(await keyOf("consumers/jack"), undefined);
  });

  it("are never the gateway's own variables", async () => {
    const found = JSON.stringify(await keyOf("routes/own"));
    assert.match(found, /GATEWATCH_OF_TEST.*is never resolved: those that begin with GATEWATCH_ are the gateway's own/);
  });

  it("change where the manager has another, without a change of the configuration", async () => {
    held.jack = "second-key-of-jack";
    await until(async () => await member("second-key-of-jack") === 200, { what: "the new key is taken" });
    assert.equal(await member("first-key-of-jack"), 401);
  });

  it("stay as they were while the manager is away, and it is said", async () => {
    vault.reply(false);
    const key = await until(() => keyOf("consumers/jack"), { what: "the key warns" });
    assert.equal(key.state, "active");
    assert.match(key.warnings[0]?.message ?? "", /last known "\$secret:\/\/vault\/1\/jack\/key".* status 503/);
    assert.equal(await member("second-key-of-jack"), 200);
    assert.match((await gateway.get("/sealed/a")).body, /key-of-the-upstream/);
    assert.match(gateway.log, /Cannot refresh \$secret:\/\/vault\/1\/jack\/key/);
  });

  it("close what needs them where a gateway starts while the manager is away, until it is back", async () => {
    all.push(gateway.log, gateway.output);
    await gateway.stop();
    gateway = await start();
    assert.equal(await member("second-key-of-jack"), 401);
    assert.equal((await keyOf("consumers/jack"))?.state, "rejected");
    const before = origin.seen.length;
    const refused = await gateway.get("/sealed/a");
    assert.equal(refused.status, 503);
    assert.equal(refused.headers["x-gatewatch-error"], "missing_reference");
    assert.equal(origin.seen.length, before);
    assert.equal((await gateway.get("/other")).status, 200);
    const sealed = await keyOf("routes/sealed");
    assert.equal(sealed?.state, "pending");
    assert.match(sealed?.issues[0]?.message ?? "", /cannot resolve .*vault.* status 503/);

    vault.reply(true);
    await until(async () => await member("second-key-of-jack") === 200, { what: "the consumer heals", limit: 15_000 });
    await until(async () => (await gateway.get("/sealed/a")).status === 200, { what: "the route heals" });
    assert.equal(await keyOf("routes/sealed"), undefined);
  });

  it("are in no status, no log and no explanation", async () => {
    const explain = await fetch(`${gateway.controlUrl}/explain`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ method: "GET", url: "http://x/sealed/a" }),
    });
    assert.equal(explain.status, 200);
    all.push(gateway.log, gateway.output, await explain.text(), (await gateway.control("/status")).body);
    assert.match(all.join(), /sealed/);
    for (const secret of ["key-of-jack", "key-of-the-upstream", "the-token-of-vault"]) {
      assert.ok(!all.join().includes(secret), `${secret} shows`);
    }
  });
});

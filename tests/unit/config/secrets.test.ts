import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Consumer } from "../../../src/config/consumer.ts";
import { APISIX_KEYRING, createKeyring } from "../../../src/config/keyring.ts";
import type { Kind } from "../../../src/config/kinds.ts";
import { type Loaded, type LoadOptions, loadResource } from "../../../src/config/load.ts";
import type { Ssl } from "../../../src/config/ssl.ts";
import type { Secret } from "../../../src/config/secret.ts";
import { catalogue, toBytes } from "./values.ts";

const keyring = createKeyring(APISIX_KEYRING);
const pem = "-----BEGIN PRIVATE KEY-----\n" + "x".repeat(128);
const vault: Secret = { id: "vault/1", manager: "vault", uri: "http://127.0.0.1:1", prefix: "kv", token: "t" };

const load = async (kind: Kind, id: string, value: unknown, options: LoadOptions = {}): Promise<Loaded["result"]> =>
  (await loadResource(kind, id, toBytes(value), { plugins: catalogue, ...options })).result;

/** The configuration that key-auth has once its secrets are resolved. */
async function configOf(key: string, options: LoadOptions): Promise<unknown> {
  const result = await load("consumer", "jack", { username: "jack", plugins: { "key-auth": { key } } }, options);
  ok(result.ok, JSON.stringify(result));
  return (result.resource as Consumer).plugins?.["key-auth"]?.config;
}

/** The one issue that key-auth's `key` is refused with. */
async function issueOf(key: string, options: LoadOptions): Promise<string> {
  const result = await load("consumer", "jack", { username: "jack", plugins: { "key-auth": { key } } }, options);
  ok(!result.ok);
  strictEqual(result.state, "rejected");
  deepStrictEqual(result.issues.map((issue) => issue.path), ["plugins.key-auth.key"]);
  return result.issues[0]?.message ?? "";
}

describe("keyring", () => {
  it("reads what Apache APISIX wrote", async () => {
    // What `openssl enc -aes-128-cbc` makes of it with the first key as key and initialisation vector.
    const sealed = await keyring.encrypt("auth-one");
    strictEqual(sealed, "4y+JvURBE6ZwRbbgaryrhg==");
    strictEqual(await keyring.decrypt(sealed), "auth-one");
  });

  it("tries every key, and encrypts with the first", async () => {
    const old = createKeyring(["edd1c9f0985e76a2"]);
    strictEqual(await keyring.decrypt(await old.encrypt("grüß")), "grüß");
    const long = createKeyring(["0123456789abcdef0123456789abcdef", "edd1c9f0985e76a2"]);
    strictEqual(await long.decrypt(await long.encrypt("x".repeat(100))), "x".repeat(100));
    strictEqual(await old.decrypt(await long.encrypt("x")), undefined);
  });

  it("knows a text that is no ciphertext", async () => {
    for (const text of ["", "plain", "=".repeat(24), "YWJj", "x".repeat(24), "-----BEGIN"]) {
      strictEqual(await keyring.decrypt(text), undefined);
    }
  });

  it("wants keys of 16 or 32 bytes", () => {
    throws(() => createKeyring(["short"]), /Cannot use key 0 of the keyring as it must have 16 or 32 bytes: it has 5/);
    throws(() => createKeyring([]), TypeError);
  });
});

describe("encrypted fields", () => {
  it("of plugins are decrypted before they are checked; plain ones are taken as they are", async () => {
    deepStrictEqual(await configOf(await keyring.encrypt("s3cret"), { secrets: { keyring } }), { key: "s3cret" });
    deepStrictEqual(await configOf("plain", { secrets: { keyring } }), { key: "plain" });
    deepStrictEqual(await configOf("plain", {}), { key: "plain" });
  });

  it("may hold an encrypted reference", async () => {
    const key = await keyring.encrypt("$env://K");
    deepStrictEqual(await configOf(key, { secrets: { keyring, env: () => "v" } }), { key: "v" });
  });

  it("of certificates must be private keys in the end", async () => {
    const value = async (key: string): Promise<Loaded["result"]> =>
      await load("ssl", "1", { cert: pem, key, certs: [pem], keys: [await keyring.encrypt(pem)], sni: "a" }, {
        secrets: { keyring },
      });
    for (const key of [pem, await keyring.encrypt(pem)]) {
      const result = await value(key);
      ok(result.ok, JSON.stringify(result));
      const { key: plain, keys } = result.resource as Ssl;
      deepStrictEqual([plain, keys], [pem, [pem]]);
    }
    const other = await createKeyring(["0123456789abcdef"]).encrypt(pem);
    const result = await value(other);
    ok(!result.ok);
    deepStrictEqual(result.issues, [{
      path: "key",
      message: "must be a private key in PEM: it is none, and no key of the keyring decrypts it",
    }]);
  });

  it("of upstreams are decrypted wherever the upstream stands", async () => {
    const upstream = { nodes: { a: 1 }, tls: { client_cert: pem, client_key: await keyring.encrypt(pem) } };
    const alone = await load("upstream", "1", upstream, { secrets: { keyring } });
    const inline = await load("route", "1", { uri: "/", upstream }, { secrets: { keyring } });
    ok(alone.ok && inline.ok);
    strictEqual((alone.resource as { tls: { client_key: string } }).tls.client_key, pem);
    strictEqual((inline.resource as { upstream: { tls: { client_key: string } } }).upstream.tls.client_key, pem);
  });
});

describe("references to the environment", () => {
  const env = (name: string): string | undefined => ({ KEY: "v1", JSON: '{"a":"v2","n":3}', EMPTY: "" })[name];
  const options = { secrets: { env } };

  it("are resolved, in either case, with a field of a JSON object", async () => {
    deepStrictEqual(await configOf("$env://KEY", options), { key: "v1" });
    deepStrictEqual(await configOf("$ENV://KEY", options), { key: "v1" });
    deepStrictEqual(await configOf("$ENV://JSON/a", options), { key: "v2" });
    deepStrictEqual(await configOf("$ENV://JSON/n", options), { key: "3" });
    deepStrictEqual(await configOf("$ENV://EMPTY", options), { key: "" });
    deepStrictEqual(await configOf("costs $5", options), { key: "costs $5" });
    deepStrictEqual(await configOf("$5", options), { key: "$5" });
  });

  it("reject the resource where they do not resolve, and never show a value", async () => {
    strictEqual(await issueOf("$env://NONE", options), 'refers to the environment variable "NONE", which is not set');
    strictEqual(await issueOf("$env://KEY", {}), 'refers to the environment variable "KEY", which is not set');
    for (const field of ["x", "toString", "__proto__"]) {
      strictEqual(
        await issueOf(`$env://JSON/${field}`, options),
        `refers to the environment variable "JSON", which is no JSON object with a text in "${field}"`,
      );
    }
    ok(!(await issueOf("$env://KEY/x", options)).includes("v1"));
    strictEqual(
      await issueOf("$env://OWN_KEY", { secrets: { env: () => "hunter2", ownEnv: "OWN_" } }),
      'refers to the environment variable "OWN_KEY", which is never resolved: those that begin with OWN_ are the gateway\'s own',
    );
    const failing = (): never => {
      throw new Error("hunter2");
    };
    strictEqual(
      await issueOf("$env://KEY", { secrets: { env: failing } }),
      'refers to the environment variable "KEY", which this process may not read',
    );
  });

  it("are resolved anywhere in a value, and what is resolved is what is validated", async () => {
    const route = { uri: "/", upstream_id: "1", desc: "$env://LONG" };
    const result = await load("route", "1", route, { secrets: { env: () => "hunter2".repeat(100) } });
    ok(!result.ok);
    deepStrictEqual(result.issues, [{
      path: "desc",
      message: "must be a string of at most 256 characters, is a string",
    }]);
  });

  it("hide what a plugin's check would tell of them", async () => {
    const telling: LoadOptions = {
      plugins: {
        check: (_, config) => ({
          ok: false,
          issues: [{ path: "key", message: `must be short, is ${(config as { key: string }).key}` }],
        }),
      },
      secrets: { env: () => "hunter2" },
    };
    strictEqual(await issueOf("$env://KEY", telling), "is not valid; what it is, is secret");
  });
});

describe("references to a manager", () => {
  const managerOf = (id: string): Secret | undefined => id === "vault/1" ? vault : undefined;

  it("are fetched with the manager's resource", async () => {
    const seen: unknown[] = [];
    const secrets = {
      secret: (...[reference, manager]: [unknown, Secret, AbortSignal]): Promise<string> => {
        seen.push(reference, manager);
        return Promise.resolve("v3");
      },
    };
    deepStrictEqual(await configOf("$secret://vault/1/jack/key", { managerOf, secrets }), { key: "v3" });
    deepStrictEqual(seen, [{ manager: "vault", id: "1", key: "jack/key" }, vault]);
  });

  it("name the secrets that the value depends on, there or not", async () => {
    const value = { username: "jack", plugins: { "key-auth": { key: "$secret://aws/x/k" } } };
    const loaded = await loadResource("consumer", "jack", toBytes(value), { plugins: catalogue });
    deepStrictEqual([...loaded.fetched], [["aws/x/k", false]]);
  });

  it("reject the resource where they do not resolve", async () => {
    strictEqual(await issueOf("$secret://vault/2/k", { managerOf }), 'refers to secret "vault/2", which is not there');
    strictEqual(
      await issueOf("$secret://vault/1/k", { managerOf }),
      'cannot resolve "$secret://vault/1/k", as this gateway has no client for vault',
    );
    strictEqual(
      await issueOf("$secret://vault/1", { managerOf }),
      'must be $secret://manager/id/key, is "$secret://vault/1"',
    );
    const secret = (): Promise<string> => Promise.reject(new Error("403 Forbidden"));
    strictEqual(
      await issueOf("$secret://vault/1/k", { managerOf, secrets: { secret } }),
      'cannot resolve "$secret://vault/1/k": "403 Forbidden"',
    );
  });

  it("are given up after a time, and told so", async () => {
    let aborted = false;
    const secret = (_: unknown, __: Secret, signal: AbortSignal): Promise<string> => {
      signal.addEventListener("abort", () => aborted = true);
      return new Promise(() => {});
    };
    strictEqual(
      await issueOf("$secret://vault/1/k", { managerOf, secrets: { secret, timeoutMs: 20 } }),
      'cannot resolve "$secret://vault/1/k", as vault did not answer within 20 ms',
    );
    ok(aborted);
  });

  it("are not followed inside a manager's own resource", async () => {
    const value = { uri: "http://a", prefix: "kv", token: "$secret://vault/1/token" };
    const result = await load("secret", "vault/1", value, {
      managerOf,
      secrets: { secret: () => Promise.resolve("x") },
    });
    ok(!result.ok);
    strictEqual(result.issues[0]?.path, "token");
  });
});

describe("loadResource", () => {
  it("answers at once where there is nothing to resolve", () => {
    ok(!(loadResource("route", "1", toBytes({ uri: "/", upstream_id: "1" })) instanceof Promise));
  });

  it("does not reject where a client throws instead of rejecting", async () => {
    const secret = (): never => {
      throw new Error("broken");
    };
    strictEqual(
      await issueOf("$secret://vault/1/k", { managerOf: () => vault, secrets: { secret } }),
      'cannot resolve "$secret://vault/1/k": "broken"',
    );
  });
});

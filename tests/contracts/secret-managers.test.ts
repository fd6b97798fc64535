// The clients of secret managers, over sockets, each against a server that speaks its manager's API.
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, describe, it } from "node:test";
import type { AwsSecret, GcpSecret, Secret, VaultSecret } from "../../src/config/secret.ts";
import { type AskOptions, askOver } from "../../src/forward/ask-manager.ts";
import { compileCidrs } from "../../src/net/cidr.ts";
import { http1Transport } from "../../src/runtimes/transports/http1.ts";
import { createSecretClient, type SecretClientOptions } from "../../src/secrets/client.ts";
import { createAuthority } from "../support/authority.ts";
import { answerAws, type AskedRequest, claimsOf, type ManagerReply, startManager } from "../support/secret-managers.ts";

const transport = http1Transport();
after(() => transport.close());

interface FetchOptions extends AskOptions, Omit<SecretClientOptions, "ask"> {
  readonly signal?: AbortSignal;
}

function fetchSecret(manager: Secret, key: string, { signal, ...options }: FetchOptions = {}): Promise<string> {
  const client = createSecretClient({ ...options, ask: askOver(transport, options) });
  return client({ manager: manager.manager, id: "1", key }, manager, signal ?? AbortSignal.timeout(5000));
}

type Reply = (request: AskedRequest) => ManagerReply | undefined;

/** Runs against a manager that answers so, and says what it was asked. */
async function withManager<T>(reply: Reply, work: (url: string, asked: readonly AskedRequest[]) => Promise<T>) {
  const manager = await startManager(reply);
  try {
    return await work(manager.url, manager.asked);
  } finally {
    await manager.close();
  }
}

describe("HashiCorp Vault", () => {
  const vault = (uri: string, more: Partial<VaultSecret> = {}): VaultSecret => (
    { id: "vault/1", manager: "vault", uri, prefix: "kv/apisix", token: "root-token", ...more }
  );
  const first: Reply = () => [200, { data: { key: "v", n: 7, deep: {} }, lease_duration: 1 }];

  it("gives a field of a secret of the first version", () =>
    withManager(first, async (url, asked) => {
      strictEqual(await fetchSecret(vault(url), "users/jack/key"), "v");
      const [{ method, url: path, headers, body }] = asked as [AskedRequest];
      deepStrictEqual([method, path, body], ["GET", "/v1/kv/apisix/users/jack", ""]);
      deepStrictEqual([headers["x-vault-token"], headers["x-vault-namespace"]], ["root-token", undefined]);
      strictEqual(await fetchSecret(vault(url), "jack/n"), "7");
    }));

  it("gives a field of a secret of the second version", () =>
    withManager(
      () => [200, { data: { data: { key: "v2" }, metadata: { version: 3, destroyed: false } } }],
      async (url, asked) => {
        strictEqual(await fetchSecret(vault(url, { prefix: "secret/data" }), "jack/key"), "v2");
        strictEqual(asked[0]?.url, "/v1/secret/data/jack");
      },
    ));

  it("is asked within a namespace, under a path of its own, for names that need escapes", () =>
    withManager(first, async (url, asked) => {
      await fetchSecret(vault(`${url}/vault/`, { namespace: "team/a" }), "jack ?#é/key");
      strictEqual(asked[0]?.url, "/vault/v1/kv/apisix/jack%20%3F%23%C3%A9");
      strictEqual(asked[0].headers["x-vault-namespace"], "team/a");
    }));

  it("is not asked for what climbs out of the prefix, or names no field", () =>
    withManager(first, async (url, asked) => {
      await rejects(fetchSecret(vault(url), "../sys/key"), { message: /must not have/ });
      await rejects(fetchSecret(vault(url), "jack"), { message: /name\/field/ });
      await rejects(fetchSecret(vault(url, { token: "a\r\nX-Evil: 1" }), "jack/key"), { message: /no header field/ });
      strictEqual(asked.length, 0);
    }));

  const failures: readonly (readonly [string, ManagerReply, RegExp])[] = [
    ["a status", [403, { errors: ["hunter2"] }], /^vault answered with status 403 \(the token may not read it\)$/],
    ["a redirect, which is not followed", [307, "hunter2"], /^vault answered with status 307$/],
    ["no JSON", [200, "hunter2"], /^vault answered with no JSON object$/],
    ["no such field", [200, { data: { other: "hunter2" } }], /^the secret has no text in its field "key"$/],
    ["a field that is no text", [200, { data: { key: { a: "hunter2" } } }], /no text in its field "key"/],
    ["a field of every object", [200, { data: {} }], /no text in its field/],
    ["a deleted second version", [200, { data: { data: null, metadata: { version: 1 } } }], /no text in its field/],
    ["too much", [200, { data: { key: "x".repeat(2000) } }], /^the answer has more than 1000 bytes$/],
  ];
  for (const [name, reply, message] of failures) {
    it(`says why it cannot, and shows nothing that was answered: ${name}`, () =>
      withManager(() => reply, (url) => rejects(fetchSecret(vault(url), "jack/key", { maxBytes: 1000 }), { message })));
  }

  it("is given up where it does not answer, and told to be away", () =>
    withManager(() => undefined, async (url) => {
      const given = fetchSecret(vault(url), "jack/key", { signal: AbortSignal.timeout(50) });
      await rejects(given, { message: /cannot be asked/, away: true });
    }));

  it("is away where nobody listens", async () => {
    const url = await withManager(first, (url) => Promise.resolve(url));
    await rejects(fetchSecret(vault(url), "jack/key"), { message: /cannot be asked \(connect_refused\)/, away: true });
  });

  it("is not asked at an address that is denied", () =>
    withManager(first, async (url, asked) => {
      const denied = compileCidrs(["127.0.0.0/8"]);
      if (typeof denied !== "function") throw new Error("no test of addresses");
      await rejects(fetchSecret(vault(url), "jack/key", { denied }), { message: /cannot be asked/ });
      const named = vault(url.replace("127.0.0.1", "localhost"));
      await rejects(fetchSecret(named, "jack/key", { denied }), { message: /cannot be asked/ });
      strictEqual(asked.length, 0);
    }));

  it("must have a certificate of an authority that is trusted, for the name that was asked", async () => {
    const authority = createAuthority();
    const good = await startManager(first, authority.issue("IP:127.0.0.1"));
    const other = await startManager(first, authority.issue("DNS:other.test"));
    try {
      strictEqual(await fetchSecret(vault(good.url), "jack/key", { ca: authority.ca }), "v");
      await rejects(fetchSecret(vault(good.url), "jack/key"), { message: /cannot be asked \(tls_failed\)/ });
      await rejects(fetchSecret(vault(other.url), "jack/key", { ca: authority.ca }), { message: /tls_failed/ });
      strictEqual(good.asked.length + other.asked.length, 1);
    } finally {
      await Promise.all([good.close(), other.close()]);
    }
  });
});

describe("AWS Secrets Manager", () => {
  const aws = (endpoint_url: string, more: Partial<AwsSecret> = {}): AwsSecret => ({
    id: "aws/1",
    manager: "aws",
    access_key_id: "AKIDEXAMPLE",
    secret_access_key: "a secret/key+",
    region: "eu-central-1",
    endpoint_url,
    ...more,
  });
  const SECRETS = { jack: '{"key":"v","n":1}', "team/jack": '{"key":"t"}', "team/plain/text": "whole" };
  const reply: Reply = (request) => answerAws(request, "a secret/key+", SECRETS);

  it("gives a secret whole, or a field of it; the longest name counts", () =>
    withManager(reply, async (url, asked) => {
      strictEqual(await fetchSecret(aws(url), "jack"), SECRETS.jack);
      strictEqual(await fetchSecret(aws(url), "team/plain/text"), "whole");
      strictEqual(await fetchSecret(aws(url), "jack/key"), "v");
      strictEqual(await fetchSecret(aws(url), "team/jack/key"), "t");
      deepStrictEqual(asked.slice(-2).map(({ body }) => (JSON.parse(body) as { SecretId: string }).SecretId), [
        "team/jack/key",
        "team/jack",
      ]);
      ok(asked[0]?.headers.authorization?.includes("/eu-central-1/secretsmanager/aws4_request"));
    }));

  it("is asked with the token of a session", () =>
    withManager(reply, async (url, asked) => {
      strictEqual(await fetchSecret(aws(url, { session_token: "session" }), "jack/key"), "v");
      strictEqual(asked[0]?.headers["x-amz-security-token"], "session");
      ok(asked[0].headers.authorization?.includes("x-amz-security-token"));
    }));

  it("says why it cannot, and shows nothing that was answered", () =>
    withManager(reply, async (url) => {
      await rejects(fetchSecret(aws(url), "nobody/key"), { message: "aws knows no such secret" });
      await rejects(fetchSecret(aws(url), "/jack"), { message: /a name must follow/ });
      await rejects(fetchSecret(aws(url), "jack/other"), { message: /no text in its field "other"/ });
      await rejects(fetchSecret(aws(url), "team/plain/text/x"), { message: /no text in its field "x"/ });
      await rejects(fetchSecret(aws(url, { secret_access_key: "wrong" }), "jack"), {
        message: "aws answered with status 400 (InvalidSignatureException)",
      });
    }));

  it("gives no binary secret", () =>
    withManager(
      () => [200, { SecretBinary: "aHVudGVyMg==" }],
      (url) => rejects(fetchSecret(aws(url), "jack"), { message: "the secret is binary, and a text is needed" }),
    ));
});

describe("Google Secret Manager", () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const gcp = (url: string, more: Partial<GcpSecret["auth_config"]> = {}): GcpSecret => ({
    id: "gcp/1",
    manager: "gcp",
    ssl_verify: true,
    auth_config: {
      client_email: "gatewatch@project.test",
      private_key: privateKey,
      project_id: "project",
      token_uri: `${url}/token`,
      entries_uri: `${url}/v1`,
      ...more,
    },
  });
  const claims: unknown[] = [];
  const reply: Reply = ({ method, url, headers, body }) => {
    if (url === "/token" && method === "POST") {
      const claimed = claimsOf(body, privateKey);
      claims.push(claimed);
      return claimed === undefined ? [400, {}] : [200, { access_token: "t1", token_type: "Bearer", expires_in: 3600 }];
    }
    if (headers.authorization !== "Bearer t1") return [401, {}];
    const name = /^\/v1\/projects\/project\/secrets\/([^/]+)\/versions\/latest:access$/.exec(url)?.[1];
    const secret = { jack: '{"key":"v"}', plain: "whole ü" }[name ?? ""];
    return secret === undefined
      ? [404, { error: "hunter2" }]
      : [200, { payload: { data: Buffer.from(secret).toString("base64") } }];
  };

  it("gives a secret whole, or a field of it, for a token that the account's key signed for", () =>
    withManager(reply, async (url, asked) => {
      const now = () => 1_700_000_000_000;
      strictEqual(await fetchSecret(gcp(url), "plain", { now }), "whole ü");
      strictEqual(await fetchSecret(gcp(url), "jack/key", { now }), "v");
      deepStrictEqual(claims[0], {
        scope: "https://www.googleapis.com/auth/cloud-platform",
        iss: "gatewatch@project.test",
        aud: `${url}/token`,
        iat: 1_700_000_000,
        exp: 1_700_003_600,
      });
      strictEqual(asked[0]?.headers["content-type"], "application/x-www-form-urlencoded");
    }));

  it("is asked for one token for many secrets, and for another when it ends", () =>
    withManager(reply, async (url, asked) => {
      let now = 1_700_000_000_000;
      const client = createSecretClient({ ask: askOver(transport), now: () => now });
      const read = () => client({ manager: "gcp", id: "1", key: "jack/key" }, gcp(url), AbortSignal.timeout(5000));
      const tokens = () => asked.filter((request) => request.url === "/token").length;
      await read();
      await read();
      strictEqual(tokens(), 1);
      now += 3_541_000;
      await read();
      strictEqual(tokens(), 2);
    }));

  it("reads the account from a file", () =>
    withManager(reply, async (url) => {
      const { auth_config } = gcp(url);
      const config: GcpSecret = { id: "gcp/1", manager: "gcp", ssl_verify: true, auth_file: "/etc/account.json" };
      const file = JSON.stringify({ type: "service_account", ...auth_config });
      strictEqual(await fetchSecret(config, "jack/key", { readFile: () => Promise.resolve(file) }), "v");
      await rejects(fetchSecret(config, "jack"), { message: /use auth_config/ });
      await rejects(fetchSecret(config, "jack", { readFile: () => Promise.reject(new Error("hunter2")) }), {
        message: 'auth_file "/etc/account.json" cannot be read',
      });
      await rejects(fetchSecret(config, "jack", { readFile: () => Promise.resolve("{}") }), { message: /must have/ });
    }));

  it("says why it cannot, and shows nothing that was answered", () =>
    withManager(reply, async (url) => {
      await rejects(fetchSecret(gcp(url), "nobody"), {
        message: "gcp answered with status 404 (there is no such secret)",
      });
      await rejects(fetchSecret(gcp(url, { private_key: "-----BEGIN NOTHING-----" }), "jack"), {
        message: /^private_key must be/,
      });
      await rejects(fetchSecret(gcp(url, { token_uri: `${url}/other` }), "jack"), { message: /token endpoint.* 401/ });
      await rejects(fetchSecret(gcp(url), "jack/other"), { message: /no text in its field "other"/ });
    }));
});

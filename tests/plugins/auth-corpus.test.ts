import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { createAccessLog } from "../../src/observe/access-log.ts";
import { type GatewayAnswer, type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { sign } from "../support/tokens.ts";
import type { BadCredentials } from "./auth-corpus/entry.ts";
import { type CorpusKeys, createKeys, fill, SECRETS } from "./auth-corpus/gateway.ts";
import { BAD_KEYS } from "./auth-corpus/keys.ts";
import { BAD_PASSWORDS } from "./auth-corpus/passwords.ts";
import { badTokens } from "./auth-corpus/tokens.ts";

const CHALLENGES: Readonly<Record<string, string>> = {
  key: 'apikey realm="key"',
  closed: 'apikey realm="key"',
  basic: 'Basic realm="basic"',
  jwt: 'Bearer realm="jwt"',
  strict: 'Bearer realm="jwt"',
};

describe("bad credentials", () => {
  const records: LogRecord[] = [];
  /** All that was written of answers. */
  const answers: string[] = [];
  let gateway: PluginGateway;
  let keys: CorpusKeys;
  let tokens: readonly BadCredentials[];
  let counted = 0;

  before(async () => {
    configureSync({
      reset: true,
      sinks: { all: (record) => records.push(record) },
      loggers: [
        { category: [], sinks: ["all"], lowestLevel: "trace" },
        { category: ["logtape", "meta"], sinks: [], parentSinks: "override" },
      ],
    });
    gateway = await startPluginGateway({ onAnswer: createAccessLog("all") });
    keys = await createKeys();
    await fill(gateway, keys);
    tokens = await badTokens(keys);
  });
  after(async () => {
    await gateway.close();
    resetSync();
  });

  const send = ({ method = "GET", query = "", headers = [], body, raw }: BadCredentials, route: string) => {
    if (raw !== undefined) return gateway.raw(raw);
    return gateway.send(`/${route}${query}`, { method, headers, ...(body === undefined ? {} : { body }) });
  };
  const refuses = async (bad: BadCredentials, list: string): Promise<void> => {
    const { name, route = list, status = 401, message } = bad;
    const reached = gateway.origin.seen.length;
    const answer: GatewayAnswer = await send(bad, route);
    answers.push(answer.headers.join("\n"), answer.text);
    assert.equal(answer.status, status, `${list}: ${name}: ${answer.text}`);
    assert.equal(gateway.origin.seen.length, reached, `${list}: ${name}: reached the upstream`);
    if (message !== undefined) assert.deepEqual(answer.json(), { message }, `${list}: ${name}`);
    const challenge = CHALLENGES[route];
    if (status === 401 && challenge !== undefined) assert.equal(answer.header("www-authenticate"), challenge, name);
    counted++;
  };

  it("passes with the good ones", async () => {
    const jack = { headers: { apikey: SECRETS.jackKey } };
    assert.equal((await gateway.send("/key", jack)).status, 200);
    const ann = `Basic ${btoa(`ann:${SECRETS.annPassword}`)}`;
    assert.equal((await gateway.send("/basic", { headers: { Authorization: ann } })).status, 200);
    for (
      const signed of [
        await sign("HS256", SECRETS.hsSecret, { key: "hs-id" }),
        await sign("HS512", SECRETS.annSecret, { key: "ann-id" }),
        await sign("RS256", keys.rsa.privateKey, { key: "rs-id" }),
        await sign("ES256", keys.p256.privateKey, { key: "es-id" }),
        await sign("EdDSA", keys.ed25519.privateKey, { key: "ed-id" }),
        await sign("HS256", "corpus-base64-secret-2f", { key: "b64-id" }),
      ]
    ) assert.equal((await gateway.send("/jwt", { headers: { Authorization: `Bearer ${signed}` } })).status, 200);
  });

  describe("of key-auth", () => {
    for (const bad of BAD_KEYS) it(`refuses ${bad.name}`, () => refuses(bad, "key"));
  });

  describe("of basic-auth", () => {
    for (const bad of BAD_PASSWORDS) it(`refuses ${bad.name}`, () => refuses(bad, "basic"));
  });

  it("of jwt-auth are all refused", async () => {
    for (const bad of tokens) await refuses(bad, "jwt");
  });

  it("are more than sixty", () => assert.ok(counted > 60, String(counted)));

  it("leave no secret in a log, a status, an explanation or an answer", async () => {
    const routes = ["key", "basic", "jwt", "restricted", "closed"];
    const explanations = await Promise.all(routes.map((route) =>
      gateway.gateway.explain({
        method: "GET",
        url: `http://localhost/${route}?apikey=${SECRETS.jackKey}&jwt=${SECRETS.hsSecret}`,
        headers: ["apikey", SECRETS.jackKey, "Authorization", `Basic ${btoa(`ann:${SECRETS.annPassword}`)}`],
      })
    ));
    await gateway.put({
      "consumers/jack": {
        username: "jack",
        plugins: {
          "key-auth": { key: SECRETS.jackKey },
          "jwt-auth": { key: "x", secret: SECRETS.hsSecret, exp: SECRETS.hsSecret },
        },
      },
      "consumers/other": { username: "other", plugins: { "key-auth": { key: SECRETS.umlautKey } } },
      "consumers/ann": { username: "ann", plugins: { "basic-auth": { username: 1, password: [SECRETS.annPassword] } } },
    });
    assert.equal(gateway.keyStatus("consumers/ann").state, "stale");
    assert.equal(gateway.warnings("consumers/other").length, 1);
    assert.ok(records.length > 100, "the access log was heard");
    const written: Record<string, string> = {
      log: records.map(textOf).join("\n"),
      status: JSON.stringify([gateway.gateway.status(), gateway.gateway.keys({})]),
      explanations: JSON.stringify(explanations),
      answers: answers.join("\n"),
    };
    const given = tokens.flatMap(({ headers = [] }) => headers.filter((_, i) => i % 2 === 1))
      .flatMap((value) => value.split("."))
      .filter((part) => part.length > 20);
    const secrets = [
      ...Object.values(SECRETS),
      btoa(`ann:${SECRETS.annPassword}`),
      btoa(SECRETS.jackKey),
      ...[keys.rsa, keys.p256, keys.ed25519].map(({ publicKey }) => publicKey.split("\n")[1]!),
      ...given,
    ];
    for (const [place, text] of Object.entries(written)) {
      for (const secret of secrets) assert.ok(!text.includes(secret), `${place} holds ${secret.slice(0, 40)}`);
    }
  });
});

/** All that a sink could write of a record. */
function textOf({ category, message, rawMessage, properties }: LogRecord): string {
  return JSON.stringify(
    [category, message, rawMessage, properties],
    (_, value) => value instanceof Error ? { message: value.message, stack: value.stack, cause: value.cause } : value,
  );
}

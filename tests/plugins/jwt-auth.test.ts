import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { JWT_ALGORITHMS } from "../../src/pipeline/jwt.ts";
import { definePlugin } from "../../src/pipeline/plugin.ts";
import * as v from "valibot";
import { itRejects } from "../support/faults.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { at, createPair, createShortKey, type PemPair, sign } from "../support/tokens.ts";

const SECRET = "a-secret-of-jack";

/** Shows what jwt-auth left for others. */
const claims = definePlugin({
  name: "claims",
  priority: 1,
  schema: v.object({}),
  create: () => async (c, next) => {
    c.get("upstream").headers.set("X-Claims", JSON.stringify(c.get("jwtPayload") ?? null));
    await next();
  },
});

describe("jwt-auth", () => {
  let gateway: PluginGateway;
  let good = "";
  const pairs = new Map<string, PemPair>();
  const pairOf = (algorithm: string): PemPair => pairs.get(/^[RP]S/.test(algorithm) ? "RS256" : algorithm)!;
  before(async () => {
    gateway = await startPluginGateway({ plugins: [claims] });
    for (const algorithm of ["RS256", "ES256", "ES384", "ES512", "EdDSA"]) {
      pairs.set(algorithm, await createPair(algorithm));
    }
    good = await sign("HS256", SECRET, { key: "jack-id" });
  });
  after(() => gateway.close());

  const consumersOf = (config: Record<string, unknown> = {}) => ({
    "consumers/jack": { username: "jack", plugins: { "jwt-auth": { key: "jack-id", secret: SECRET, ...config } } },
    "consumers/anonymous": { username: "anonymous" },
  });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  for (const algorithm of JWT_ALGORITHMS) {
    it(`takes what was signed by ${algorithm}, and nothing else`, async () => {
      const symmetric = algorithm.startsWith("HS");
      const key = symmetric ? SECRET : pairOf(algorithm).privateKey;
      const material = symmetric ? { secret: SECRET } : { public_key: pairOf(algorithm).publicKey, secret: undefined };
      await gateway.route({ "jwt-auth": {} }, consumersOf({ algorithm, ...material }));
      const signed = await sign(algorithm, key, { key: "jack-id" });
      const seen = (await gateway.send("/", { headers: bearer(signed) })).echoed();
      assert.equal(seen.header("x-consumer-username"), "jack");
      const [header, , signature] = signed.split(".");
      const payload = (await sign("HS256", SECRET, { key: "jack-id", admin: true })).split(".")[1];
      for (const bad of [`${header}.${payload}.${signature}`, algorithm === "HS256" ? `${good}A` : good]) {
        assert.equal((await gateway.send("/", { headers: bearer(bad) })).status, 401);
      }
    });
  }

  it("reads the token from the header, the query or a cookie, in this order", async () => {
    await gateway.route({ "jwt-auth": {} }, consumersOf());
    const places: { target?: string; headers?: Record<string, string> }[] = [
      { headers: { authorization: good } },
      { headers: { Authorization: `bearer ${good}` } },
      { target: `/?jwt=${good}` },
      { headers: { cookie: `a=b; jwt=${good}` } },
      { target: `/?jwt=bad`, headers: { authorization: good } },
      { target: `/?jwt=${good}`, headers: { cookie: "jwt=bad" } },
    ];
    for (const { target = "/", headers = {} } of places) {
      assert.equal((await gateway.send(target, { headers })).status, 200, JSON.stringify({ target, headers }));
    }
    const none = await gateway.send("/", { headers: { cookie: "a=b" } });
    assert.equal(none.status, 401);
    assert.deepEqual(none.json(), { message: "Missing JWT token in request" });
    assert.equal(none.header("www-authenticate"), 'Bearer realm="jwt"');
  });

  it("reads other places and another claim, and names another realm", async () => {
    const config = { header: "X-Token", query: "t", cookie: "c", key_claim_name: "iss", realm: "tokens" };
    await gateway.route({ "jwt-auth": config }, consumersOf());
    const signed = await sign("HS256", SECRET, { iss: "jack-id" });
    assert.equal((await gateway.send("/", { headers: { "x-token": signed } })).status, 200);
    assert.equal((await gateway.send(`/?t=${signed}`)).status, 200);
    assert.equal((await gateway.send("/", { headers: { cookie: `c=${signed}` } })).status, 200);
    assert.equal(
      (await gateway.send("/", { headers: bearer(signed) })).header("www-authenticate"),
      'Bearer realm="tokens"',
    );
    const otherClaim = await gateway.send("/", { headers: { "x-token": good } });
    assert.deepEqual(otherClaim.json(), { message: "missing user key in JWT token" });
  });

  it("hides the token that it took, and leaves the rest", async () => {
    await gateway.route({ "jwt-auth": { hide_credentials: true } }, consumersOf());
    assert.equal((await gateway.send("/", { headers: bearer(good) })).echoed().header("authorization"), undefined);
    assert.equal((await gateway.send(`/a%20b?x=%20&jwt=${good}&y`)).echoed().target, "/a%20b?x=%20&y");
    const cookie = (await gateway.send("/", { headers: { cookie: `a="1 2"; jwt=${good}; b=2` } })).echoed();
    assert.equal(cookie.header("cookie"), 'a="1 2"; b=2');
    assert.equal(
      (await gateway.send("/", { headers: { cookie: `jwt=${good}` } })).echoed().header("cookie"),
      undefined,
    );
    await gateway.route({ "jwt-auth": {} }, consumersOf());
    assert.equal(
      (await gateway.send("/", { headers: bearer(good) })).echoed().header("authorization"),
      `Bearer ${good}`,
    );
  });

  it("lets others pass as the anonymous consumer, without their tokens where they are hidden", async () => {
    await gateway.route({ "jwt-auth": { anonymous_consumer: "anonymous", hide_credentials: true } }, consumersOf());
    for (const headers of [{}, bearer("bad"), bearer(await sign("HS256", "other", { key: "jack-id" }))]) {
      const seen = (await gateway.send("/", { headers })).echoed();
      assert.equal(seen.header("x-consumer-username"), "anonymous");
      assert.equal(seen.header("authorization"), undefined);
    }
    assert.equal((await gateway.send("/", { headers: bearer(good) })).echoed().header("x-consumer-username"), "jack");
    await gateway.put({ "consumers/anonymous": undefined });
    assert.deepEqual((await gateway.send("/")).json(), { message: "Invalid user authorization" });
  });

  it("takes a secret in base64", async () => {
    const bytes = Uint8Array.of(0, 255, 128, 7);
    await gateway.route(
      { "jwt-auth": {} },
      consumersOf({ secret: btoa(String.fromCharCode(...bytes)), base64_secret: true }),
    );
    const signed = await sign("HS256", bytes, { key: "jack-id" });
    assert.equal((await gateway.send("/", { headers: bearer(signed) })).status, 200);
  });

  describe("looks at the times in a token", () => {
    const times = [
      { name: "neither", payload: () => ({}), ok: true },
      { name: "exp to come", payload: () => ({ exp: at(60) }), ok: true },
      { name: "exp over", payload: () => ({ exp: at(-60) }), ok: false },
      { name: "exp now", payload: () => ({ exp: at(0) }), ok: false },
      { name: "nbf over", payload: () => ({ nbf: at(-60) }), ok: true },
      { name: "nbf now", payload: () => ({ nbf: at(0) }), ok: true },
      { name: "nbf to come", payload: () => ({ nbf: at(60) }), ok: false },
      { name: "exp over, in the grace period", payload: () => ({ exp: at(-60) }), grace: 100, ok: true },
      { name: "nbf to come, in the grace period", payload: () => ({ nbf: at(60) }), grace: 100, ok: true },
      { name: "exp over, after the grace period", payload: () => ({ exp: at(-60) }), grace: 30, ok: false },
      { name: "no exp, which is asked for", payload: () => ({ nbf: at(-60) }), required: ["exp"], ok: false },
      { name: "no nbf, which is asked for", payload: () => ({ exp: at(60) }), required: ["exp", "nbf"], ok: false },
      {
        name: "both, which are asked for",
        payload: () => ({ exp: at(60), nbf: at(-60) }),
        required: ["exp", "nbf"],
        ok: true,
      },
      {
        name: "exp over, where only nbf is asked for",
        payload: () => ({ exp: at(-60), nbf: at(-60) }),
        required: ["nbf"],
        ok: false,
      },
      { name: "exp over, with an empty list", payload: () => ({ exp: at(-60) }), required: [], ok: false },
      { name: "exp as text", payload: () => ({ exp: String(at(60)) }), ok: false },
      { name: "exp null", payload: () => ({ exp: null }), ok: false },
    ];
    for (const { name, payload, ok, grace, required } of times) {
      it(`${ok ? "takes" : "refuses"} ${name}`, async () => {
        await gateway.route(
          { "jwt-auth": required === undefined ? {} : { claims_to_verify: required } },
          consumersOf(grace === undefined ? {} : { lifetime_grace_period: grace }),
        );
        const signed = await sign("HS256", SECRET, { key: "jack-id", ...payload() });
        const answer = await gateway.send("/", { headers: bearer(signed) });
        assert.equal(answer.status, ok ? 200 : 401);
        if (!ok) assert.deepEqual(answer.json(), { message: "failed to verify jwt" });
      });
    }
  });

  it("leaves the claims to other plugins where store_in_ctx says so", async () => {
    await gateway.route({ "jwt-auth": { store_in_ctx: true }, "claims": {} }, consumersOf());
    const seen = async () => (await gateway.send("/", { headers: bearer(good) })).echoed().header("x-claims");
    assert.equal(await seen(), '{"key":"jack-id"}');
    await gateway.route({ "jwt-auth": {}, "claims": {} }, consumersOf());
    assert.equal(await seen(), "null");
  });

  it("takes a new key at once", async () => {
    await gateway.route({ "jwt-auth": {} }, consumersOf());
    assert.equal((await gateway.send("/", { headers: bearer(good) })).status, 200);
    await gateway.put(consumersOf({ secret: "another" }));
    assert.equal((await gateway.send("/", { headers: bearer(good) })).status, 401);
    const fresh = await sign("HS256", "another", { key: "jack-id" });
    assert.equal((await gateway.send("/", { headers: bearer(fresh) })).status, 200);
  });

  itRejects(() => gateway, "jwt-auth", "route", [
    {
      config: { key_claim_name: "" },
      issues: ["key_claim_name: must be a string of 1 to 256 characters, is a string"],
    },
    { config: { claims_to_verify: ["iat"] }, issues: ['claims_to_verify[0]: must be one of exp, nbf, is "iat"'] },
    { config: { claims_to_verify: ["exp", "exp"] }, issues: ["claims_to_verify: must not have an item twice"] },
    { config: { cookie: 1 }, issues: ["cookie: must be a string, is 1"] },
    { config: { store_in_ctx: 1 }, issues: ["store_in_ctx: must be true or false, is 1"] },
  ]);
  itRejects(() => gateway, "jwt-auth", "consumer", [
    { config: {}, issues: ["key: is required"] },
    { config: { key: "k" }, issues: ["secret: is required for HS256"] },
    {
      config: { key: "k", secret: "s", algorithm: "none" },
      issues: [`algorithm: must be one of ${JWT_ALGORITHMS.join(", ")}, is a string`],
    },
    { config: { key: "k", secret: "s", algorithm: "RS256" }, issues: ["public_key: is required for RS256"] },
    {
      config: { key: "k", public_key: "abc", algorithm: "ES256" },
      issues: ["public_key: must be a public key in PEM (BEGIN PUBLIC KEY): RSA, EC P-256, P-384, P-521 or Ed25519"],
    },
    {
      config: { key: "k", secret: "s", lifetime_grace_period: -1 },
      issues: ["lifetime_grace_period: must be an integer of at least 0, is a number"],
    },
    { config: { key: "k", secret: "s", exp: 0 }, issues: ["exp: must be an integer of at least 1, is a number"] },
    {
      config: { key: "k", secret: "%%%", base64_secret: true },
      issues: ["secret: is not valid; what it is, is secret"],
    },
  ]);

  it("rejects a public key of another kind or too short, and a private key, and shows none of them", async () => {
    const short = await createShortKey();
    const rsa = pairOf("RS256"), p256 = pairOf("ES256");
    const table: [algorithm: string, key: string, message: string][] = [
      ["ES256", rsa.publicKey, "must be an EC key on P-256 for ES256, is an RSA key"],
      ["ES384", p256.publicKey, "must be an EC key on P-384 for ES384, is an EC key on P-256"],
      ["PS512", p256.publicKey, "must be an RSA key for PS512, is an EC key on P-256"],
      ["EdDSA", p256.publicKey, "must be an Ed25519 key for EdDSA, is an EC key on P-256"],
      ["RS256", pairOf("EdDSA").publicKey, "must be an RSA key for RS256, is an Ed25519 key"],
      [
        "RS256",
        rsa.privateKey,
        "must be a public key in PEM (BEGIN PUBLIC KEY): RSA, EC P-256, P-384, P-521 or Ed25519",
      ],
      ["RS256", short, "must have at least 2048 bits, has 1024"],
    ];
    for (const [algorithm, key, message] of table) {
      await gateway.put({
        "consumers/f": { username: "f", plugins: { "jwt-auth": { key: "k", algorithm, public_key: key } } },
      });
      assert.deepEqual(gateway.issues("consumers/f"), [`plugins.jwt-auth.public_key: ${message}`]);
      assert.ok(!JSON.stringify(gateway.keyStatus("consumers/f")).includes(key.split("\n")[1]!));
      await gateway.put({ "consumers/f": undefined });
    }
  });
});

import { getLogger } from "@logtape/logtape";
import * as v from "valibot";
import { fields, flag, integer, oneOf, text, unique } from "../config/fields.ts";
import { rule, ruled } from "../config/schema-tools.ts";
import { parseCookies } from "../match/cookies.ts";
import { anonymousConsumer, authenticate, realm, soleValue, type Verdict } from "../pipeline/authentication.ts";
import type { ConsumerIdentity } from "../pipeline/consumers.ts";
import type { PluginContext, PluginExchange, UpstreamRequest } from "../pipeline/context.ts";
import { importKey, isSigned, JWT_ALGORITHMS, type JwtAlgorithm, readToken } from "../pipeline/jwt.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { readPublicKey } from "../pipeline/public-key.ts";
import { queryValues, withoutArgument } from "../pipeline/query.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";

const schema = fields({
  header: v.exactOptional(text(1, 256), "authorization"),
  query: v.exactOptional(text(1, 256), "jwt"),
  cookie: v.exactOptional(text(1, 256), "jwt"),
  hide_credentials: v.exactOptional(flag, false),
  key_claim_name: v.exactOptional(text(1, 256), "key"),
  store_in_ctx: v.exactOptional(flag, false),
  realm: realm("jwt"),
  anonymous_consumer: anonymousConsumer,
  claims_to_verify: v.exactOptional(unique(oneOf("exp", "nbf"))),
});

type Config = v.InferOutput<typeof schema>;

const consumerFields = fields({
  key: text(1, 4096),
  secret: v.exactOptional(text(1)),
  public_key: v.exactOptional(text(1)),
  algorithm: v.exactOptional(oneOf(...JWT_ALGORITHMS), "HS256"),
  exp: v.exactOptional(integer(1), 86400),
  base64_secret: v.exactOptional(flag, false),
  lifetime_grace_period: v.exactOptional(integer(0), 0),
});

type ConsumerConfig = v.InferOutput<typeof consumerFields>;

const consumerSchema = ruled(
  consumerFields,
  rule<ConsumerConfig>(
    (config) =>
      isSymmetric(config.algorithm) && config.secret === undefined ? `is required for ${config.algorithm}` : undefined,
    undefined,
    "secret",
  ),
  rule<ConsumerConfig>(
    ({ secret, base64_secret: encoded }) =>
      encoded && secret !== undefined && !fromBase64(secret)?.byteLength
        ? "must be base64, since base64_secret is true"
        : undefined,
    undefined,
    "secret",
  ),
  rule<ConsumerConfig>(
    ({ algorithm, public_key: key }) => isSymmetric(algorithm) ? undefined : keyFault(algorithm, key),
    undefined,
    "public_key",
  ),
);

/** Tells consumers by a signed JSON Web Token (RFC 7519; APISIX `plugins/jwt-auth.lua`). */
export const jwtAuth: Plugin = definePlugin({
  name: "jwt-auth",
  priority: PRIORITIES["jwt-auth"],
  phase: "rewrite",
  schema,
  consumerSchema,
  consumerKey: (config) => (config as ConsumerConfig).key,
  encryptedFields: ["secret"],
  create(config, { consumers }) {
    const { key_claim_name: keyClaim, claims_to_verify: required = [] } = config;

    const verify = (
      exchange: PluginExchange,
      request: UpstreamRequest,
      c: PluginContext | undefined,
    ): Verdict | Promise<Verdict> => {
      const token = takeToken(config, exchange, request);
      if (token === undefined) return "Missing JWT token in request";
      const claimed = token === false ? undefined : readToken(token);
      if (claimed === undefined) return "JWT token invalid";
      const { payload, algorithm } = claimed;
      const key = Object.hasOwn(payload, keyClaim) ? payload[keyClaim] : undefined;
      if (key === undefined || key === false) return "missing user key in JWT token";
      const found = typeof key === "string" ? consumers.find(key) : undefined;
      if (found === undefined) return "Invalid user key in JWT token";
      // Asked before the key is used for anything: a public key must never be a secret for HMAC.
      if (algorithm !== (found.config as ConsumerConfig).algorithm) return "failed to verify jwt";
      return check(c, token as string, found, payload);
    };
    const check = async (
      c: PluginContext | undefined,
      token: string,
      found: ConsumerIdentity,
      payload: Payload,
    ): Promise<Verdict> => {
      const consumer = found.config as ConsumerConfig;
      const key = await keyOf(consumer);
      if (key === undefined || !await isSigned(token, key, consumer.algorithm)) return "failed to verify jwt";
      if (!isCurrent(payload, required, consumer.lifetime_grace_period)) return "failed to verify jwt";
      if (config.store_in_ctx) c?.set("jwtPayload", payload);
      return found;
    };
    const middleware = authenticate({
      name: "jwt-auth",
      scheme: "Bearer",
      realm: config.realm,
      anonymousConsumer: config.anonymous_consumer,
      consumers,
      verify,
    });
    // What is to be found in Hono's context needs one: then it is no step.
    return config.store_in_ctx ? (c, next) => middleware(c, next) : middleware;
  },
});

type Payload = Readonly<Record<string, unknown>>;

/**
 * The request's token, taken out where the configuration says so, also one that will not be verified. False where there are
 * several.
 */
function takeToken(config: Config, exchange: PluginExchange, request: UpstreamRequest): string | false | undefined {
  const { header, query, cookie, hide_credentials: hides } = config;
  const field = soleValue(request.headers, header);
  if (field !== undefined) {
    if (hides) request.headers.delete(header);
    return field && field.replace(/^bearer /i, "");
  }
  const [argument, ...more] = queryValues(request.target, query);
  if (argument !== undefined) {
    exchange.conceal(query);
    if (hides) request.target = withoutArgument(request.target, query);
    return more.length === 0 && typeof argument === "string" && argument;
  }
  const cookies = request.headers.getAll("cookie");
  const value = cookies.length === 0 ? undefined : parseCookies(cookies.join("; ")).get(cookie);
  if (value !== undefined && hides) hideCookie(request, cookies, cookie);
  return value;
}

function hideCookie(request: UpstreamRequest, values: readonly string[], name: string): void {
  const rest = values.flatMap((value) => value.split(";"))
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "" && pair.split("=", 1)[0]!.trim() !== name);
  if (rest.length === 0) request.headers.delete("cookie");
  else request.headers.set("Cookie", rest.join("; "));
}

/** `exp` and `nbf` count where they are there; those that are asked for must be there. */
function isCurrent(payload: Payload, required: readonly string[], grace: number): boolean {
  const now = Date.now() / 1000;
  const { exp, nbf } = payload;
  if (required.includes("exp") && exp === undefined || required.includes("nbf") && nbf === undefined) return false;
  return (exp === undefined || typeof exp === "number" && exp > now - grace && exp < Infinity) &&
    (nbf === undefined || typeof nbf === "number" && nbf <= now + grace);
}

/** Made when first needed, and kept as long as the configuration that it is made of. */
const keys = new WeakMap<ConsumerConfig, Promise<CryptoKey | undefined>>();

function keyOf(config: ConsumerConfig): Promise<CryptoKey | undefined> {
  let key = keys.get(config);
  if (key === undefined) {
    key = importKey(materialOf(config), config.algorithm).catch(() => {
      getLogger(["gatewatch", "plugin", "jwt-auth"]).error(
        "Cannot use the key of a consumer for {algorithm}: its tokens are refused",
        { algorithm: config.algorithm },
      );
      return undefined;
    });
    keys.set(config, key);
  }
  return key;
}

function materialOf({ algorithm, secret, public_key: pem, base64_secret: encoded }: ConsumerConfig):
  | string
  | Uint8Array<ArrayBuffer> {
  if (!isSymmetric(algorithm)) return pem!;
  return encoded ? fromBase64(secret!)! : new TextEncoder().encode(secret);
}

function isSymmetric(algorithm: JwtAlgorithm): boolean {
  return algorithm.startsWith("HS");
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** Why a public key cannot be for an algorithm; it tells nothing of the key but its kind. */
function keyFault(algorithm: JwtAlgorithm, pem: string | undefined): string | undefined {
  if (pem === undefined) return `is required for ${algorithm}`;
  const key = readPublicKey(pem);
  if (key === undefined) {
    return "must be a public key in PEM (BEGIN PUBLIC KEY): RSA, EC P-256, P-384, P-521 or Ed25519";
  }
  const name = key.type === "EC" ? `an EC key on ${key.curve}` : key.type === "RSA" ? "an RSA key" : "an Ed25519 key";
  const wanted = WANTED[algorithm] ?? "an RSA key";
  if (name !== wanted) return `must be ${wanted} for ${algorithm}, is ${name}`;
  // RFC 7518 sections 3.3 and 3.5.
  if (key.type === "RSA" && key.bits < 2048) return `must have at least 2048 bits, has ${key.bits}`;
  return undefined;
}

/** By algorithm; the others want an RSA key. */
const WANTED: Readonly<Partial<Record<JwtAlgorithm, string>>> = {
  ES256: "an EC key on P-256",
  ES384: "an EC key on P-384",
  ES512: "an EC key on P-521",
  EdDSA: "an Ed25519 key",
};

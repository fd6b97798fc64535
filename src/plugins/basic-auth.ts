import * as v from "valibot";
import { fields, flag, text } from "../config/fields.ts";
import { anonymousConsumer, authenticate, realm, soleValue, type Verdict } from "../pipeline/authentication.ts";
import type { PluginExchange, UpstreamRequest } from "../pipeline/context.ts";
import { equalSecret } from "../pipeline/equal-secret.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";

const schema = fields({
  hide_credentials: v.exactOptional(flag, false),
  realm: realm("basic"),
  anonymous_consumer: anonymousConsumer,
});

const consumerSchema = fields({ username: text(1, 4096), password: text(1, 4096) });

type ConsumerConfig = v.InferOutput<typeof consumerSchema>;

/** Tells consumers by user name and password (RFC 7617; APISIX `plugins/basic-auth.lua`). */
export const basicAuth: Plugin = definePlugin({
  name: "basic-auth",
  priority: PRIORITIES["basic-auth"],
  phase: "rewrite",
  schema,
  consumerSchema,
  consumerKey: (config) => (config as ConsumerConfig).username,
  encryptedFields: ["password"],
  create(config, { consumers }) {
    const hides = config.hide_credentials;

    const verify = (_: PluginExchange, { headers }: UpstreamRequest): Verdict => {
      const field = soleValue(headers, "authorization");
      if (field === undefined) return "Missing authorization in request";
      const given = field === false ? undefined : parseBasic(field);
      if (given === undefined) return "Invalid authorization in request";
      const found = consumers.find(given.username);
      // Compared also where there is no such user, so that the time does not tell who there is.
      const { password } = (found?.config ?? NOBODY) as Pick<ConsumerConfig, "password">;
      const same = equalSecret(given.password, password);
      if (found === undefined || !same) return "Invalid user authorization";
      if (hides) headers.delete("authorization");
      return found;
    };
    return authenticate({
      name: "basic-auth",
      scheme: "Basic",
      realm: config.realm,
      anonymousConsumer: config.anonymous_consumer,
      consumers,
      verify,
      ...(hides ? { hide: ({ headers }) => headers.delete("authorization") } : {}),
    });
  },
});

const NOBODY = { password: "" };

/** The credentials of a field's value; the password is all that follows the first colon (RFC 7617 section 2). */
function parseBasic(field: string): { username: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(field)?.[1];
  if (encoded === undefined) return undefined;
  let decoded: string;
  try {
    const bytes = Uint8Array.from(atob(encoded), (unit) => unit.charCodeAt(0));
    // A byte order mark is part of the name.
    decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  const colon = decoded.indexOf(":");
  return colon < 0 ? undefined : { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

import * as v from "valibot";
import { fields, flag, text } from "../config/fields.ts";
import { anonymousConsumer, authenticate, realm, soleValue, type Verdict } from "../pipeline/authentication.ts";
import type { PluginExchange, UpstreamRequest } from "../pipeline/context.ts";
import { equalSecret, fingerprintSecret } from "../pipeline/equal-secret.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { queryValues, withoutArgument } from "../pipeline/query.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";

const schema = fields({
  header: v.exactOptional(text(1, 256), "apikey"),
  query: v.exactOptional(text(1, 256), "apikey"),
  realm: realm("key"),
  hide_credentials: v.exactOptional(flag, false),
  anonymous_consumer: anonymousConsumer,
});

const consumerSchema = fields({ key: text(1, 4096) });

type ConsumerConfig = v.InferOutput<typeof consumerSchema>;

/** Tells consumers by a key in a header field or in the query (APISIX `plugins/key-auth.lua`). */
export const keyAuth: Plugin = definePlugin({
  name: "key-auth",
  priority: PRIORITIES["key-auth"],
  phase: "rewrite",
  schema,
  consumerSchema,
  consumerKey: (config) => fingerprintSecret((config as ConsumerConfig).key),
  encryptedFields: ["key"],
  create(config, { consumers }) {
    const { header, query, hide_credentials: hides } = config;

    const find = (key: string | boolean): Verdict => {
      const found = typeof key === "string" ? consumers.find(fingerprintSecret(key)) : undefined;
      return found !== undefined && equalSecret(key as string, (found.config as ConsumerConfig).key)
        ? found
        : "Invalid API key in request";
    };
    const verify = (exchange: PluginExchange, request: UpstreamRequest): Verdict => {
      const field = soleValue(request.headers, header);
      if (field !== undefined) {
        const verdict = find(field);
        if (hides && typeof verdict !== "string") request.headers.delete(header);
        return verdict;
      }
      const [key, ...more] = queryValues(request.target, query);
      if (key === undefined) return "Missing API key in request";
      exchange.conceal(query);
      const verdict = find(more.length === 0 && key);
      if (hides && typeof verdict !== "string") request.target = withoutArgument(request.target, query);
      return verdict;
    };
    const hide = (request: UpstreamRequest): void => {
      request.headers.delete(header);
      request.target = withoutArgument(request.target, query);
    };
    return authenticate({
      name: "key-auth",
      scheme: "apikey",
      realm: config.realm,
      anonymousConsumer: config.anonymous_consumer,
      consumers,
      verify,
      ...(hides ? { hide } : {}),
    });
  },
});

import * as v from "valibot";
import { fields, integer, oneOf, text } from "../config/fields.ts";
import { list, rule, ruled } from "../config/schema-tools.ts";
import type { PluginExchange } from "../pipeline/context.ts";
import { messageResponse } from "../pipeline/message.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { stepMiddleware } from "../pipeline/step.ts";

const names = v.exactOptional(v.pipe(list(text()), v.minLength(1, "must have at least 1 item")));

const methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"] as const;

const known = fields({
  type: v.exactOptional(oneOf("consumer_name", "service_id", "route_id", "consumer_group_id"), "consumer_name"),
  blacklist: names,
  whitelist: names,
  allowed_by_methods: v.exactOptional(list(fields({
    user: text(),
    methods: v.pipe(list(oneOf(...methods)), v.minLength(1, "must have at least 1 item")),
  }))),
  rejected_code: v.exactOptional(integer(200, 599), 403),
  rejected_msg: v.exactOptional(text()),
});

type Config = v.InferOutput<typeof known>;

const schema = ruled(
  known,
  rule<Config>(
    ({ blacklist, whitelist, allowed_by_methods: byMethods }) =>
      blacklist === undefined && whitelist === undefined && byMethods === undefined
        ? "must have at least one of blacklist, whitelist and allowed_by_methods"
        : undefined,
    { anyOf: [{ required: ["blacklist"] }, { required: ["whitelist"] }, { required: ["allowed_by_methods"] }] },
  ),
);

/** Lets some consumers, consumer groups, routes or services pass and refuses the others (APISIX `plugins/consumer-restriction.lua`). */
export const consumerRestriction: Plugin = definePlugin({
  name: "consumer-restriction",
  priority: PRIORITIES["consumer-restriction"],
  schema,
  create(config) {
    const { type, rejected_code: status } = config;
    const valueOf = VALUES[type];
    const isAllowed = createTest(config);
    const unknown = `The request is rejected, please check the ${type} for this request`;
    const refused = config.rejected_msg ?? `The ${type} is forbidden.`;
    return stepMiddleware((exchange, { method }) => {
      const value = valueOf(exchange);
      if (value === undefined) return messageResponse(401, unknown);
      // The method as other plugins left it, since that is what the upstream will do.
      return isAllowed(value, method) ? undefined : messageResponse(status, refused);
    });
  },
});

const VALUES: Readonly<Record<Config["type"], (exchange: PluginExchange) => string | undefined>> = {
  consumer_name: ({ consumer }) => consumer?.username,
  consumer_group_id: ({ consumer }) => consumer?.groupId,
  route_id: ({ route }) => route?.id,
  service_id: ({ route }) => route?.serviceId,
};

/** Who is on the blacklist is refused; who is on the whitelist passes whatever the methods say; else the methods decide. */
function createTest(config: Config): (value: string, method: string) => boolean {
  const blacklist = new Set(config.blacklist);
  const whitelist = config.whitelist && new Set(config.whitelist);
  const byUser = new Map<string, ReadonlySet<string>>();
  for (const { user, methods } of config.allowed_by_methods ?? []) {
    // The first entry of a user counts.
    if (!byUser.has(user)) byUser.set(user, new Set(methods));
  }
  return (value, method) => {
    if (blacklist.has(value)) return false;
    if (whitelist !== undefined) return whitelist.has(value);
    return byUser.get(value)?.has(method) ?? true;
  };
}

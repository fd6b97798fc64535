import * as v from "valibot";
import { fields, flag, oneOf, pattern, text } from "../../config/fields.ts";
import { list, rule, ruled } from "../../config/schema-tools.ts";
import { checkTemplate } from "../../pipeline/template.ts";
import { checkLimitKey } from "../_limit/key.ts";
import { quantity } from "../_limit/number.ts";
import { needsHost, policyEntries, type PolicyOptions } from "../_limit/policy.ts";
import { replyEntries, type ReplyOptions } from "../_limit/reply.ts";
import type { WindowType } from "./counter.ts";
import type { CountOptions } from "./rules.ts";

/** What a resource says of limit-count, defaults filled in. */
export interface LimitCountConfig extends CountOptions, ReplyOptions, PolicyOptions {
  readonly window_type: WindowType;
  readonly group?: string;
  readonly show_limit_quota_header: boolean;
  readonly sync_interval?: number;
}

const ruleSchema = fields({
  count: quantity(1),
  time_window: quantity(1),
  key: v.pipe(
    text(0, 4096),
    v.check((key) => checkTemplate(key) === undefined, "must be a text whose variables can be read"),
  ),
  header_prefix: v.exactOptional(
    pattern(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/, "1 to 64 characters that a header field's name may hold"),
  ),
});

type Config = LimitCountConfig;

/** Schema of limit-count (APISIX `plugins/limit-count/init.lua`, schema and check_schema). */
export const limitCountSchema: v.GenericSchema<unknown, LimitCountConfig> = ruled<Config>(
  fields({
    count: v.exactOptional(quantity(1)),
    time_window: v.exactOptional(quantity(1)),
    window_type: v.exactOptional(oneOf("fixed", "sliding"), "fixed"),
    rules: v.exactOptional(v.pipe(list(ruleSchema), v.minLength(1, "must have at least 1 rule"))),
    group: v.exactOptional(text(1, 256)),
    key: v.exactOptional(text(0, 4096), "remote_addr"),
    key_type: v.exactOptional(oneOf("var", "var_combination", "constant"), "var"),
    ...replyEntries,
    ...policyEntries,
    show_limit_quota_header: v.exactOptional(flag, true),
    sync_interval: v.exactOptional(
      v.number("must be a number of seconds, or -1") as v.GenericSchema<unknown, number>,
    ),
  }) as v.GenericSchema<unknown, Config>,
  rule<Config>(
    ({ rules, count, time_window }) =>
      rules !== undefined && (count !== undefined || time_window !== undefined)
        ? "must not be there beside count and time_window"
        : undefined,
    { not: { anyOf: [{ required: ["rules", "count"] }, { required: ["rules", "time_window"] }] } },
    "rules",
  ),
  rule<Config>(
    (config) => missing(config) === undefined ? undefined : "is required, unless there are rules",
    { anyOf: [{ required: ["count", "time_window"] }, { required: ["rules"] }] },
    (config) => missing(config)!,
  ),
  rule<Config>(
    ({ rules, group }) => rules !== undefined && group !== undefined ? "must not be there beside rules" : undefined,
    { not: { required: ["rules", "group"] } },
    "group",
  ),
  rule<Config>(
    ({ rules }) => {
      const keys = rules?.map(({ key }) => key) ?? [];
      return new Set(keys).size === keys.length ? undefined : "must not have a key twice";
    },
    undefined,
    "rules",
  ),
  rule<Config>(({ key, key_type }) => checkLimitKey(key, key_type), undefined, "key"),
  rule<Config>(
    ({ policy, sync_interval: interval, time_window: window }) => {
      if (policy === "local" || interval === undefined || interval === -1) return undefined;
      if (interval < 0.1) return `must be -1, or at least 0.1, is ${interval}`;
      return typeof window === "number" && interval >= window ? "must be smaller than time_window" : undefined;
    },
    undefined,
    "sync_interval",
  ),
  needsHost<Config>(),
);

function missing({ rules, count, time_window }: Config): "count" | "time_window" | undefined {
  if (rules !== undefined) return undefined;
  return count === undefined ? "count" : time_window === undefined ? "time_window" : undefined;
}

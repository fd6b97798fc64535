import * as v from "valibot";
import { fields, flag, integer, oneOf, text } from "../../config/fields.ts";
import { list, rule, ruled } from "../../config/schema-tools.ts";
import { checkTemplate } from "../../pipeline/template.ts";
import { checkLimitKey } from "../_limit/key.ts";
import { quantity } from "../_limit/number.ts";
import { needsHost, policyEntries, type PolicyOptions } from "../_limit/policy.ts";
import { replyEntries, type ReplyOptions } from "../_limit/reply.ts";
import type { ConnOptions } from "./rules.ts";

/** What a resource says of limit-conn, defaults filled in. */
export interface LimitConnConfig extends ConnOptions, ReplyOptions, PolicyOptions {
  /** Seconds. */
  readonly default_conn_delay: number;
  readonly only_use_default_delay: boolean;
  /** Seconds that Redis keeps a request. */
  readonly key_ttl: number;
}

const ruleSchema = fields({
  conn: quantity(1),
  burst: quantity(0),
  key: v.pipe(
    text(0, 4096),
    v.check((key) => checkTemplate(key) === undefined, "must be a text whose variables can be read"),
  ),
});

type Config = LimitConnConfig;

const REQUIRED = ["conn", "burst", "key"] as const;

/** Schema of limit-conn (APISIX `plugins/limit-conn.lua`). */
export const limitConnSchema: v.GenericSchema<unknown, LimitConnConfig> = ruled<Config>(
  fields({
    conn: v.exactOptional(quantity(1)),
    burst: v.exactOptional(quantity(0)),
    default_conn_delay: v.pipe(
      v.number("must be a number of seconds greater than 0") as v.GenericSchema<unknown, number>,
      v.gtValue(0, "must be a number of seconds greater than 0"),
    ),
    only_use_default_delay: v.exactOptional(flag, false),
    key: v.exactOptional(text(0, 4096)),
    key_type: v.exactOptional(oneOf("var", "var_combination"), "var"),
    rules: v.exactOptional(v.pipe(list(ruleSchema), v.minLength(1, "must have at least 1 rule"))),
    ...replyEntries,
    ...policyEntries,
    key_ttl: v.exactOptional(integer(1, 31_536_000), 3600),
  }) as v.GenericSchema<unknown, Config>,
  rule<Config>(
    ({ rules, ...others }) =>
      rules !== undefined && REQUIRED.some((name) => others[name] !== undefined)
        ? "must not be there beside conn, burst and key"
        : undefined,
    { not: { anyOf: REQUIRED.map((name) => ({ required: ["rules", name] })) } },
    "rules",
  ),
  rule<Config>(
    (config) => missing(config) === undefined ? undefined : "is required, unless there are rules",
    { anyOf: [{ required: [...REQUIRED] }, { required: ["rules"] }] },
    (config) => missing(config)!,
  ),
  rule<Config>(({ key, key_type }) => key === undefined ? undefined : checkLimitKey(key, key_type), undefined, "key"),
  needsHost<Config>(),
);

function missing(config: Config): (typeof REQUIRED)[number] | undefined {
  return config.rules === undefined ? REQUIRED.find((name) => config[name] === undefined) : undefined;
}

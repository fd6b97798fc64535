import { getLogger } from "@logtape/logtape";
import * as v from "valibot";
import { atLeast, fields, flag, oneOf, text } from "../config/fields.ts";
import { rule, ruled } from "../config/schema-tools.ts";
import type { PluginExchange } from "../pipeline/context.ts";
import { definePlugin, type Plugin, type PluginEnvironment } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { stepMiddleware, type StepResult } from "../pipeline/step.ts";
import { checkLimitKey, compileLimitKey } from "./_limit/key.ts";
import {
  needsHost,
  policyEntries,
  type PolicyOptions,
  settingsId,
  toRedisTarget,
  unsupportedPolicy,
} from "./_limit/policy.ts";
import { createRejection, failure, replyEntries, type ReplyOptions } from "./_limit/reply.ts";
import { type Buckets, createLocalBuckets, createRedisBuckets } from "./_limit-req/bucket.ts";
import { pause } from "./_pause.ts";

/** What a resource says of limit-req, defaults filled in. */
interface LimitReqConfig extends ReplyOptions, PolicyOptions {
  /** Requests a second. */
  readonly rate: number;
  /** Requests above the rate that are held back rather than refused. */
  readonly burst: number;
  readonly key: string;
  readonly key_type: "var" | "var_combination";
  readonly nodelay: boolean;
}

const schema: v.GenericSchema<unknown, LimitReqConfig> = ruled<LimitReqConfig>(
  fields({
    rate: v.pipe(
      v.number("must be a number greater than 0") as v.GenericSchema<unknown, number>,
      v.gtValue(0, "must be a number greater than 0"),
    ),
    burst: atLeast(0),
    key: text(0, 4096),
    key_type: v.exactOptional(oneOf("var", "var_combination"), "var"),
    nodelay: v.exactOptional(flag, false),
    ...replyEntries,
    ...policyEntries,
  }) as v.GenericSchema<unknown, LimitReqConfig>,
  rule<LimitReqConfig>(({ key, key_type }) => checkLimitKey(key, key_type), undefined, "key"),
  needsHost<LimitReqConfig>(),
);

/** Lets requests through at a steady rate: holds back some that come too fast, refuses the others (APISIX `plugins/limit-req.lua`). */
export const limitReq: Plugin = definePlugin({
  name: "limit-req",
  priority: PRIORITIES["limit-req"],
  schema,
  encryptedFields: ["redis_password"],
  unsupported: unsupportedPolicy,
  create(config, environment) {
    const keyOf = compileLimitKey(config.key, config.key_type);
    const buckets = createBuckets(config, environment);
    const reject = createRejection(config);
    const { nodelay, allow_degradation: degrades } = config;

    const decide = (waitMs: number | undefined, { inbound }: PluginExchange): StepResult | Promise<StepResult> => {
      if (waitMs === undefined) return reject();
      return nodelay || waitMs < 1 ? undefined : pause(waitMs, inbound.signal).then(() => undefined);
    };
    return stepMiddleware((exchange) => {
      const put = buckets.put(keyOf(exchange));
      if (!(put instanceof Promise)) return decide(put, exchange);
      return put.then((waitMs) => decide(waitMs, exchange), () => degrades ? undefined : failure());
    });
  },
});

function createBuckets(config: LimitReqConfig, environment: PluginEnvironment): Buckets {
  const { resource } = environment;
  const settings = settingsId([config.rate, config.burst, config.key, config.key_type]);
  if (config.policy === "redis") {
    const connection = environment.redis(toRedisTarget(config));
    return createRedisBuckets(config, connection, `gatewatch:limit-req:${resource}:${settings}:`);
  }
  return environment.state(settings, () => {
    let told = false;
    return createLocalBuckets(config, {
      onFull() {
        if (told) return;
        told = true;
        getLogger(["gatewatch", "plugin", "limit-req"]).warn(
          "The counters of {owner} are full: keys that have not ended are forgotten, the oldest first",
          { owner: resource },
        );
      },
    });
  });
}

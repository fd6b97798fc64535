import { getLogger } from "@logtape/logtape";
import type { AnswerFields } from "../net/answer-fields.ts";
import { definePlugin, type Plugin, type PluginEnvironment } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { stepMiddleware, type StepResult } from "../pipeline/step.ts";
import { settingsId, toRedisTarget, unsupportedPolicy } from "./_limit/policy.ts";
import { createRejection, failure } from "./_limit/reply.ts";
import type { Counter, Verdict } from "./_limit-count/counter.ts";
import { followHeaderNames } from "./_limit-count/header-names.ts";
import { createLocalCounter } from "./_limit-count/local.ts";
import { createRedisCounter } from "./_limit-count/redis.ts";
import { compilePlan, type Step } from "./_limit-count/rules.ts";
import { type LimitCountConfig, limitCountSchema } from "./_limit-count/schema.ts";

/** A step, and what came of it. */
interface Counted {
  readonly step: Step;
  readonly verdict: Verdict;
}

/** Lets so many requests through in so much time (APISIX `plugins/limit-count.lua`). */
export const limitCount: Plugin = definePlugin({
  name: "limit-count",
  priority: PRIORITIES["limit-count"],
  schema: limitCountSchema,
  encryptedFields: ["redis_password"],
  unsupported: unsupportedPolicy,
  create(config, environment) {
    const plan = compilePlan(config);
    const counter = createCounter(config, environment);
    const namesOf = followHeaderNames(environment.metadata);
    const reject = createRejection(config);
    const { allow_degradation: degrades, show_limit_quota_header: shows } = config;

    const show = (counted: readonly Counted[], headers: AnswerFields): void => {
      if (!shows) return;
      for (const { step, verdict } of counted) {
        const names = namesOf(step.prefix);
        headers.set(names.limit, String(step.limit));
        headers.set(names.remaining, String(verdict.remaining));
        headers.set(names.reset, String(verdict.reset));
      }
    };
    const refuse = (counted: readonly Counted[]): Response => {
      const headers = new Headers();
      show(counted, headers);
      return reject(headers);
    };
    const isOver = (counted: readonly Counted[]): boolean => counted.at(-1)?.verdict.allowed === false;

    const decide = (counted: readonly Counted[]): StepResult => {
      if (isOver(counted)) return refuse(counted);
      return shows ? (fields) => show(counted, fields) : undefined;
    };

    return stepMiddleware((exchange) => {
      const steps = plan(exchange);
      if (steps === undefined) return degrades ? undefined : failure();
      const taken = takeAll(steps, counter);
      if (!(taken instanceof Promise)) return decide(taken);
      return taken.then(decide, () => degrades ? undefined : failure("failed to limit count"));
    });
  },
});

/** Counts step by step, up to the first that is over its limit. */
function takeAll(steps: readonly Step[], counter: Counter): readonly Counted[] | Promise<readonly Counted[]> {
  const counted: Counted[] = [];
  for (const step of steps) {
    const verdict = counter.take(step.key, step.limit, step.windowMs);
    if (verdict instanceof Promise) return takeOn(steps, counter, counted, verdict);
    counted.push({ step, verdict });
    if (!verdict.allowed) break;
  }
  return counted;
}

async function takeOn(
  steps: readonly Step[],
  counter: Counter,
  counted: Counted[],
  first: Promise<Verdict>,
): Promise<readonly Counted[]> {
  let verdict = await first;
  for (let i = counted.length;; i++) {
    counted.push({ step: steps[i]!, verdict });
    const step = steps[i + 1];
    if (!verdict.allowed || step === undefined) return counted;
    verdict = await counter.take(step.key, step.limit, step.windowMs);
  }
}

/**
 * The counter of a configuration: the group's, which resources share, or the resource's own. As in APISIX, a resource's counts begin anew where what is
 * counted changes; how a request is answered does not touch them.
 */
function createCounter(config: LimitCountConfig, environment: PluginEnvironment): Counter {
  const { window_type: type, group, count, time_window, key, key_type, rules } = config;
  const settings = settingsId([type, count, time_window, key, key_type, rules]);
  if (config.policy === "redis") {
    const scope = group === undefined ? `${environment.resource}:${settings}` : `group:${group}`;
    const connection = environment.redis(toRedisTarget(config));
    return createRedisCounter(type, connection, `gatewatch:limit-count:${type}:${scope}:`);
  }
  if (group !== undefined) return environment.sharedState(`${type} ${group}`, () => local(config, `group ${group}`));
  return environment.state(settings, () => local(config, environment.resource));
}

function local({ window_type: type }: LimitCountConfig, owner: string): Counter {
  let told = false;
  return createLocalCounter(type, {
    onFull() {
      if (told) return;
      told = true;
      getLogger(["gatewatch", "plugin", "limit-count"]).warn(
        "The counters of {owner} are full: keys that have not ended are forgotten, the oldest first",
        { owner },
      );
    },
  });
}

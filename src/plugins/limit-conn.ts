import type { PluginExchange } from "../pipeline/context.ts";
import { definePlugin, type Plugin, type PluginEnvironment } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { stepMiddleware, type StepResult } from "../pipeline/step.ts";
import { settingsId, toRedisTarget, unsupportedPolicy } from "./_limit/policy.ts";
import { createRejection, failure } from "./_limit/reply.ts";
import {
  type Connections,
  createLocalConnections,
  createRedisConnections,
  type Place,
} from "./_limit-conn/connections.ts";
import { compilePlan, type Step } from "./_limit-conn/rules.ts";
import { type LimitConnConfig, limitConnSchema } from "./_limit-conn/schema.ts";
import { pause } from "./_pause.ts";

/** Lets so many requests be under way at once: holds back some more, refuses the others (APISIX `plugins/limit-conn.lua`). */
export const limitConn: Plugin = definePlugin({
  name: "limit-conn",
  priority: PRIORITIES["limit-conn"],
  schema: limitConnSchema,
  encryptedFields: ["redis_password"],
  unsupported: unsupportedPolicy,
  create(config, environment) {
    const plan = compilePlan(config);
    const connections = createConnections(config, environment);
    const reject = createRejection(config);
    const delayOf = compileDelay(config);
    const { allow_degradation: degrades } = config;

    /** Takes the place of each step in turn, waiting where the step says so. */
    const enter = (steps: readonly Step[], at: number, exchange: PluginExchange): StepResult | Promise<StepResult> => {
      const step = steps[at];
      if (step === undefined) return undefined;
      const place = connections.enter(step.key, step.conn + step.burst);
      if (!(place instanceof Promise)) return go(place, steps, at, exchange);
      return place.then(
        (entered) => go(entered, steps, at, exchange),
        () => degrades ? enter(steps, at + 1, exchange) : failure(),
      );
    };
    const go = (
      place: Place | undefined,
      steps: readonly Step[],
      at: number,
      exchange: PluginExchange,
    ): StepResult | Promise<StepResult> => {
      if (place === undefined) return reject();
      exchange.whenDone(() => place.leave());
      const seconds = delayOf(place.count, steps[at]!.conn);
      if (seconds < 0.001) return enter(steps, at + 1, exchange);
      return pause(seconds * 1000, exchange.inbound.signal).then(() => enter(steps, at + 1, exchange));
    };
    return stepMiddleware((exchange) => {
      const steps = plan(exchange);
      if (steps === undefined) return degrades ? undefined : failure();
      return enter(steps, 0, exchange);
    });
  },
});

/** Seconds that one of `count` requests waits where `conn` may go on at once. */
function compileDelay({ default_conn_delay: unit, only_use_default_delay: flat }: LimitConnConfig) {
  return (count: number, conn: number): number => {
    if (count <= conn) return 0;
    return flat ? unit : unit * Math.floor((count - 1) / conn);
  };
}

function createConnections(config: LimitConnConfig, environment: PluginEnvironment): Connections {
  // How many may be under way does not change how many are.
  const settings = settingsId([config.key, config.key_type, config.rules?.map(({ key }) => key)]);
  if (config.policy === "redis") {
    const connection = environment.redis(toRedisTarget(config));
    const prefix = `gatewatch:limit-conn:${environment.resource}:${settings}:`;
    return createRedisConnections(connection, prefix, config.key_ttl);
  }
  return environment.state(settings, createLocalConnections);
}

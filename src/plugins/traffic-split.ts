import * as v from "valibot";
import { fields, id, integer } from "../config/fields.ts";
import { list, rule, ruled } from "../config/schema-tools.ts";
import { unsupportedUpstream } from "../config/unsupported.ts";
import { upstreamSchema } from "../config/upstream.ts";
import type { RequestVariables } from "../match/request-variables.ts";
import type { UpstreamHandle } from "../pipeline/context.ts";
import { definePlugin, type Plugin, type PluginEnvironment } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { stepMiddleware } from "../pipeline/step.ts";
import { compileCondition, expressionSchema } from "./_expression.ts";

const entrySchema = fields({
  upstream_id: v.exactOptional(id),
  upstream: v.exactOptional(upstreamSchema),
  weight: v.exactOptional(integer(0), 1),
});

type Entry = v.InferOutput<typeof entrySchema>;

const ruleSchema = fields({
  match: v.exactOptional(list(fields({ vars: expressionSchema }))),
  weighted_upstreams: v.exactOptional(
    v.pipe(
      list(
        ruled<Entry>(
          entrySchema,
          rule<Entry>(
            ({ upstream, upstream_id }) =>
              upstream !== undefined && upstream_id !== undefined ? "must not be there beside upstream" : undefined,
            { not: { required: ["upstream", "upstream_id"] } },
            "upstream_id",
          ),
          rule<Entry>(
            ({ upstream }) =>
              unsupportedUpstream(upstream).map(({ path, message }) => `has ${path}, which ${message}`)[0],
            undefined,
            "upstream",
          ),
        ),
      ),
      v.minLength(1, "must have 1 to 20 upstreams"),
      v.maxLength(20, "must have 1 to 20 upstreams"),
    ) as v.GenericSchema<unknown, Entry[]>,
  ),
});

type SplitRule = v.InferOutput<typeof ruleSchema>;

const schema = fields({ rules: v.exactOptional(list(ruleSchema)) });

/** Sends shares of the requests to other upstreams than the route's own (APISIX `plugins/traffic-split.lua`). */
export const trafficSplit: Plugin = definePlugin({
  name: "traffic-split",
  priority: PRIORITIES["traffic-split"],
  schema,
  upstreamIds: ({ rules = [] }) =>
    rules.flatMap(({ weighted_upstreams = [] }) =>
      weighted_upstreams.flatMap(({ upstream_id }) => upstream_id === undefined ? [] : [upstream_id])
    ),
  create({ rules = [] }, environment) {
    const compiled = rules.map((each, index) => ({
      applies: compileMatch(each),
      choose: compileChoice(each, index, environment),
    }));
    return stepMiddleware(({ variables }, request) => {
      const found = compiled.find(({ applies }) => applies(variables));
      if (found === undefined) return undefined;
      const handle = found.choose();
      if (handle !== undefined) request.handle = handle;
      // An earlier choice, as a global rule's, does not stand.
      else delete request.handle;
      return undefined;
    });
  },
});

/** A rule without `match` is for every request; one with several, for what any of them holds for. */
function compileMatch({ match }: SplitRule): (variables: RequestVariables) => boolean {
  if (match === undefined || match.length === 0) return () => true;
  const conditions = match.map(({ vars }) => compileCondition(vars));
  return (variables) => conditions.some((condition) => condition(variables));
}

/** Shares of a choice, and how far each is ahead of its own. */
interface Rotation {
  readonly ahead: number[];
}

/**
 * Smooth weighted round robin, as among an upstream's nodes: each entry has its share of any run of requests, spread evenly, in an order that depends on
 * nothing else. The rotation goes on when anything but the entries and weights changes.
 *
 * @returns A choice for one request; undefined for the route's own upstream.
 */
function compileChoice(
  { weighted_upstreams: entries = [] }: SplitRule,
  index: number,
  environment: PluginEnvironment,
): () => UpstreamHandle | undefined {
  const shares = entries.map(({ upstream, upstream_id, weight }) => {
    const named = upstream_id ?? upstream as Readonly<Record<string, unknown>> | undefined;
    return { weight, handle: named === undefined ? undefined : environment.upstream(named) };
  });
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return () => undefined;
  if (shares.length === 1) return () => shares[0]!.handle;
  const { ahead } = environment.state<Rotation>(
    `${index} ${JSON.stringify(entries)}`,
    () => ({ ahead: shares.map(() => 0) }),
  );
  return () => {
    let best = -1;
    for (let i = 0; i < shares.length; i++) {
      const { weight } = shares[i]!;
      if (weight === 0) continue;
      ahead[i]! += weight;
      if (best < 0 || ahead[i]! > ahead[best]!) best = i;
    }
    ahead[best]! -= total;
    return shares[best]!.handle;
  };
}

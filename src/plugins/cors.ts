import * as v from "valibot";
import { fields, flag, integer, pattern, text, unique } from "../config/fields.ts";
import { type Rule, rule, ruled } from "../config/schema-tools.ts";
import { compileRegex, type Regex } from "../match/regex.ts";
import type { AnswerFields } from "../net/answer-fields.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { stepMiddleware } from "../pipeline/step.ts";

const ORIGINS = /^(?:\*|\*\*|null|\w+:\/\/[^,]+(?:,\w+:\/\/[^,]+)*)$/;
const origins = pattern(ORIGINS, "'*', '**', 'null' or origins as in https://a.com,https://b.com", 65_536);
const texts = v.exactOptional(unique(text(1, 4096), 1));

const known = fields({
  allow_origins: v.exactOptional(origins, "*"),
  allow_methods: v.exactOptional(text(), "*"),
  allow_headers: v.exactOptional(text(), "*"),
  expose_headers: v.exactOptional(text()),
  max_age: v.exactOptional(integer(), 5),
  allow_credential: v.exactOptional(flag, false),
  allow_origins_by_regex: texts,
  allow_origins_by_metadata: texts,
  timing_allow_origins: v.exactOptional(origins),
  timing_allow_origins_by_regex: texts,
});

type Config = v.InferOutput<typeof known>;

const WITHOUT_CREDENTIALS = [
  "allow_origins",
  "allow_methods",
  "allow_headers",
  "expose_headers",
  "timing_allow_origins",
] as const;

const schema = ruled(
  known,
  ...WITHOUT_CREDENTIALS.map((name): Rule<Config> =>
    rule(
      (config) =>
        config.allow_credential && config[name] === "*"
          ? "must not be '*' (which is also the default) where allow_credential is true"
          : undefined,
      undefined,
      name,
    )
  ),
  ...(["allow_origins_by_regex", "timing_allow_origins_by_regex"] as const).map((name): Rule<Config> =>
    rule((config) => faultOf(config[name] ?? []), undefined, name)
  ),
);

/** Answers CORS preflights and says who may read answers (Fetch standard, CORS protocol; APISIX `plugins/cors.lua`). */
export const cors: Plugin = definePlugin({
  name: "cors",
  priority: PRIORITIES.cors,
  phase: "rewrite",
  schema,
  create(config, { metadata }) {
    const originOf = createOriginTest(config, metadata);
    const timingOf = createTimingTest(config);
    const fixed = fixedFields(config);
    const varies = config.allow_origins !== "*" || config.allow_origins_by_regex !== undefined ||
      config.allow_origins_by_metadata !== undefined;

    const mark = (headers: AnswerFields, origin: string | undefined, asked: string | undefined): void => {
      // Added also where the origin is not allowed: a cache must not answer others with this.
      if (varies) headers.append("vary", "Origin");
      const allowed = originOf(origin);
      if (allowed !== undefined) {
        headers.set("access-control-allow-origin", allowed);
        for (const [name, value] of fixed) headers.set(name, value);
        if (config.allow_headers === "**") {
          if (asked === undefined) headers.delete("access-control-allow-headers");
          else headers.set("access-control-allow-headers", asked);
        }
      }
      const timing = timingOf(origin);
      if (timing !== undefined) headers.set("timing-allow-origin", timing);
    };
    return stepMiddleware((_, { method, headers }) => {
      // As the client sent them: other plugins may change them before the answer is there.
      const origin = headers.get("origin"), asked = headers.get("access-control-request-headers");
      if (method !== "OPTIONS") return (fields) => mark(fields, origin, asked);
      const answer = new Response(null, { status: 200 });
      mark(answer.headers, origin, asked);
      return answer;
    });
  },
});

type OriginTest = (origin: string | undefined) => string | undefined;

/** What `Access-Control-Allow-Origin` says to an origin; undefined where it may not read the answer. */
function createOriginTest(
  config: Config,
  metadata: () => Readonly<Record<string, unknown>> | undefined,
): OriginTest {
  const { allow_origins: listed, allow_origins_by_regex: regexes, allow_origins_by_metadata: names } = config;
  const own = regexes === undefined ? matching(compileOrigins(listed)) : compileRegexes(regexes);
  if (names === undefined) return own;
  const byMetadata = createMetadataTest(names, metadata);
  // The default of allow_origins would let everybody in beside those that the metadata names.
  if (listed === "*") return byMetadata;
  return (origin) => byMetadata(origin) ?? own(origin);
}

function createTimingTest(config: Config): OriginTest {
  const { timing_allow_origins: listed, timing_allow_origins_by_regex: regexes } = config;
  if (regexes !== undefined) return compileRegexes(regexes);
  return listed === undefined ? () => undefined : matching(compileOrigins(listed));
}

/** Prepares `*`, `**`, one origin, or several with commas between them. */
function compileOrigins(list: string): OriginTest {
  if (list === "**") return (origin) => origin ?? "*";
  if (!list.includes(",")) return () => list;
  const set = new Set(list.split(","));
  return (origin) => origin !== undefined && set.has(origin) ? origin : undefined;
}

/** Only what is the request's own origin, or everybody. */
function matching(test: OriginTest): OriginTest {
  return (origin) => {
    const allowed = test(origin);
    return allowed === "*" || allowed === origin ? allowed : undefined;
  };
}

function compileRegexes(patterns: readonly string[]): OriginTest {
  const regexes = patterns.map((text) => compileRegex(text, false)).filter((regex): regex is Regex =>
    typeof regex !== "string"
  );
  return (origin) => origin !== undefined && regexes.some((regex) => regex.search(origin)) ? origin : undefined;
}

/** Origins under names in `plugin_metadata/cors`, prepared again when that changes. */
function createMetadataTest(
  names: readonly string[],
  metadata: () => Readonly<Record<string, unknown>> | undefined,
): OriginTest {
  let prepared: { readonly from: unknown; readonly tests: readonly OriginTest[] } = { from: undefined, tests: [] };
  return (origin) => {
    const from = metadata()?.allow_origins;
    if (from !== prepared.from) prepared = { from, tests: names.flatMap((name) => originsUnder(from, name)) };
    return origin !== undefined && prepared.tests.some((test) => test(origin) !== undefined) ? origin : undefined;
  };
}

function originsUnder(from: unknown, name: string): OriginTest[] {
  if (typeof from !== "object" || from === null || !Object.hasOwn(from, name)) return [];
  const list = (from as Record<string, unknown>)[name];
  return typeof list === "string" && ORIGINS.test(list) ? [matching(compileOrigins(list))] : [];
}

/** Fields that are the same for every origin that is allowed. */
function fixedFields(config: Config): [name: string, value: string][] {
  const { allow_methods: methods, allow_headers: headers, expose_headers: exposed } = config;
  const found: [string, string][] = [
    [
      "access-control-allow-methods",
      methods === "**" ? "GET,POST,PUT,DELETE,PATCH,HEAD,OPTIONS,CONNECT,TRACE" : methods,
    ],
    ["access-control-max-age", String(config.max_age)],
  ];
  if (headers !== "**") found.push(["access-control-allow-headers", headers]);
  if (exposed !== undefined && exposed !== "") found.push(["access-control-expose-headers", exposed]);
  if (config.allow_credential) found.push(["access-control-allow-credentials", "true"]);
  return found;
}

function faultOf(patterns: readonly string[]): string | undefined {
  return patterns.map((text) => compileRegex(text, false)).find((regex) => typeof regex === "string");
}

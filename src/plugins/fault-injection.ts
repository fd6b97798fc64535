import * as v from "valibot";
import { atLeast, fields, integer, text } from "../config/fields.ts";
import { either, list, object, rule, ruled } from "../config/schema-tools.ts";
import type { RequestVariables } from "../match/request-variables.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { stepMiddleware } from "../pipeline/step.ts";
import { checkTemplate, compileTemplate } from "../pipeline/template.ts";
import { compileCondition, expressionSchema } from "./_expression.ts";
import { pause } from "./_pause.ts";

const template = v.pipe(
  text(),
  v.check((value) => checkTemplate(value) === undefined, "must be a text whose variables can be read"),
) as v.GenericSchema<unknown, string>;

const field = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const headers = ruled<Record<string, string | number>>(
  object(
    v.record(
      v.string(),
      either(
        (input) => typeof input === "number",
        v.number() as v.GenericSchema<unknown, number>,
        template,
      ),
      "must be an object",
    ) as v.GenericSchema<unknown, Record<string, string | number>>,
  ),
  rule<Record<string, string | number>>(
    (value) => Object.keys(value).length === 0 ? "must have at least 1 field" : undefined,
    { minProperties: 1 },
  ),
  rule<Record<string, string | number>>(
    (value) =>
      badName(value) === undefined ? undefined : "must be named as a header field that does not frame the answer",
    { propertyNames: { pattern: field.source } },
    (value) => badName(value)!,
  ),
);

/** Fields that the listener writes; another one's would make the client read the answer's end wrong. */
const FRAMING: readonly string[] = [
  "connection",
  "content-length",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

function badName(value: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(value).find((name) => !field.test(name) || FRAMING.includes(name.toLowerCase()));
}

const when = {
  percentage: v.exactOptional(integer(0, 100)),
  vars: v.exactOptional(
    v.pipe(list(expressionSchema), v.maxLength(20, "must have at most 20 expressions")) as v.GenericSchema<
      unknown,
      unknown[][]
    >,
  ),
};

const found = fields({
  abort: v.exactOptional(fields({
    http_status: integer(200, 599),
    body: v.exactOptional(template),
    headers: v.exactOptional(headers),
    ...when,
  })),
  delay: v.exactOptional(fields({ duration: atLeast(0), ...when })),
});

type Config = v.InferOutput<typeof found>;
type When = Pick<NonNullable<Config["delay"]>, "percentage" | "vars">;
type Abort = NonNullable<Config["abort"]>;

const schema: v.GenericSchema<unknown, Config> = ruled<Config>(
  found,
  rule<Config>(
    ({ abort, delay }) => abort === undefined && delay === undefined ? "must have abort or delay, or both" : undefined,
    { anyOf: [{ required: ["abort"] }, { required: ["delay"] }] },
  ),
);

/** Delays requests, or answers them instead of the upstream, to try out how clients bear it (APISIX `plugins/fault-injection.lua`). */
export const faultInjection: Plugin = definePlugin({
  name: "fault-injection",
  priority: PRIORITIES["fault-injection"],
  phase: "rewrite",
  schema,
  create({ abort, delay }) {
    const delays = delay === undefined ? NEVER : compileWhen(delay);
    const delayMs = (delay?.duration ?? 0) * 1000;
    const aborts = abort === undefined ? NEVER : compileWhen(abort);
    const answer = abort && compileAnswer(abort);
    return stepMiddleware(({ variables, inbound }) => {
      const go = (): Response | undefined => answer !== undefined && aborts(variables) ? answer(variables) : undefined;
      return delays(variables) ? pause(delayMs, inbound.signal).then(go) : go();
    });
  },
});

const NEVER = (): boolean => false;

/** `percentage` of the requests that one of `vars` holds for. */
function compileWhen({ percentage = 100, vars }: When): (variables: RequestVariables) => boolean {
  if (percentage === 0) return NEVER;
  const hit = percentage === 100 ? () => true : () => Math.random() * 100 < percentage;
  if (vars === undefined) return hit;
  const conditions = vars.map(compileCondition);
  return (variables) => hit() && conditions.some((condition) => condition(variables));
}

function compileAnswer({ http_status: status, body, headers = {} }: Abort): (variables: RequestVariables) => Response {
  const text = body === undefined || status === 204 || status === 205 || status === 304
    ? undefined
    : compileTemplate(body);
  const filled = Object.entries(headers).map(([name, value]) => ({ name, value: compileTemplate(String(value)) }));
  return (variables) => {
    const answer = new Response(text === undefined ? null : text(variables), { status });
    for (const { name, value } of filled) answer.headers.set(name, toFieldValue(value(variables)));
    return answer;
  };
}

/** What a client sent may stand in a value, so that what could end the field is left out, and what is no byte is written in UTF-8. */
function toFieldValue(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  const clean = text.replace(/[\0-\x08\x0a-\x1f\x7f]/g, "");
  return clean.replace(/[^\0-\xff]+/gu, (part) => String.fromCharCode(...new TextEncoder().encode(part)));
}

import * as v from "valibot";
import { fields, flag, integer, oneOf, pattern, text } from "../config/fields.ts";
import { list, rule, ruled } from "../config/schema-tools.ts";
import type { VariableReader } from "../match/variable.ts";
import type { AnswerFields } from "../net/answer-fields.ts";
import { bodyText } from "../pipeline/body-text.ts";
import { decodable, discardBody, isBodiless, readDecoded } from "../pipeline/answer-body.ts";
import { answerField, changeAnswer, replaceAnswer } from "../pipeline/answer-headers.ts";
import type { PluginContext } from "../pipeline/context.ts";
import {
  compileFields,
  fieldChanges,
  type FieldTemplates,
  hasVerbs,
  singleValues,
  valueFault,
} from "../pipeline/field-changes.ts";
import { fieldNameFault, sendableValue, toFieldText } from "../pipeline/field-value.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { compileSubstitution, type Substitution } from "../pipeline/substitution.ts";
import { compileTemplate } from "../pipeline/template.ts";
import { compileCondition, expressionSchema } from "./_expression.ts";

/** `Name: value`, as `headers.add` has them. */
const FIELD = /^([^:\s]+)\s*:\s*(.*[^\s])\s*$/;

const addedFields = ruled<string[]>(
  v.pipe(list(pattern(FIELD, "a header field as in 'X-Name: value'")), v.minLength(1, "must have at least 1 item")),
  rule<string[]>((items) => {
    for (const [at, item] of items.entries()) {
      const [, name, value] = FIELD.exec(item) ?? [];
      if (name === undefined || value === undefined) continue;
      const fault = fieldNameFault(name) ?? valueFault(value);
      if (fault !== undefined) return `has an item [${at}] that ${fault}`;
    }
    return undefined;
  }),
);

/** Options of `ngx.re` that change what is found; of the others, those that only say how to search have no effect. */
const OPTIONS = /^[ijmosu]*$/;

const filter = fields({
  regex: text(1),
  scope: v.exactOptional(oneOf("once", "global"), "once"),
  replace: text(),
  options: v.exactOptional(
    pattern(OPTIONS, "any of the letters i, j, m, o, s, u (a, d, x, D, J, U are not supported)"),
    "jo",
  ),
});

type Filter = v.InferOutput<typeof filter>;

const known = fields({
  max_resp_body_size: v.exactOptional(integer(1), 64 * 1024 * 1024),
  headers: v.exactOptional(fieldChanges(addedFields, singleValues)),
  body: v.exactOptional(text(0, 1024 * 1024)),
  body_base64: v.exactOptional(flag, false),
  status_code: v.exactOptional(integer(200, 598)),
  vars: v.exactOptional(expressionSchema),
  filters: v.exactOptional(v.pipe(list(filter), v.minLength(1, "must have at least 1 item"))),
});

type Config = v.InferOutput<typeof known>;

const schema = ruled(
  known,
  rule<Config>(
    ({ body, filters }) =>
      body !== undefined && filters !== undefined ? "must not be there together with body" : undefined,
    { not: { required: ["body", "filters"] } },
    "filters",
  ),
  rule<Config>(
    ({ body, body_base64: encoded }) =>
      encoded && (body === undefined || !fromBase64(body)?.byteLength)
        ? "must be base64, and not empty, since body_base64 is true"
        : undefined,
    undefined,
    "body",
  ),
  rule<Config>(
    ({ filters = [] }) => {
      for (const [at, one] of filters.entries()) {
        const compiled = compileFilter(one);
        if ("message" in compiled) return `has an item [${at}] whose ${compiled.at} ${compiled.message}`;
      }
      return undefined;
    },
    undefined,
    "filters",
  ),
);

/** Changes answers: status, header fields, body (APISIX `plugins/response-rewrite.lua`). */
export const responseRewrite: Plugin = definePlugin({
  name: "response-rewrite",
  priority: PRIORITIES["response-rewrite"],
  phase: "answer",
  schema,
  create(config) {
    const { filters, max_resp_body_size: limit, status_code: status } = config;
    const condition = config.vars === undefined ? undefined : compileCondition(config.vars);
    const changes = config.headers === undefined ? undefined : compileChanges(config.headers);
    const body = bodyOf(config);
    const filterBody = filters === undefined ? undefined : compileFilters(filters);

    const rewrite = async (c: PluginContext): Promise<void> => {
      const variables = withAnswer(c);
      if (condition?.(variables) === false) return;
      if (body !== undefined) replaceBody(c, status, body);
      else if (filterBody !== undefined) await changeBody(c, status, filterBody, limit);
      else if (status !== undefined && status !== c.res.status) replaceBody(c, status, undefined);
      if (changes !== undefined) changeAnswer(c, (fields) => changes(fields, variables));
    };
    return (c, next) => {
      if (filterBody !== undefined) acceptDecodable(c);
      return next().then(() => rewrite(c));
    };
  },
});

/** Puts another body, or the same under another status. */
function replaceBody(c: PluginContext, status: number | undefined, bytes: Uint8Array<ArrayBuffer> | undefined): void {
  const { res } = c;
  const now = status ?? res.status;
  const drops = isBodiless(now) || bytes !== undefined;
  if (drops) void discardBody(res.body);
  const content = isBodiless(now) || c.req.method === "HEAD" && bytes !== undefined ? null : bytes ?? res.body;
  const answer = new Response(content, { status: now, headers: res.headers });
  if (drops) forgetBody(answer.headers, isBodiless(now) ? undefined : bytes?.byteLength);
  replaceAnswer(c, answer);
}

async function changeBody(
  c: PluginContext,
  status: number | undefined,
  filterBody: (text: string) => Promise<string>,
  limit: number,
): Promise<void> {
  const { res } = c;
  const now = status ?? res.status;
  if (res.body === null || isBodiless(now)) {
    void discardBody(res.body);
    const answer = new Response(null, { status: now, headers: res.headers });
    // How long it would be is not known, for HEAD.
    forgetBody(answer.headers, undefined);
    return replaceAnswer(c, answer);
  }
  const read = bodyText(await readDecoded(res.body, res.headers.get("content-encoding"), limit));
  const bytes = read.encode(await filterBody(read.text));
  const answer = new Response(bytes, { status: now, headers: res.headers });
  forgetBody(answer.headers, bytes.byteLength);
  replaceAnswer(c, answer);
}

/** Takes away what was said of the body that is no longer sent. */
function forgetBody(headers: Headers, length: number | undefined): void {
  for (const name of ["content-length", "content-encoding", "last-modified", "etag"]) headers.delete(name);
  if (length !== undefined) headers.set("content-length", String(length));
}

/** What the filters cannot read must not be asked for. */
function acceptDecodable(c: PluginContext): void {
  const { headers } = c.get("upstream");
  const accepted = headers.getAll("accept-encoding");
  if (accepted.length === 0) return;
  const kept = decodable(accepted.join(","));
  if (kept === undefined) headers.delete("accept-encoding");
  else headers.set("Accept-Encoding", kept);
}

type Changes = (headers: AnswerFields, variables: VariableReader) => void;

function compileChanges(configured: NonNullable<Config["headers"]>): Changes {
  const verbs = hasVerbs(configured) ? configured : { set: configured };
  const add = ((verbs.add ?? []) as readonly string[]).map((line): FieldTemplates => {
    const [, name = "", value = ""] = FIELD.exec(line)!;
    return { name, values: [compileTemplate(toFieldText(value))] };
  });
  const set = compileFields(verbs.set), remove = verbs.remove ?? [];
  return (headers, variables) => {
    for (const { name, values } of add) headers.append(name, sendableValue(values[0]!(variables)));
    for (const { name, values } of set) {
      const value = sendableValue(values[0]!(variables));
      // As in nginx, an empty value takes the field away.
      if (value === "") headers.delete(name);
      else headers.set(name, value);
    }
    for (const name of remove) headers.delete(name);
  };
}

/** Variables of the request, and what nginx tells of the answer. */
function withAnswer(c: PluginContext): VariableReader {
  const { variables } = c.get("exchange");
  return {
    read(variable) {
      const { name } = variable;
      if (name === "status") return String(c.res.status);
      if (name.startsWith("sent_http_")) return fieldOf(c, name.slice(10));
      if (name.startsWith("upstream_http_")) return fieldOf(c, name.slice(14));
      return variables.read(variable);
    },
  };
}

function fieldOf(c: PluginContext, name: string): string | undefined {
  return answerField(c, name.replaceAll("_", "-"));
}

function bodyOf({ body, body_base64: encoded }: Config): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  return encoded ? fromBase64(body) : new TextEncoder().encode(body);
}

function fromBase64(encoded: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(encoded), (unit) => unit.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function compileFilter({ regex, replace, options }: Filter): ReturnType<typeof compileSubstitution> {
  return compileSubstitution(regex, replace, {
    ignoreCase: options.includes("i"),
    dotAll: options.includes("s"),
    multiline: options.includes("m"),
  });
}

function compileFilters(filters: readonly Filter[]): (text: string) => Promise<string> {
  // The schema has tried them.
  const steps = filters.map((one) => ({ all: one.scope === "global", change: compileFilter(one) as Substitution }));
  return async (text) => {
    let changed = text;
    for (const { all, change } of steps) {
      changed = all ? await change.all(changed) : change.first(changed)?.text ?? changed;
    }
    return changed;
  };
}

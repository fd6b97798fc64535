import * as v from "valibot";
import { fields, flag, oneOf, pattern, text } from "../config/fields.ts";
import { list, rule, ruled } from "../config/schema-tools.ts";
import type { RequestVariables } from "../match/request-variables.ts";
import { toText } from "../match/request-variables.ts";
import type { VariableReader } from "../match/variable.ts";
import { sameName } from "../net/header-list.ts";
import { createPathNormalizer } from "../net/path.ts";
import type { PluginContext, PluginExchange, UpstreamRequest } from "../pipeline/context.ts";
import { escapePath, escapeUnprintable } from "../pipeline/escape-uri.ts";
import { compileFields, type FieldChanges, fieldChanges, fieldValues, hasVerbs } from "../pipeline/field-changes.ts";
import { sendableValue } from "../pipeline/field-value.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { stepMiddleware } from "../pipeline/step.ts";
import { compileSubstitution, type Substituted, type Substitution } from "../pipeline/substitution.ts";
import { checkTemplate, compileTemplate } from "../pipeline/template.ts";

const METHODS = [
  "GET",
  "POST",
  "PUT",
  "HEAD",
  "DELETE",
  "OPTIONS",
  "MKCOL",
  "COPY",
  "MOVE",
  "PROPFIND",
  "LOCK",
  "UNLOCK",
  "PATCH",
  "TRACE",
] as const;

const known = fields({
  uri: v.exactOptional(pattern(/^\//, "a path that begins with '/'", 4096)),
  method: v.exactOptional(oneOf(...METHODS)),
  regex_uri: v.exactOptional(v.pipe(list(text()), v.minLength(2, "must have at least 2 items"))),
  host: v.exactOptional(
    pattern(/^[0-9a-zA-Z.-]+(?::\d{1,5})?$/, "a host, perhaps with a port, as in example.com:8080"),
  ),
  headers: v.exactOptional(fieldChanges(fieldValues, fieldValues)),
  use_real_request_uri_unsafe: v.exactOptional(flag, false),
});

type Config = v.InferOutput<typeof known>;

const schema = ruled(
  known,
  rule<Config>(
    ({ uri }) => {
      const fault = uri === undefined ? undefined : checkTemplate(uri);
      return fault === undefined ? undefined : `must be a template: ${fault}`;
    },
    undefined,
    "uri",
  ),
  rule<Config>(({ regex_uri: pairs }) => pairs && pairsFault(pairs), undefined, "regex_uri"),
);

/** A target for the upstream, and the groups of the regular expression that made it. */
interface Rewritten {
  readonly target: string;
  readonly capture: Substituted["capture"] | undefined;
}

type Rewrite = (exchange: PluginExchange, request: UpstreamRequest) => Rewritten | undefined;

/** Changes what the upstream is asked: target, method, host, header fields (APISIX `plugins/proxy-rewrite.lua`). */
export const proxyRewrite: Plugin = definePlugin({
  name: "proxy-rewrite",
  priority: PRIORITIES["proxy-rewrite"],
  phase: "rewrite",
  schema,
  create(config) {
    const { host, method, headers } = config;
    const rewrite = compileRewrite(config);
    const changes = headers === undefined ? undefined : compileChanges(headers);
    const change = (exchange: PluginExchange, request: UpstreamRequest): undefined => {
      const rewritten = rewrite?.(exchange, request);
      if (rewritten !== undefined) request.target = rewritten.target;
      if (host !== undefined) request.host = host;
      if (changes !== undefined) apply(changes, request, withCaptures(exchange.variables, rewritten?.capture));
    };
    if (method === undefined) return stepMiddleware(change);
    return (c, next) => {
      const request = c.get("upstream");
      change(c.get("exchange"), request);
      if (method === c.req.method) return next();
      request.method = method;
      return method === "HEAD" || c.req.method === "HEAD" ? next().then(() => withoutBody(c)) : next();
    };
  },
});

function compileRewrite({ uri, regex_uri: pairs, use_real_request_uri_unsafe: raw }: Config): Rewrite | undefined {
  if (uri !== undefined) return compileUri(uri, raw);
  return pairs === undefined ? undefined : compileRegexUri(pairs, raw);
}

function compileUri(uri: string, raw: boolean): Rewrite {
  const template = compileTemplate(uri);
  return (exchange, { target }) => {
    const { variables } = exchange;
    // A variable must not end the path: its question mark is part of a name.
    const filled = template({
      read: (variable) => toText(variables.read(variable))?.replaceAll("?", "%3F"),
    });
    const written = raw ? escapeUnprintable(filled) : escapeTarget(filled, filled.indexOf("?"));
    return { target: withQuery(written, queryOf(target)), capture: undefined };
  };
}

function compileRegexUri(pairs: readonly string[], raw: boolean): Rewrite {
  const substitutions: Substitution[] = [];
  // The schema has tried them.
  for (let i = 0; i < pairs.length; i += 2) {
    substitutions.push(compileSubstitution(pairs[i]!, pairs[i + 1]!) as Substitution);
  }
  return (exchange, { target }) => {
    const subject = raw ? target : pathOf(exchange, target);
    for (const substitution of substitutions) {
      const found = substitution.first(subject);
      if (found === undefined) continue;
      const { text, capture } = found;
      if (raw) return { target: escapeUnprintable(rooted(text)), capture };
      // A question mark that the client sent escaped is part of the path; then there is none that begins a query.
      const mark = subject.includes("?") ? -1 : text.indexOf("?");
      return { target: withQuery(escapeTarget(text, mark), queryOf(target)), capture };
    }
    return undefined;
  };
}

/** A path that was put together of decoded parts, and a query from `mark` on where that is not negative. */
function escapeTarget(text: string, mark: number): string {
  const escaped = escapePath(rooted(mark < 0 ? text : text.slice(0, mark)));
  return mark < 0 ? escaped : escaped + escapeUnprintable(text.slice(mark));
}

/** What does not begin with a slash would be another form of target (RFC 9112 section 3.2). */
function rooted(target: string): string {
  return target.startsWith("/") ? target : `/${target}`;
}

function withQuery(target: string, query: string): string {
  return query === "" ? target : target + (target.includes("?") ? "&" : "?") + query;
}

/** The query that the upstream would get now; authentication may have taken a key out of it. */
function queryOf(target: string): string {
  const mark = target.indexOf("?");
  return mark < 0 ? "" : target.slice(mark + 1);
}

const normalize = createPathNormalizer();

/** The path, decoded; as an earlier plugin left it. */
function pathOf(exchange: PluginExchange, target: string): string {
  return target === exchange.inbound.target ? exchange.path : normalize(target)?.path ?? exchange.path;
}

function compileChanges(headers: NonNullable<Config["headers"]>): FieldChanges {
  if (!hasVerbs(headers)) return { add: [], set: compileFields(headers), remove: [] };
  const { add, set, remove = [] } = headers as Exclude<typeof headers, Record<string, string | number>>;
  return { add: compileFields(add), set: compileFields(set), remove };
}

function apply({ add, set, remove }: FieldChanges, request: UpstreamRequest, variables: VariableReader): void {
  const { headers } = request;
  for (const { name, values } of add) {
    for (const value of values) headers.append(name, sendableValue(value(variables)));
  }
  for (const { name, values: [first, ...more] } of set) {
    const value = sendableValue(first!(variables));
    // Host is written when the request is sent.
    if (sameName(name, "host")) request.host = value;
    else headers.set(name, value);
    for (const further of more) headers.append(name, sendableValue(further(variables)));
  }
  for (const name of remove) headers.delete(name);
}

/** Lets `$1` stand for a group of the regular expression that took the path. */
function withCaptures(variables: RequestVariables, capture: Rewritten["capture"]): VariableReader {
  return {
    read: (variable) => /^\d+$/.test(variable.name) ? capture?.(Number(variable.name)) : variables.read(variable),
  };
}

/** An answer to HEAD has no body, and one to a request that was made HEAD has none to send. */
function withoutBody(c: PluginContext): void {
  const { res } = c;
  void res.body?.cancel().catch(() => {});
  const bare = new Response(null, res);
  if (c.req.method !== "HEAD") bare.headers.delete("content-length");
  c.res = undefined;
  c.res = bare;
}

function pairsFault(pairs: readonly string[]): string | undefined {
  if (pairs.length < 2) return undefined;
  if (pairs.length % 2 !== 0) return "must have an even number of items: a regular expression and a template each";
  for (let i = 0; i < pairs.length; i += 2) {
    const compiled = compileSubstitution(pairs[i]!, pairs[i + 1]!);
    if ("message" in compiled) {
      const at = compiled.at === "pattern" ? i : i + 1;
      return `has an item [${at}] that ${compiled.message}`;
    }
  }
  return undefined;
}

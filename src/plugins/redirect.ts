import * as v from "valibot";
import { fields, flag, integer, text } from "../config/fields.ts";
import { list, rule, ruled } from "../config/schema-tools.ts";
import { indexOf } from "../net/header-list.ts";
import type { PluginContext, PluginExchange } from "../pipeline/context.ts";
import { escapePath, escapeUnprintable } from "../pipeline/escape-uri.ts";
import { definePlugin, type Plugin } from "../pipeline/plugin.ts";
import { PRIORITIES } from "../pipeline/priorities.ts";
import { compileSubstitution, type Substitution } from "../pipeline/substitution.ts";
import { compileTemplate } from "../pipeline/template.ts";

const redirectFields = fields({
  ret_code: v.exactOptional(integer(200, 599), 302),
  uri: v.exactOptional(text(2, 4096)),
  regex_uri: v.exactOptional(
    v.pipe(list(text()), v.length(2, "must have two items: a regular expression and a template")),
  ),
  http_to_https: v.exactOptional(flag),
  encode_uri: v.exactOptional(flag, false),
  append_query_string: v.exactOptional(flag, false),
});

type Config = v.InferOutput<typeof redirectFields>;

const ONE_OF = ["uri", "regex_uri", "http_to_https"] as const;

const schema = ruled(
  redirectFields,
  rule<Config>(
    (config) =>
      ONE_OF.filter((name) => config[name] !== undefined).length === 1
        ? undefined
        : `must have exactly one of ${ONE_OF.join(", ")}`,
    { oneOf: ONE_OF.map((name) => ({ required: [name] })) },
  ),
  rule<Config>(
    (config) =>
      config.http_to_https === true && config.append_query_string
        ? "must not be there together with http_to_https, which keeps the query anyway"
        : undefined,
    undefined,
    "append_query_string",
  ),
  rule<Config>(
    ({ regex_uri: pair }) => {
      if (pair?.length !== 2) return undefined;
      const compiled = compileSubstitution(pair[0]!, pair[1]!);
      return "message" in compiled ? `has a ${compiled.at} that ${compiled.message}` : undefined;
    },
    undefined,
    "regex_uri",
  ),
);

/** Where to redirect a request; undefined where it goes on. */
type Target = (exchange: PluginExchange) => string | undefined;

/** Answers with a redirect (APISIX `plugins/redirect.lua`). */
export const redirect: Plugin = definePlugin({
  name: "redirect",
  priority: PRIORITIES.redirect,
  phase: "rewrite",
  schema,
  create(config) {
    if (config.http_to_https === true) return (c, next) => isSecure(c) ? next() : Promise.resolve(toHttps(c));
    const target = compileTarget(config);
    const { ret_code: status, encode_uri: encode, append_query_string: append } = config;
    return (c, next) => {
      const exchange = c.get("exchange");
      let location = target(exchange);
      if (location === undefined) return next();
      const mark = location.indexOf("?");
      if (encode) {
        location = mark < 0 ? escapePath(location) : escapePath(location.slice(0, mark)) + location.slice(mark);
      }
      if (append) {
        const query = queryOf(exchange.inbound.target);
        if (query !== "") location += (mark < 0 ? "?" : "&") + query;
      }
      return Promise.resolve(redirectTo(escapeUnprintable(location), status));
    };
  },
});

function compileTarget({ uri, regex_uri: pair }: Config): Target {
  if (uri !== undefined) {
    const template = compileTemplate(toTemplate(uri));
    return (exchange) => template(exchange.variables);
  }
  if (pair === undefined) return () => undefined;
  // The schema has tried it.
  const substitution = compileSubstitution(pair[0]!, pair[1]!) as Substitution;
  return (exchange) => substitution.first(exchange.path)?.text;
}

/** In this plugin a name ends at the first character that is no letter, digit or `_`, and `\$name` stays as it is, with the backslash. */
function toTemplate(uri: string): string {
  return uri.replace(
    /(\\?)\$(?:\{(\w+)\}|(\w+))/g,
    (all: string, escape: string, braced: string | undefined, bare: string | undefined) =>
      escape === "" ? `\${${braced ?? bare}}` : braced === undefined ? `\\\\$${bare}` : all,
  );
}

function isSecure(c: PluginContext): boolean {
  const { inbound, client } = c.get("exchange");
  if (!client.trusted) return inbound.secure;
  const at = indexOf(inbound.headers, "x-forwarded-proto", 0);
  return at < 0 ? inbound.secure : inbound.headers[at + 1]!.toLowerCase() === "https";
}

function toHttps(c: PluginContext): Response {
  const { host, inbound } = c.get("exchange");
  const { method } = c.req;
  // The target as it came: decoded, it could mean another place, or none.
  return redirectTo(
    escapeUnprintable(`https://${host}${inbound.target}`),
    method === "GET" || method === "HEAD" ? 301 : 308,
  );
}

function queryOf(target: string): string {
  const mark = target.indexOf("?");
  return mark < 0 ? "" : target.slice(mark + 1);
}

function redirectTo(location: string, status: number): Response {
  return new Response(null, { status, headers: { location } });
}

import { compileBodyPath } from "./body-path.ts";
import type { RequestParts } from "./request-parts.ts";
import type { VariableValue } from "./variable-value.ts";
import { NEEDS_BODY, type Variable } from "./variable.ts";

type Read = (parts: RequestParts) => VariableValue;

/** Variables with names of their own: nginx's, and APISIX's few (`apisix/core/ctx.lua`). */
const NAMED: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["uri", ({ source }) => source.path],
  ["document_uri", ({ source }) => source.path],
  // APISIX replaces nginx's by the normalised one, and keeps the raw one under another name.
  ["request_uri", ({ source }) => source.query === undefined ? source.path : `${source.path}?${source.query}`],
  ["real_request_uri", ({ source }) => source.target],
  ["args", ({ source }) => source.query],
  ["query_string", ({ source }) => source.query],
  ["is_args", ({ source }) => source.query === undefined || source.query === "" ? "" : "?"],
  ["host", ({ source }) => source.host],
  ["method", ({ source }) => source.method],
  ["request_method", ({ source }) => source.method],
  ["scheme", ({ source }) => source.secure ? "https" : "http"],
  ["https", ({ source }) => source.secure ? "on" : ""],
  ["server_protocol", ({ source }) => source.protocol ?? "HTTP/1.1"],
  ["request", ({ source }) => `${source.method} ${source.target} ${source.protocol ?? "HTTP/1.1"}`],
  ["request_line", ({ source }) => `${source.method} ${source.target} ${source.protocol ?? "HTTP/1.1"}`],
  ["remote_addr", ({ source }) => source.remoteAddress],
  ["remote_port", ({ source }) => String(source.remotePort)],
  ["realip_remote_addr", ({ source }) => source.peerAddress],
  ["server_addr", ({ source }) => source.localAddress],
  ["server_port", ({ source }) => String(source.localPort)],
  ["content_type", (parts) => parts.header("content-type")],
  ["content_length", (parts) => parts.header("content-length")],
]);

/** What can be asked of a GraphQL request. */
const GRAPHQL: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["graphql_operation", (parts) => parts.graphql().operation],
  ["graphql_name", (parts) => parts.graphql().name],
  ["graphql_root_fields", (parts) => parts.graphql().rootFields],
]);

/**
 * Prepares a variable, so that reading it costs no parsing of its name. Families: `arg_x`, `http_x`, `cookie_x`, `post_arg_x` (HTML forms), `post_arg.x.y` and
 * JSONPath (`post_arg.items[*].id`) in JSON and forms, `graphql_operation`, `graphql_name`, `graphql_root_fields`, `uri_param_x`. A name that is none of these
 * is looked up among the gateway's facts (`route_id`, `consumer_name`), and has no value where it is not there either, as in APISIX.
 *
 * @throws {SyntaxError} where the JSONPath of a `post_arg.` is malformed or not supported.
 */
export function compileVariable(name: string): Variable {
  const named = NAMED.get(name);
  if (named !== undefined) return { name, needsBody: false, read: named };
  if (name.startsWith("arg_")) return plain(name, 4, (key) => (parts) => parts.args().get(key));
  if (name.startsWith("cookie_")) return plain(name, 7, (key) => (parts) => parts.cookies().get(key));
  if (name.startsWith("http_")) return plain(name, 5, (key) => field(key.toLowerCase().replaceAll("_", "-")));
  if (name.startsWith("uri_param_")) return pathParam(name, name.slice(10));
  if (name.startsWith("post_arg_")) return fromBody(name, post(name.slice(9)));
  if (name.startsWith("post_arg.")) {
    const find = compileBodyPath(name.slice(9));
    return fromBody(name, (parts) => find(parts.table().value));
  }
  const graphql = GRAPHQL.get(name);
  if (graphql !== undefined) return fromBody(name, graphql, (parts) => parts.source.method !== "POST");
  return { name, needsBody: false, read: ({ source }) => source.fact?.(name) };
}

function plain(name: string, prefix: number, make: (key: string) => Read): Variable {
  return { name, needsBody: false, read: make(name.slice(prefix)) };
}

function pathParam(name: string, param: string): Variable {
  const read: Read = ({ source: { params } }) =>
    params !== undefined && Object.hasOwn(params, param) ? params[param] : undefined;
  return { name, param, needsBody: false, read };
}

function field(name: string): Read {
  return (parts) => parts.header(name);
}

function post(key: string): Read {
  return (parts) => parts.form().get(key);
}

function fromBody(name: string, read: Read, without: (parts: RequestParts) => boolean = () => false): Variable {
  return {
    name,
    needsBody: true,
    read: (parts) => parts.source.body === undefined && !without(parts) ? NEEDS_BODY : read(parts),
  };
}

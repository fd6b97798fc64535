import type { RawHeaders } from "../net/raw-headers.ts";
import { type BodyTable, bodyTable } from "./body-table.ts";
import { parseCookies } from "./cookies.ts";
import { parseForm } from "./form.ts";
import { type GraphqlFacts, graphqlFacts } from "./graphql.ts";

/** What variables are read from. */
export interface VariableSource {
  readonly method: string;
  /** The request target as received, with the query. */
  readonly target: string;
  /** As normalised; what nginx calls `$uri`. */
  readonly path: string;
  /** What follows `?`, as received; undefined without one. */
  readonly query: string | undefined;
  /** As normalised; what nginx calls `$host`. */
  readonly host: string;
  readonly headers: RawHeaders;
  /** The client's address and port, with trusted proxies taken into account. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The other end of the connection, trusted proxy or not. */
  readonly peerAddress: string;
  /** The address that the connection was accepted on, where known. */
  readonly localAddress?: string;
  readonly localPort: number;
  /** Whether the connection is under TLS. */
  readonly secure: boolean;
  /** The version of HTTP, as in `HTTP/1.1`; that is also the default. */
  readonly protocol?: string;
  /** The buffered body; null: there is none, or it is too large to look at; undefined: not buffered yet. */
  readonly body: Uint8Array | null | undefined;
  /** The parameters of the path of the route that was matched; undefined before, and where there are none. */
  readonly params?: Readonly<Record<string, string>> | undefined;
  /** What the gateway knows beside the request, by name: `route_id`, `service_id`, `consumer_name`, `balancer_ip`, ... */
  fact?(name: string): string | undefined;
}

/** The parts of one request that cost parsing, each parsed when first asked for, and once. */
export class RequestParts {
  readonly source: VariableSource;
  #args: ReadonlyMap<string, string | true> | undefined;
  #cookies: ReadonlyMap<string, string> | undefined;
  #form: ReadonlyMap<string, string | true> | undefined;
  #table: BodyTable | undefined;
  #graphql: GraphqlFacts | undefined;

  constructor(source: VariableSource) {
    this.source = source;
  }

  /** The query's arguments, the first value of each. */
  args(): ReadonlyMap<string, string | true> {
    return this.#args ??= parseForm(this.source.query ?? "");
  }

  cookies(): ReadonlyMap<string, string> {
    return this.#cookies ??= parseCookies(this.header("cookie") ?? "");
  }

  /** The fields of a body that is an HTML form; empty for other bodies. The body must be buffered. */
  form(): ReadonlyMap<string, string | true> {
    if (this.#form === undefined) {
      const fits = this.header("content-type")?.startsWith("application/x-www-form-urlencoded") ?? false;
      this.#form = parseForm(fits ? decode(this.source.body) : "");
    }
    return this.#form;
  }

  /** The body as one object: JSON, an HTML form or a multipart form. The body must be buffered. */
  table(): BodyTable {
    return this.#table ??= bodyTable(this.header("content-type") ?? "", this.source.body ?? null);
  }

  /** What the first operation of a GraphQL request is. The body must be buffered unless the method is GET. */
  graphql(): GraphqlFacts {
    if (this.#graphql === undefined) {
      const { method, body } = this.source;
      const query = method === "GET" ? this.args().get("query") : undefined;
      const text = method === "GET" ? (typeof query === "string" ? query : "") : method === "POST" ? decode(body) : "";
      this.#graphql = graphqlFacts(
        text,
        method === "POST" && /^application\/json\b/i.test(this.header("content-type") ?? ""),
      );
    }
    return this.#graphql;
  }

  /**
   * The value of a header field, by its name in lower case with `_` or `-` for `-`. Several fields of that name are joined as nginx
   * joins them: by `, `, cookies by `; `.
   */
  header(name: string): string | undefined {
    const { headers } = this.source;
    let value: string | undefined;
    for (let i = 0; i + 1 < headers.length; i += 2) {
      if (!sameField(headers[i]!, name)) continue;
      value = value === undefined ? headers[i + 1]! : `${value}${name === "cookie" ? "; " : ", "}${headers[i + 1]!}`;
    }
    return value;
  }
}

function decode(body: Uint8Array | null | undefined): string {
  return body === null || body === undefined ? "" : new TextDecoder().decode(body);
}

/** Whether a field's name is the one that `http_...` asks for, where nginx writes `-` as `_`. */
function sameField(field: string, name: string): boolean {
  if (field.length !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    let code = field.charCodeAt(i);
    if (code >= 0x41 && code <= 0x5a) code |= 0x20;
    const wanted = name.charCodeAt(i);
    if (code !== wanted && !(isDash(code) && isDash(wanted))) return false;
  }
  return true;
}

function isDash(code: number): boolean {
  return code === 0x2d || code === 0x5f;
}

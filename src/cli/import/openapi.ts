import { isFields } from "../resources/value.ts";
import { entriesOf, Ids, type Imported, type ImportOptions, listOf, textOf, upstreamOf } from "./resources.ts";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;

/** Authentication plugins by what a security scheme says; what is not here is told. */
function pluginOf(scheme: Readonly<Record<string, unknown>>): readonly [string, object] | undefined {
  const { type, scheme: name, in: place, name: field } = scheme;
  if (type === "http" && String(name).toLowerCase() === "basic") return ["basic-auth", {}];
  if (type === "http" && String(name).toLowerCase() === "bearer") return ["jwt-auth", {}];
  if (type === "apiKey" && place === "header") return ["key-auth", { header: String(field) }];
  if (type === "apiKey" && place === "query") return ["key-auth", { query: String(field) }];
  return undefined;
}

/**
 * An OpenAPI 3 document: a route for each set of operations of a path that ask for the same authentication, an upstream for the first server.
 * Parameters in a path become an expression over the whole path, so that `/users/{id}` takes no `/users/1/posts`.
 */
export function importOpenapi(document: Readonly<Record<string, unknown>>, options: ImportOptions = {}): Imported {
  const notes: string[] = [];
  const routes: unknown[] = [];
  const ids = new Ids();
  if (!String(document.openapi).startsWith("3.")) {
    notes.push("openapi: the document is not of version 3, and is read as if it were");
  }
  const servers = listOf(document.servers);
  const base = serverUrl(servers[0], notes);
  if (servers.length > 1) notes.push(`servers: only the first of ${servers.length} is used`);
  const made = upstreamOf([{ url: options.upstream ?? base ?? "" }]);
  if (made === undefined) {
    notes.push("servers: none has an absolute URL: give --upstream URL, as the upstream of this file goes nowhere");
  }
  const upstream = { id: "api", ...made?.upstream ?? { type: "roundrobin", nodes: [] } };
  const prefix = base !== undefined && URL.canParse(base, "http://none")
    ? decodeURI(new URL(base, "http://none").pathname).replace(/\/+$/, "")
    : "";
  const components = isFields(document.components) ? document.components : {};
  const schemes = new Map(entriesOf(components.securitySchemes));
  for (const [name, scheme] of schemes) {
    if (pluginOf(scheme) === undefined) {
      notes.push(
        `securitySchemes.${name}: ${String(scheme.type)} has no counterpart: its operations are closed to everybody`,
      );
    }
  }

  for (const [path, item] of entriesOf(document.paths)) {
    if (item.$ref !== undefined) notes.push(`paths ${path}: $ref is not followed`);
    if (item.servers !== undefined) notes.push(`paths ${path}: servers of its own have no counterpart`);
    const groups = new Map<string, { plugins: object; methods: string[]; names: string[] }>();
    for (const method of METHODS) {
      const operation = item[method];
      if (!isFields(operation)) continue;
      if (operation.servers !== undefined) notes.push(`${method} ${path}: servers of its own have no counterpart`);
      if (operation.callbacks !== undefined) notes.push(`${method} ${path}: callbacks have no counterpart`);
      const plugins = security(operation.security ?? document.security, `${method} ${path}`);
      const key = JSON.stringify(plugins);
      const group = groups.get(key) ?? { plugins, methods: [], names: [] };
      groups.set(key, group);
      group.methods.push(method.toUpperCase());
      group.names.push(textOf(operation.operationId) ?? `${method} ${path}`);
    }
    for (const { plugins, methods, names } of groups.values()) {
      const id = ids.make(names.length === 1 ? names[0]! : path.replace(/[{}]/g, ""));
      const summary = textOf(item.summary);
      routes.push({
        id,
        name: names.join(", ").slice(0, 100),
        ...(summary === undefined ? {} : { desc: summary.slice(0, 256) }),
        ...place(prefix + path),
        methods,
        ...(Object.keys(plugins).length > 0 ? { plugins } : {}),
        upstream_id: "api",
      });
    }
  }
  if (document.webhooks !== undefined) notes.push("webhooks: have no counterpart");
  return { sections: { routes, upstreams: routes.length > 0 ? [upstream] : [] }, notes };

  function security(required: unknown, where: string): Readonly<Record<string, object>> {
    const choices = listOf(required);
    // An empty choice means that nothing is needed.
    if (choices.length === 0 || choices.some((choice) => Object.keys(choice).length === 0)) return {};
    if (choices.length > 1) notes.push(`${where}: only the first of ${choices.length} ways to authenticate is used`);
    const plugins: Record<string, object> = {};
    for (const name of Object.keys(choices[0]!)) {
      const plugin = pluginOf(schemes.get(name) ?? {});
      if (plugin !== undefined) plugins[plugin[0]] = plugin[1];
      // Never open what was closed.
      else {plugins["fault-injection"] = {
          abort: { http_status: 403, body: "This way to authenticate is not configured" },
        };}
    }
    return plugins;
  }
}

/** The path of a route: as it is, or up to its first parameter with an expression for the whole. */
function place(path: string): object {
  const at = path.indexOf("{");
  if (at < 0) return { uri: path };
  const pattern = path.split(/(\{[^}]*\})/).map((part) =>
    part.startsWith("{") ? "[^/]+" : part.replace(/[.*+?^$()[\]\\|]/g, "\\$&")
  ).join("");
  return { uri: `${path.slice(0, at)}*`, vars: [["uri", "~~", `^${pattern}$`]] };
}

function serverUrl(server: Readonly<Record<string, unknown>> | undefined, notes: string[]): string | undefined {
  const url = textOf(server?.url);
  if (url === undefined) return undefined;
  const variables = new Map(entriesOf(server?.variables));
  return url.replace(/\{([^}]*)\}/g, (_, name: string) => {
    const value = variables.get(name)?.default;
    notes.push(`servers: the variable ${name} is taken as ${JSON.stringify(value ?? "")}`);
    return String(value ?? "");
  });
}

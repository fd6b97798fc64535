import { type Fields, isFields } from "../resources/value.ts";
import { entriesOf, Ids, type Imported, listOf, textOf, textsOf, upstreamOf } from "./resources.ts";
import { toPlugins } from "./traefik-middleware.ts";
import { parseRule, type RuleMatcher } from "./traefik-rule.ts";

const escape = (text: string): string => text.replace(/[.*+?^${}()[\]\\|]/g, "\\$&");

/**
 * Traefik's dynamic configuration (YAML or JSON): `http.routers` to routes, `http.services` with servers to upstreams, and the middlewares that have
 * a counterpart to plugins. A router whose middleware has none is left out, since it may be what protects it.
 */
export function importTraefik(document: Fields): Imported {
  const notes: string[] = [];
  const http = isFields(document.http) ? document.http : {};
  for (const section of ["tcp", "udp", "tls"]) {
    if (document[section] !== undefined) notes.push(`${section}: has no counterpart`);
  }
  for (const section of Object.keys(http)) {
    if (!["routers", "services", "middlewares"].includes(section)) notes.push(`http.${section}: has no counterpart`);
  }
  const middlewares = new Map(entriesOf(http.middlewares));
  const upstreamIds = new Ids();
  const routeIds = new Ids();
  const upstreams = new Map<string, Fields>();
  for (const [name, service] of entriesOf(http.services)) {
    const upstream = toUpstream(name, service);
    if (upstream !== undefined) upstreams.set(name, { id: upstreamIds.make(name), name, ...upstream });
  }
  const routes = entriesOf(http.routers).flatMap(([name, router]) => toRoutes(name, router));
  return { sections: { routes, upstreams: [...upstreams.values()] }, notes };

  function toUpstream(name: string, service: Fields): Fields | undefined {
    const where = `http.services.${name}`;
    const { loadBalancer } = service;
    if (!isFields(loadBalancer)) {
      notes.push(`${where}: ${Object.keys(service).join(", ")} has no counterpart`);
      return undefined;
    }
    const { servers, passHostHeader, ...rest } = loadBalancer;
    const made = upstreamOf(
      listOf(servers).map(({ url, weight }) => ({
        url: String(url),
        ...(typeof weight === "number" ? { weight } : {}),
      })),
    );
    for (const field of Object.keys(rest)) notes.push(`${where}.loadBalancer.${field}: has no counterpart`);
    if (made === undefined) {
      notes.push(`${where}: none of its servers has a URL that can be used`);
      return undefined;
    }
    if (made.paths.some((path) => path !== "")) notes.push(`${where}: the paths in its servers' URLs are left out`);
    return { ...made.upstream, ...(passHostHeader === false ? { pass_host: "node" } : {}) };
  }

  function toRoutes(name: string, router: Fields): Fields[] {
    const where = `http.routers.${name}`;
    const rule = parseRule(textOf(router.rule) ?? "");
    if (typeof rule === "string") return left(`${where}: its rule cannot be read: ${rule}`);
    const upstream = upstreams.get(String(router.service));
    if (upstream === undefined) {
      return left(`${where}: its service ${JSON.stringify(router.service ?? null)} has no counterpart`);
    }
    const plugins = pluginsOf(where, textsOf(router.middlewares));
    if (plugins === undefined) return [];
    for (const field of ["tls", "entryPoints", "observability"]) {
      if (router[field] !== undefined) notes.push(`${where}.${field}: has no counterpart`);
    }
    // Traefik tries longer rules first; here longer paths go first by themselves.
    const priority = typeof router.priority === "number" ? { priority: router.priority } : {};
    return rule.flatMap((part) => {
      const match = toMatch(part);
      if (typeof match === "string") return left(`${where}: ${match} has no counterpart`);
      return [{
        id: routeIds.make(name),
        name,
        ...match,
        ...priority,
        ...(Object.keys(plugins).length > 0 ? { plugins } : {}),
        upstream_id: upstream.id,
      }];
    });
  }

  function left(note: string): [] {
    notes.push(`${note}; it is left out`);
    return [];
  }

  function pluginsOf(where: string, names: readonly string[]): Fields | undefined {
    const plugins: Record<string, unknown> = {};
    for (const full of names) {
      const [name = ""] = full.split("@");
      for (const [type, config] of entriesOf(middlewares.get(name) ?? { none: {} })) {
        const found = toPlugins(type, config);
        const twice = "plugins" in found && Object.keys(found.plugins).find((plugin) => plugin in plugins);
        if ("reason" in found || twice) {
          const reason = "reason" in found ? found.reason : `${String(twice)} is there already`;
          left(`${where}: the counterpart of its middleware ${name} (${type}): ${reason}`);
          return undefined;
        }
        Object.assign(plugins, found.plugins);
      }
    }
    return plugins;
  }
}

/** A conjunction as a route's conditions, or the matcher that has no counterpart. */
function toMatch(part: readonly RuleMatcher[]): Fields | string {
  let uris: string[] | undefined,
    hosts: string[] | undefined,
    methods: string[] | undefined,
    addresses: string[] | undefined;
  const vars: unknown[] = [];
  for (const { name, args, not } of part) {
    const [first = "", second = ""] = args;
    const inverted = not ? ["!"] : [];
    const variable = (prefix: string): string => `${prefix}${first.toLowerCase().replaceAll("-", "_")}`;
    if (name === "Host" && !not && hosts === undefined) hosts = args.map((host) => host.toLowerCase());
    else if (name === "Path" && !not && uris === undefined) uris = [...args];
    else if (name === "PathPrefix" && !not && uris === undefined) uris = args.map((path) => `${path}*`);
    else if (name === "Method" && !not && methods === undefined) methods = args.map((method) => method.toUpperCase());
    else if (name === "ClientIP" && !not && addresses === undefined) addresses = [...args];
    else if (name === "PathPrefix" || name === "Path") {
      const end = name === "Path" ? "$" : "";
      vars.push(["uri", ...inverted, "~~", `^(?:${args.map(escape).join("|")})${end}`]);
    } else if (name === "PathRegexp") vars.push(["uri", ...inverted, "~~", first]);
    else if (name === "HostRegexp" && !first.includes("{")) vars.push(["host", ...inverted, "~~", first]);
    else if (name === "Method") vars.push(["request_method", ...inverted, "in", args]);
    else if (name === "Header" || name === "Headers") vars.push([variable("http_"), not ? "~=" : "==", second]);
    else if (name === "HeaderRegexp" || name === "HeadersRegexp") {
      vars.push([variable("http_"), ...inverted, "~~", second]);
    } else if (name === "Query" && args.length === 2) vars.push([`arg_${first}`, not ? "~=" : "==", second]);
    else if (name === "QueryRegexp") vars.push([`arg_${first}`, ...inverted, "~~", second]);
    else return `${not ? "!" : ""}${name}(${args.map((arg) => `\`${arg}\``).join(", ")})`;
  }
  return {
    ...(uris === undefined || uris.length === 1 ? { uri: uris?.[0] ?? "/*" } : { uris }),
    ...(hosts === undefined ? {} : hosts.length === 1 ? { host: hosts[0] } : { hosts }),
    ...(methods === undefined ? {} : { methods }),
    ...(addresses === undefined ? {} : { remote_addrs: addresses }),
    ...(vars.length > 0 ? { vars } : {}),
  };
}

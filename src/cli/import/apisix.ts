import { isFields } from "../resources/value.ts";
import { entriesOf, Ids, type Imported, listOf, textOf } from "./resources.ts";

/** Sections that a resources file has, too. */
const SECTIONS: readonly string[] = [
  "routes",
  "upstreams",
  "services",
  "plugin_configs",
  "consumers",
  "consumer_groups",
  "global_rules",
  "ssls",
  "plugin_metadata",
  "secrets",
];

/**
 * An Apache APISIX standalone file (`conf/apisix.yaml`), or one of ADC: there routes stand inside of their services, global rules and plugin
 * metadata are maps by plugin, and names take the place of ids.
 */
export function importApisix(document: Readonly<Record<string, unknown>>): Imported {
  const sections: Record<string, unknown[]> = {};
  const notes: string[] = [];
  const ids = new Map<string, Ids>();
  const idOf = (section: string, name: string): string => {
    const known = ids.get(section) ?? new Ids();
    ids.set(section, known);
    return known.make(name);
  };
  const put = (section: string, entry: unknown): void => void (sections[section] ??= []).push(entry);

  for (const [section, value] of Object.entries(document)) {
    if (section === "global_rules" && isFields(value)) {
      for (const [name, config] of entriesOf(value)) {
        put(section, { id: idOf(section, name), plugins: { [name]: config } });
      }
    } else if (section === "plugin_metadata" && isFields(value)) {
      for (const [name, config] of entriesOf(value)) put(section, { id: name, ...config });
    } else if (section === "services") {
      for (const service of listOf(value)) takeService(service);
    } else if (section === "ssls") {
      for (const ssl of listOf(value)) takeSsl(ssl);
    } else if (section === "consumers") {
      for (const consumer of listOf(value)) takeConsumer(consumer);
    } else if (section === "consumer_groups") {
      for (const group of listOf(value)) {
        const { consumers, name, ...rest } = group;
        const id = textId(group.id) ?? idOf(section, textOf(name) ?? "group");
        put(section, { id, ...(name === undefined ? {} : { name }), ...rest });
        for (const consumer of listOf(consumers)) takeConsumer({ ...consumer, group_id: id });
      }
    } else if (SECTIONS.includes(section)) {
      for (const entry of listOf(value)) {
        put(section, { ...entry, id: textId(entry.id) ?? idOf(section, textOf(entry.name) ?? section.slice(0, -1)) });
      }
    } else if (section !== "$schema" && section !== "version" && section !== "_format_version") {
      notes.push(`${section}: has no counterpart`);
    }
  }
  for (const section of Object.values(sections)) for (const entry of section) noteScripts(entry, notes);
  return { sections, notes };

  function takeService(service: Readonly<Record<string, unknown>>): void {
    const { routes, upstreams, stream_routes, path_prefix, strip_path_prefix, ...rest } = service;
    const name = textOf(service.name) ?? "service";
    const id = textId(service.id) ?? idOf("services", name);
    if (strip_path_prefix === true && path_prefix !== undefined) {
      notes.push(`services/${id}: strip_path_prefix is not written to its routes: add proxy-rewrite to them`);
    }
    if (listOf(stream_routes).length > 0) notes.push(`services/${id}: its stream_routes have no counterpart`);
    for (const upstream of listOf(upstreams)) {
      put("upstreams", { ...upstream, id: textId(upstream.id) ?? idOf("upstreams", textOf(upstream.name) ?? name) });
    }
    put("services", { id, ...rest });
    const prefix = (textOf(path_prefix) ?? "").replace(/\/+$/, "");
    for (const route of listOf(routes)) {
      const uris = Array.isArray(route.uris)
        ? { uris: route.uris.map((uri) => typeof uri === "string" ? prefix + uri : uri) }
        : typeof route.uri === "string"
        ? { uri: prefix + route.uri }
        : {};
      const routeId = textId(route.id) ?? idOf("routes", `${name}-${textOf(route.name) ?? "route"}`);
      put("routes", { ...route, ...uris, id: routeId, service_id: id });
    }
  }

  function takeSsl(ssl: Readonly<Record<string, unknown>>): void {
    const { certificates, ...rest } = ssl;
    const [first, ...more] = listOf(certificates);
    const name = Array.isArray(ssl.snis) ? String(ssl.snis[0]) : textOf(ssl.sni) ?? "ssl";
    const id = textId(ssl.id) ?? idOf("ssls", name.replace("*", "wildcard"));
    if (first === undefined) return put("ssls", { id, ...rest });
    const others = more.length === 0
      ? {}
      : { certs: more.map(({ certificate }) => certificate), keys: more.map(({ key }) => key) };
    put("ssls", { id, ...rest, cert: first.certificate, key: first.key, ...others });
  }

  function takeConsumer(consumer: Readonly<Record<string, unknown>>): void {
    const username = textOf(consumer.username);
    if (username === undefined) {
      // In a standalone file a credential stands beside its consumer.
      if (textOf(consumer.id)?.includes("/credentials/") === true) put("consumers", consumer);
      else notes.push("consumers: one has no username, and is left out");
      return;
    }
    const own = new Ids();
    const credentials = listOf(consumer.credentials).map((credential) => {
      const { type, config, ...rest } = credential;
      const id = textId(credential.id) ?? own.make(textOf(credential.name) ?? textOf(type) ?? "credential");
      return type === undefined ? { ...rest, id } : { id, ...rest, plugins: { [String(type)]: config ?? {} } };
    });
    put("consumers", { ...consumer, ...(credentials.length > 0 ? { credentials } : {}) });
  }
}

function textId(id: unknown): string | undefined {
  return typeof id === "number" ? String(id) : textOf(id);
}

/** Lua is what nothing here can run. */
function noteScripts(entry: unknown, notes: string[]): void {
  if (!isFields(entry)) return;
  for (const field of ["filter_func", "script", "script_id"]) {
    if (entry[field] !== undefined) {
      notes.push(`${String(entry.id)}: ${field} has no counterpart, and validate refuses it`);
    }
  }
}

/** Directory of each kind under the prefix, as Apache APISIX names them (`apisix/constants.lua`); kinds without one stand alone. */
export const DIRECTORIES: Readonly<Record<string, Kind>> = {
  routes: "route",
  services: "service",
  upstreams: "upstream",
  plugin_configs: "plugin_config",
  consumers: "consumer",
  consumer_groups: "consumer_group",
  global_rules: "global_rule",
  ssls: "ssl",
  plugin_metadata: "plugin_metadata",
  secrets: "secret",
  protos: "proto",
  stream_routes: "stream_route",
};

/**
 * What a key can hold. Beside Apache APISIX's kinds: `node` (the lone `<prefix>/node`), `plugin_list` (the key `plugins`) and
 * `upstream_node` (a node that registers itself, `upstreams/<id>/nodes/<name>`). `proto` and `stream_route` are known, and not supported.
 */
export type Kind =
  | "route"
  | "service"
  | "upstream"
  | "upstream_node"
  | "plugin_config"
  | "consumer"
  | "credential"
  | "consumer_group"
  | "global_rule"
  | "ssl"
  | "plugin_metadata"
  | "secret"
  | "plugin_list"
  | "node"
  | "proto"
  | "stream_route";

/** Every kind, in the order in which people read them. */
export const KINDS: readonly Kind[] = [
  "route",
  "service",
  "upstream",
  "upstream_node",
  "plugin_config",
  "consumer",
  "credential",
  "consumer_group",
  "global_rule",
  "ssl",
  "plugin_metadata",
  "secret",
  "plugin_list",
  "node",
  "proto",
  "stream_route",
];

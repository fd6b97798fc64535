import type * as v from "valibot";
import { type Consumer, consumerSchema } from "./consumer.ts";
import { type ConsumerGroup, consumerGroupSchema } from "./consumer-group.ts";
import { type Credential, credentialSchema } from "./credential.ts";
import { type GlobalRule, globalRuleSchema } from "./global-rule.ts";
import type { Kind } from "./kinds.ts";
import { type LoneNode, loneNodeSchema, type RegisteredNode, registeredNodeSchema } from "./node.ts";
import { type PluginConfig, pluginConfigSchema } from "./plugin-config.ts";
import { type PluginList, pluginListSchema } from "./plugin-list.ts";
import { type PluginMetadata, pluginMetadataSchema } from "./plugin-metadata.ts";
import { type Route, routeSchema } from "./route.ts";
import { type Secret, secretSchemas } from "./secret.ts";
import { type Service, serviceSchema } from "./service.ts";
import { type Ssl, sslSchema } from "./ssl.ts";
import { type Upstream, upstreamSchema } from "./upstream.ts";

/** What a key of each kind holds once it is read. */
export interface ResourceMap {
  route: Route;
  service: Service;
  upstream: Upstream;
  upstream_node: RegisteredNode;
  plugin_config: PluginConfig;
  consumer: Consumer;
  credential: Credential;
  consumer_group: ConsumerGroup;
  global_rule: GlobalRule;
  ssl: Ssl;
  plugin_metadata: PluginMetadata;
  secret: Secret;
  plugin_list: PluginList;
  node: LoneNode;
  proto: never;
  stream_route: never;
}

/** The type of a kind's resource. */
export type ResourceOf<K extends Kind> = ResourceMap[K];

/** Any resource. Its fields are the store's (snake case, seconds), complete with defaults; nobody may change it. */
export type Resource = ResourceMap[Kind];

/** The schema that a value of a kind must keep; `undefined` for kinds that are not supported. */
export function schemaOf(kind: Kind, id: string): v.GenericSchema | undefined {
  if (kind !== "secret") return SCHEMAS[kind];
  const manager = id.slice(0, id.indexOf("/"));
  return manager === "vault" || manager === "aws" || manager === "gcp" ? secretSchemas[manager] : undefined;
}

const SCHEMAS: Readonly<Partial<Record<Kind, v.GenericSchema>>> = {
  route: routeSchema,
  service: serviceSchema,
  upstream: upstreamSchema,
  upstream_node: registeredNodeSchema,
  plugin_config: pluginConfigSchema,
  consumer: consumerSchema,
  credential: credentialSchema,
  consumer_group: consumerGroupSchema,
  global_rule: globalRuleSchema,
  ssl: sslSchema,
  plugin_metadata: pluginMetadataSchema,
  plugin_list: pluginListSchema,
  node: loneNodeSchema,
};

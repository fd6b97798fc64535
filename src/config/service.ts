import * as v from "valibot";
import { anyObject, type Described, described, type Draft, fields, flag, host, id, unique } from "./fields.ts";
import type { PluginUses } from "./plugins.ts";
import { type InlineUpstream, upstreamSchema } from "./upstream.ts";

/** What several routes have in common; a route's own fields win. */
export interface Service extends Described {
  readonly id: string;
  readonly plugins?: PluginUses;
  readonly upstream?: InlineUpstream;
  readonly upstream_id?: string;
  readonly enable_websocket?: boolean;
  /** For routes that name no host. */
  readonly hosts?: readonly string[];
}

export const serviceSchema: v.GenericSchema<unknown, Draft<Service>> = fields({
  ...described,
  plugins: v.exactOptional(anyObject),
  upstream: v.exactOptional(upstreamSchema),
  upstream_id: v.exactOptional(id),
  enable_websocket: v.exactOptional(flag),
  hosts: v.exactOptional(unique(host, 1)),
});

import type * as v from "valibot";
import { anyObject, type Described, described, type Draft, fields } from "./fields.ts";
import type { PluginUses } from "./plugins.ts";

/** Plugins that several routes share. */
export interface PluginConfig extends Described {
  readonly id: string;
  readonly plugins: PluginUses;
}

export const pluginConfigSchema: v.GenericSchema<unknown, Draft<PluginConfig>> = fields({
  ...described,
  plugins: anyObject,
});

import type * as v from "valibot";
import { anyObject, type Draft, fields, stamps } from "./fields.ts";
import type { PluginUses } from "./plugins.ts";

/** Plugins that run for every request, whatever route takes it. */
export interface GlobalRule {
  readonly id: string;
  readonly create_time?: number;
  readonly update_time?: number;
  readonly plugins: PluginUses;
}

export const globalRuleSchema: v.GenericSchema<unknown, Draft<GlobalRule>> = fields({ ...stamps, plugins: anyObject });

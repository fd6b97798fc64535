import type * as v from "valibot";
import { anyObject, type Described, described, type Draft, fields } from "./fields.ts";
import type { PluginUses } from "./plugins.ts";

/** Plugins that several consumers share. */
export interface ConsumerGroup extends Described {
  readonly id: string;
  readonly plugins: PluginUses;
}

export const consumerGroupSchema: v.GenericSchema<unknown, Draft<ConsumerGroup>> = fields({
  ...described,
  plugins: anyObject,
});

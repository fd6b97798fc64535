import * as v from "valibot";
import { fields, flag, text } from "./fields.ts";
import { list } from "./schema-tools.ts";

/** The key `plugins`: which plugins APISIX's nodes have switched on. */
export interface PluginList {
  readonly id: "plugins";
  readonly plugins: readonly ListedPlugin[];
}

/** One plugin of the list. */
export interface ListedPlugin {
  readonly name: string;
  /** Whether it is one for TCP streams. */
  readonly stream?: boolean;
}

export const pluginListSchema: v.GenericSchema<unknown, ListedPlugin[]> = list(
  fields({ name: text(1, 256), stream: v.exactOptional(flag) }),
);

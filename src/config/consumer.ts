import * as v from "valibot";
import { anyObject, type Described, described, type Draft, fields, id, pattern } from "./fields.ts";
import type { PluginUses } from "./plugins.ts";

/** Somebody who calls, and how they prove it. */
export interface Consumer extends Described {
  /** The same as {@link Consumer.username}. */
  readonly id: string;
  readonly username: string;
  /** A consumer group. */
  readonly group_id?: string;
  readonly plugins?: PluginUses;
}

export const username: v.GenericSchema<unknown, string> = pattern(
  /^[a-zA-Z0-9_-]{1,256}$/,
  "1 to 256 letters, digits, '_', '-'",
);

export const consumerSchema: v.GenericSchema<unknown, Draft<Consumer>> = fields({
  ...described,
  username,
  group_id: v.exactOptional(id),
  plugins: v.exactOptional(anyObject),
});

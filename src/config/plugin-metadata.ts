import type * as v from "valibot";
import { anyObject } from "./fields.ts";

/** Settings of a plugin that hold for all of its uses, as a logger's format; what they may be is for the plugin to say. */
export interface PluginMetadata {
  /** The plugin's name. */
  readonly id: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Any object: the plugin checks it. */
export const pluginMetadataSchema: v.GenericSchema<unknown, Record<string, unknown>> = anyObject;

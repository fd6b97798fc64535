import * as v from "valibot";
import { anyObject, type Described, described, type Draft, fields } from "./fields.ts";
import type { PluginUses } from "./plugins.ts";
import { rule, ruled } from "./schema-tools.ts";

/** One of a consumer's ways to prove who they are: at most one authentication plugin's configuration. */
export interface Credential extends Described {
  /** `<username>/credentials/<id>`, as in its key. */
  readonly id: string;
  /** The consumer that it belongs to, from the key. */
  readonly username: string;
  /** Its own id, the last part of the key. */
  readonly credential_id: string;
  readonly plugins?: PluginUses;
}

type Stored = Omit<Draft<Credential>, "username" | "credential_id">;

export const credentialSchema: v.GenericSchema<unknown, Stored> = fields({
  ...described,
  plugins: v.exactOptional(ruled(
    anyObject,
    rule<Record<string, unknown>>(
      (plugins) => Object.keys(plugins).length > 1 ? "must have at most one plugin" : undefined,
      { maxProperties: 1 },
    ),
  )),
});

import type * as v from "valibot";
import { pattern, text } from "./fields.ts";
import { either } from "./schema-tools.ts";

/**
 * A reference to a secret that is kept elsewhere: `$env://NAME`, `$ENV://NAME` (`apisix/core/env.lua` knows no case),
 * `$secret://manager/id/name`. Spelled without a flag, which JSON Schema could not say.
 */
const REFERENCE = /^\$(?:[eE][nN][vV]|secret):\/\/./;

/** Whether a text stands for a secret kept elsewhere. */
export function isReference(value: unknown): boolean {
  return typeof value === "string" && value.startsWith("$") && REFERENCE.test(value);
}

const reference = pattern(REFERENCE, "a reference such as $env://NAME", 4096);

/** A certificate (chain) in PEM: 128 characters to 64 KiB, or a reference. */
export const certificate: v.GenericSchema<unknown, string> = either(isReference, reference, text(128, 64 * 1024));

/** A private key in PEM, perhaps encrypted at rest: 64 characters to 64 KiB, or a reference. */
export const privateKey: v.GenericSchema<unknown, string> = either(isReference, reference, text(64, 64 * 1024));

import type { Checks } from "../../../src/config/checks.ts";
import { upstreamSchema } from "../../../src/config/upstream.ts";
import type { InlineUpstream } from "../../../src/config/upstream.ts";
import * as v from "valibot";

/** An upstream as the store's schema makes it of what an operator writes. */
export function createConfig(written: Record<string, unknown>): InlineUpstream {
  return v.parse(upstreamSchema, { nodes: { "a:80": 1, "b:80": 1, "c:80": 1 }, ...written }) as InlineUpstream;
}

/** Checks with the schema's defaults. */
export function createChecks(written: Record<string, unknown>): Checks {
  return createConfig({ checks: written }).checks!;
}

import { KINDS } from "../config/kinds.ts";
import { KEY_STATES } from "../store/key-status.ts";
import { parseKind } from "./kind-name.ts";

/** Keys in one answer at the most. */
const MAX_KEYS = 10_000;

export interface ControlKeyFilter {
  readonly state?: string;
  readonly kind?: string;
  /** 1,000 where nothing is said. */
  readonly limit: number;
}

/** What `GET /status/keys` was asked for; an unknown word is refused, since it would look like "there is none". */
export function readKeyFilter(query: Record<string, string>): ControlKeyFilter | { readonly error_msg: string } {
  const { state, kind: name, limit = "1000", ...others } = query;
  const kind = name === undefined ? undefined : parseKind(name) ?? name;
  const words = (all: readonly string[]) => all.join(", ");
  if (state !== undefined && !KEY_STATES.some((known) => known === state)) {
    return { error_msg: `Cannot filter by state "${state}": it is one of ${words(KEY_STATES)}` };
  }
  if (kind !== undefined && kind !== "unknown" && !KINDS.some((known) => known === kind)) {
    return { error_msg: `Cannot filter by kind "${kind}": it is one of ${words([...KINDS, "unknown"])}` };
  }
  if (!/^\d{1,6}$/.test(limit)) return { error_msg: `Cannot use limit "${limit}": it is a number up to ${MAX_KEYS}` };
  const other = Object.keys(others)[0];
  if (other !== undefined) return { error_msg: `Cannot filter by "${other}": filters are state, kind and limit` };
  return {
    ...(state === undefined ? {} : { state }),
    ...(kind === undefined ? {} : { kind }),
    limit: Math.min(MAX_KEYS, Number(limit)),
  };
}

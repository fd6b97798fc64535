import type { GlobalRule } from "../config/global-rule.ts";
import { Entries } from "./entries.ts";
import { ReferenceIndex } from "./references.ts";
import type { Sealed } from "./reader.ts";

/** What a store holds. Only a commit changes it. */
export interface Contents {
  readonly entries: Entries;
  readonly references: ReferenceIndex;
  /** By key. */
  readonly sealed: Map<string, Sealed>;
  /** Global rules as stored, before shared plugins are taken out. */
  readonly globalRules: Map<string, GlobalRule>;
  revision: number | undefined;
  /** Sum of what the served keys count for. */
  bytes: number;
}

/** Nothing yet. */
export function createContents(): Contents {
  return {
    entries: new Entries(),
    references: new ReferenceIndex(),
    sealed: new Map(),
    globalRules: new Map(),
    revision: undefined,
    bytes: 0,
  };
}

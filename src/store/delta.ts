import type { Kind } from "../config/kinds.ts";
import type { ResourceOf } from "../config/resource.ts";
import type { KeyStatus } from "./key-status.ts";

/** Kinds that can be served. */
export type ServedKind = Exclude<Kind, "proto" | "stream_route">;

/** What is served for one key, before and after; `undefined` where nothing is. */
export type ResourceChange = {
  [K in ServedKind]: {
    readonly kind: K;
    readonly id: string;
    readonly before: ResourceOf<K> | undefined;
    readonly after: ResourceOf<K> | undefined;
  };
}[ServedKind];

/** What one batch changed in what is served. Values that are stored anew without a difference are not in it. */
export interface Delta {
  readonly revision: number;
  /** No resource twice. In the order of the batch, then global rules that changed because of others. */
  readonly changes: readonly ResourceChange[];
  /** Whether this is the first full list. */
  readonly first: boolean;
  /** Why the store lost its history, where it did. */
  readonly reset?: string;
  /** Keys whose state changed, and new keys that are not `active`: for the log. */
  readonly transitions: readonly KeyStatus[];
}

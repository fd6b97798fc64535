import type { ConfigSource } from "../store/source.ts";
import { type GuardedSource, type GuardOptions, guardSource } from "./guard.ts";
import { type RecallOptions, recallSource } from "./recall.ts";
import { type RecordOptions, recordSource } from "./record.ts";

export interface ProtectOptions {
  /** Keeps the last good content on disk, and starts from it. Default: it does not. */
  readonly snapshot?: RecallOptions & RecordOptions;
  /** Holds mass deletes. Default: {@link GuardOptions}' own defaults. */
  readonly guard?: GuardOptions;
}

/**
 * Everything that stands between a source and the store, in the order that makes it right: the guard also judges what changed since
 * the snapshot, and the snapshot holds what the guard let through, so that a restart loses nothing that is held.
 *
 * @example
 * ```ts
 * const source = protectSource(etcdSource(options), { snapshot: { file: "/var/lib/gatewatch/snapshot" } });
 * ```
 */
export function protectSource(inner: ConfigSource, { snapshot, guard }: ProtectOptions = {}): GuardedSource {
  if (!snapshot) return guardSource(inner, guard);
  const guarded = guardSource(recallSource(inner, snapshot), guard);
  const recorded = recordSource(guarded, snapshot);
  return { ...recorded, held: guarded.held, accept: guarded.accept };
}

import { getLogger } from "@logtape/logtape";
import type { GuardedSource } from "../sources/guard.ts";
import type { SourceLog } from "../sources/log.ts";
import { protectSource } from "../sources/protect.ts";
import type { ConfigSource } from "../store/source.ts";
import type { Settings } from "./settings.ts";

/**
 * What stands between etcd and the gateway as the settings ask for it: a snapshot on disk, and mass deletes that wait. A file of resources is its own
 * last good content, and who edits it sees what they delete: it is read as it is.
 */
export function protectedSource(
  source: ConfigSource,
  { resources, snapshot, etcdTimeout, holdDeletes }: Settings,
): ConfigSource | GuardedSource {
  if (resources !== undefined) return source;
  const log: SourceLog = (level, message, fields) => getLogger(["gatewatch", "sync"])[level](message, { ...fields });
  return protectSource(source, {
    guard: { holdMs: holdDeletes, log },
    ...(snapshot === undefined ? {} : { snapshot: { file: snapshot, waitMs: etcdTimeout, log } }),
  });
}

/** Whether its mass deletes wait. */
export function isGuarded(source: ConfigSource | GuardedSource): source is GuardedSource {
  return "accept" in source;
}

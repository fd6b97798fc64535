import type { ConfigSource } from "../store/source.ts";
import type { Store } from "../store/store.ts";
import type { GatewayStatus } from "./status.ts";

/** What `GET /status` tells of a source and what was read from it. */
export function statusOf(source: ConfigSource, store: Store): GatewayStatus {
  const status = source.status();
  const { kinds, states } = store.counts();
  const ready = store.revision !== undefined;
  const reason = status.state === "synced" ? undefined : status.reason ?? `The source is ${status.state}`;
  return {
    source: status,
    ready,
    ...(reason === undefined ? {} : { reason }),
    revision: store.revision ?? null,
    resources: kinds as Readonly<Record<string, number>>,
    keys: states,
  };
}

import type { ListenerLimits } from "../runtimes/listener.ts";

/** The control API answers probes and people, on small messages. */
export const CONTROL_LIMITS: ListenerLimits = {
  headerBytes: 16 * 1024,
  headerCount: 64,
  bodyBytes: 1024 * 1024,
  headerTimeout: 10_000,
  bodyTimeout: 10_000,
  idleTimeout: 60_000,
  connections: 256,
};

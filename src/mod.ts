/**
 * gatewatch: an API gateway whose routes live in a store and change under load without a restart.
 *
 * This module needs web standards alone. What needs a runtime's files or sockets stands apart: `gatewatch/etcd`, `gatewatch/file`, and the
 * transports of `gatewatch/deno`, `gatewatch/bun` and `gatewatch/node`.
 *
 * @module
 */

// The gateway
export { createGateway, type Gateway, type GatewayOptions } from "./gateway/gateway.ts";
export type { ExplainRequest, GatewayExplanation } from "./gateway/explain.ts";
export type { GatewayStatus } from "./gateway/status.ts";
export { type ErrorCode, GatewayError } from "./errors.ts";

// Sources
export { memorySource } from "./sources/memory.ts";
export type { Batch, Change, ConfigSource, SourceState, SourceStatus } from "./store/source.ts";
export {
  type StoredEntry,
  type WritableSource,
  type Write,
  WriteError,
  type WriteErrorCode,
  type WriteResult,
} from "./store/writable.ts";
export type { KeyFilter, KeyState, KeyStatus } from "./store/key-status.ts";
export type { Issue } from "./config/issue.ts";
export type { Kind } from "./config/kinds.ts";

// Redis, for plugins that count there
export type { ConnectRedis, RedisConnection, RedisScript, RedisTarget } from "./pipeline/redis.ts";

// Transports
export { fetchTransport } from "./forward/transports/fetch.ts";
export {
  type OutboundAnswer,
  type OutboundRequest,
  type Peer,
  type Transport,
  TransportError,
} from "./forward/transport.ts";

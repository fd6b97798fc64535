import type { Timeout } from "../config/fields.ts";
import type { InlineUpstream, KeepalivePool } from "../config/upstream.ts";
import type { KeepAlive, TransportTimeouts } from "../forward/transport.ts";
import type { PeerSettings } from "./peers.ts";

/** What an upstream is made from. */
export type UpstreamSettings = InlineUpstream;

/** A client certificate for TLS to nodes, in PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Limits of a request to a node, in milliseconds. Without settings 60 s each, as nginx has it. */
export function toTimeouts(timeout: Timeout | undefined): TransportTimeouts {
  if (timeout === undefined) return { connect: 60_000, send: 60_000, read: 60_000 };
  return { connect: toMs(timeout.connect), send: toMs(timeout.send), read: toMs(timeout.read) };
}

/** Never 0, which would mean without limit. */
function toMs(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1000));
}

/** Defaults: 320 connections, 60 s, 1000 requests. */
export function toKeepAlive(pool: KeepalivePool | undefined): KeepAlive {
  if (pool === undefined) return { size: 320, idleTimeout: 60_000, requests: 1000 };
  return { size: pool.size, idleTimeout: pool.idle_timeout * 1000, requests: pool.requests };
}

/** Whether the scheme speaks TLS to its nodes. */
export function usesTls(scheme: string): boolean {
  return scheme === "https" || scheme === "grpcs";
}

/** Whether the scheme speaks HTTP/2 to its nodes: gRPC knows nothing else. */
function usesHttp2(scheme: string): boolean {
  return scheme === "grpc" || scheme === "grpcs";
}

/**
 * What the connections to an upstream's nodes are made with.
 *
 * @param stored The certificate that `tls.client_cert_id` names.
 * @param ca PEM of authorities trusted besides the system's.
 */
export function toPeerSettings(
  config: InlineUpstream,
  stored: ClientCertificate | undefined,
  ca: string | undefined,
): PeerSettings {
  const settings = {
    keepAlive: toKeepAlive(config.keepalive_pool),
    ...(usesHttp2(config.scheme) ? { http2: true } : {}),
  };
  if (!usesTls(config.scheme)) return settings;
  const { client_cert: cert, client_key: key, verify = true } = config.tls ?? {};
  const certificate = cert === undefined || key === undefined ? stored : { cert, key };
  return { ...settings, tls: { verify, ...(ca === undefined ? {} : { ca }), ...certificate } };
}

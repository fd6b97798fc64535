import type { KeepAlive, TransportTimeouts } from "../forward/transport.ts";

/** One node of an upstream. */
export interface NodeSettings {
  /** A name, an IPv4 address, or an IPv6 address with or without brackets. */
  readonly host: string;
  readonly port: number;
  /** 0 = gets no requests. */
  readonly weight: number;
  /** Higher goes first. Default: 0. */
  readonly priority?: number | undefined;
}

/** Seconds, as in Apache APISIX. */
export interface TimeoutSettings {
  readonly connect: number;
  readonly send: number;
  readonly read: number;
}

/** The part of an upstream's configuration that is used here, by Apache APISIX's names and with its defaults where a field is absent. */
export interface UpstreamSettings {
  /** Without nodes every pick fails. */
  readonly nodes?: readonly NodeSettings[] | undefined;
  /** `roundrobin` (default), `chash`, `least_conn`, `ewma`. */
  readonly type?: string | undefined;
  /** `vars` (default), `header`, `cookie`, `consumer`, `vars_combinations`. */
  readonly hash_on?: string | undefined;
  readonly key?: string | undefined;
  /** Tries after the first. Default: number of nodes - 1. */
  readonly retries?: number | undefined;
  /** Seconds, from the first try on; 0 (default) = no limit. */
  readonly retry_timeout?: number | undefined;
  readonly timeout?: TimeoutSettings | undefined;
  /** `http` (default), `https`, `grpc`, `grpcs`. */
  readonly scheme?: string | undefined;
  /** `pass` (default), `node`, `rewrite`. */
  readonly pass_host?: string | undefined;
  readonly upstream_host?: string | undefined;
  readonly keepalive_pool?: {
    readonly size?: number | undefined;
    /** Seconds. */
    readonly idle_timeout?: number | undefined;
    readonly requests?: number | undefined;
  } | undefined;
  readonly tls?: {
    readonly client_cert?: string | undefined;
    readonly client_key?: string | undefined;
    /** Default: true, other than in Apache APISIX. */
    readonly verify?: boolean | undefined;
    /** PEM of authorities trusted besides the system's. */
    readonly ca?: string | undefined;
  } | undefined;
}

/** Limits of a request to a node, in milliseconds. Without settings 60 s each, as nginx has it. */
export function toTimeouts(timeout: TimeoutSettings | undefined): TransportTimeouts {
  if (timeout === undefined) return { connect: 60_000, send: 60_000, read: 60_000 };
  return { connect: timeout.connect * 1000, send: timeout.send * 1000, read: timeout.read * 1000 };
}

/** Defaults: 320 connections, 60 s, 1000 requests. */
export function toKeepAlive(pool: UpstreamSettings["keepalive_pool"]): KeepAlive {
  return {
    size: pool?.size ?? 320,
    idleTimeout: (pool?.idle_timeout ?? 60) * 1000,
    requests: pool?.requests ?? 1000,
  };
}

/** Whether the scheme speaks TLS to its nodes. */
export function usesTls(scheme: string): boolean {
  return scheme === "https" || scheme === "grpcs" || scheme === "tls";
}

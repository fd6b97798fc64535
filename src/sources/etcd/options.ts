import type { SourceLog } from "../log.ts";
import type { CarrierName } from "./carrier.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { normalisePrefix, toByteString } from "./keys.ts";
import { DEFAULT_LIMITS, type EtcdLimits } from "./limits.ts";
import type { TlsOptions } from "./tls.ts";

/** Where etcd is, what to read of it, and as whom. */
export interface EtcdSourceOptions extends Partial<EtcdLimits>, TlsOptions {
  /** `http://host:port` or `https://host:port`, of the members of one cluster. They are tried in turn, from a random one on. */
  readonly endpoints: readonly string[];
  /** What the keys begin with; with or without a slash at its end it means the same. Default `/gatewatch`. */
  readonly prefix?: string;
  /** Needs the right to read under the prefix, and no other. With `password`. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Default: {@link defaultCarrier} of this runtime. */
  readonly carrier?: CarrierName | undefined;
  /** Takes the source's log lines. Default: nothing is logged. */
  readonly log?: SourceLog;
}

/** {@link EtcdSourceOptions} checked, with every default filled in. */
export interface EtcdSettings {
  readonly endpoints: readonly Endpoint[];
  /** With its slash at the end, as text. */
  readonly prefix: string;
  /** The same as a byte string. */
  readonly key: string;
  readonly user: { readonly name: string; readonly password: string } | undefined;
  readonly tls: TlsOptions;
  readonly carrier: CarrierName;
  readonly limits: EtcdLimits;
  readonly log: SourceLog;
}

/**
 * The carrier to use where none is asked for: gRPC, and JSON on Deno, where etcd's goodbye (GOAWAY) to a gRPC client ends the whole
 * process now and then (`docs/etcd.md` has the figures).
 *
 * @param runtime `deno`, `bun`, `node`
 */
export function defaultCarrier(runtime: string): CarrierName {
  return runtime === "deno" ? "json" : "grpc";
}

function runtimeName(): string {
  const names = globalThis as { readonly Deno?: unknown; readonly Bun?: unknown };
  if (names.Deno !== undefined) return "deno";
  return names.Bun === undefined ? "node" : "bun";
}

/** @throws TypeError where an option is missing or wrong, in words for the operator. */
export function parseEtcdOptions(options: EtcdSourceOptions): EtcdSettings {
  const { prefix = "/gatewatch", user, password, ca, cert, key, serverName } = options;
  const endpoints = options.endpoints.map(parseEndpoint);
  if (endpoints.length === 0) {
    throw new TypeError("Cannot read etcd without an endpoint: give one, as in 'http://127.0.0.1:2379'");
  }
  if ((user === undefined) !== (password === undefined)) {
    throw new TypeError(`Cannot log in to etcd with a ${user === undefined ? "password" : "user"} alone: give both`);
  }
  const secure = endpoints.some(({ tls }) => tls);
  if (!secure && (ca !== undefined || cert !== undefined || key !== undefined)) {
    throw new TypeError("Cannot use certificates for etcd without TLS: begin the endpoint with 'https://'");
  }
  const limits: Record<string, number> = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(DEFAULT_LIMITS)) {
    const value = options[name as keyof EtcdLimits];
    if (value === undefined) continue;
    const least = name === "spreadMs" ? 0 : 1;
    if (!Number.isFinite(value) || value < least) {
      throw new TypeError(`Cannot use '${name}' of etcd: wanted a number of at least ${least}, got ${value}`);
    }
    limits[name] = value;
  }
  const normal = normalisePrefix(prefix);
  return {
    endpoints,
    prefix: normal,
    key: toByteString(normal),
    user: user === undefined || password === undefined ? undefined : { name: user, password },
    tls: { ca, cert, key, serverName },
    carrier: options.carrier ?? defaultCarrier(runtimeName()),
    limits: limits as unknown as EtcdLimits,
    log: options.log ?? (() => undefined),
  };
}

import type { EtcdClient } from "./client.ts";
import type { Endpoint } from "./endpoint.ts";
import type { EtcdLimits } from "./limits.ts";
import type { TlsMaterial } from "./tls.ts";

/** `grpc`: etcd3 over HTTP/2. `json`: etcd's JSON gateway over HTTP/1.1. */
export type CarrierName = "grpc" | "json";

/** What a client is made of. */
export interface ClientOptions {
  readonly endpoint: Endpoint;
  readonly tls: TlsMaterial;
  /** Name of the user, for the words of errors; {@link EtcdClient.authenticate} logs in. */
  readonly user?: string | undefined;
  readonly limits: Pick<EtcdLimits, "callMs" | "messageBytes">;
}

/** Makes a client. It does not connect yet. */
export type Carrier = (options: ClientOptions) => EtcdClient;

/** Loads a carrier, and only that one: who reads etcd over JSON loads no gRPC. */
export async function loadCarrier(name: CarrierName): Promise<Carrier> {
  return name === "grpc" ? (await import("./grpc.ts")).createGrpcClient : (await import("./json.ts")).createJsonClient;
}

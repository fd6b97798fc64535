import { type CallOptions, type Channel, Client, credentials, type Interceptor, type Metadata } from "@grpc/grpc-js";
import { AuthClient, type ICallable, KVClient, LeaseClient, WatchClient } from "etcd3/lib/rpc.js";
import { codecOf } from "./messages.ts";

/** etcd3's stubs of the services that are used. */
export interface Stubs {
  readonly kv: KVClient;
  readonly watch: WatchClient;
  readonly lease: LeaseClient;
  readonly auth: AuthClient;
}

/** How one method is called. */
interface Method {
  readonly path: string;
  readonly write: (message: object) => Buffer;
  readonly read: (bytes: Buffer) => object;
}

function method(
  service: string,
  name: string,
  request: string,
  answer = request.replace("Request", "Response"),
): Method {
  return { path: `/etcdserverpb.${service}/${name}`, write: codecOf(request).encode, read: codecOf(answer).decode };
}

const UNARY: Readonly<Record<string, Method>> = {
  range: method("KV", "Range", "RangeRequest"),
  txn: method("KV", "Txn", "TxnRequest"),
  leaseGrant: method("Lease", "LeaseGrant", "LeaseGrantRequest"),
  leaseRevoke: method("Lease", "LeaseRevoke", "LeaseRevokeRequest"),
  authenticate: method("Auth", "Authenticate", "AuthenticateRequest"),
};
const WATCH = method("Watch", "Watch", "WatchRequest");
const KEEP_ALIVE = method("Lease", "LeaseKeepAlive", "LeaseKeepAliveRequest");

/**
 * etcd3's stubs over a channel that is its owner's to close: without etcd3's pool of hosts, whose retries and circuit breakers are not
 * wanted, since when to try again is for the loop to say.
 *
 * @param interceptor Sees every call.
 * @param metadata Asked for what goes with each call.
 */
export function createStubs(channel: Channel, interceptor: Interceptor, metadata: () => Metadata): Stubs {
  // Credentials and address are the channel's.
  const client = new Client("etcd", credentials.createInsecure(), {
    channelOverride: channel,
    interceptors: [interceptor],
  });
  const bidi = ({ path, write, read }: Method) => (sent: Metadata, options: CallOptions) =>
    client.makeBidiStreamRequest(path, write, read, sent, options ?? {});
  const streams = { watch: bidi(WATCH), leaseKeepAlive: bidi(KEEP_ALIVE) };
  const callable: ICallable<undefined> = {
    callOptionsFactory: undefined,
    exec: <T>(_service: string, name: string, message: unknown, options?: CallOptions): Promise<T> => {
      const unary = UNARY[name];
      if (unary === undefined) {
        return Promise.reject(new Error(`Cannot call ${name} of etcd: it is not among what is used`));
      }
      return new Promise<T>((resolve, reject) => {
        client.makeUnaryRequest(
          unary.path,
          unary.write,
          unary.read,
          message as object,
          metadata(),
          options ?? {},
          (error, answer) => error === null ? resolve(answer as T) : reject(error),
        );
      });
    },
    withConnection: async (_service, run) =>
      await run({ resource: undefined, client: streams as unknown as Client, metadata: metadata() }),
    markFailed: () => undefined,
  };
  return {
    kv: new KVClient(callable),
    watch: new WatchClient(callable),
    lease: new LeaseClient(callable),
    auth: new AuthClient(callable),
  };
}

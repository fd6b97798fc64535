import { Channel, credentials, InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";
import { isIP } from "node:net";
import type { ClientOptions } from "./carrier.ts";
import type { EtcdClient, Watch, WatchHandler, WatchRequest } from "./client.ts";
import { type ErrorContext, EtcdError, toEtcdError } from "./errors.ts";
import { type SocketList, trackSockets } from "./grpc-sockets.ts";
import { toInteger } from "./int64.ts";
import { createIdentityCheck } from "./tls.ts";
import { createStubs, type Stubs } from "./stubs.ts";
import { type ByteCodec, createWire, toHeader, type WireTxn, type WireWatch } from "./wire.ts";

/**
 * etcd wants at least 5 s between two pings and ends the connection of who sends more. Together the two notice a dead connection
 * within 9 s, also in the middle of a call.
 */
const KEEPALIVE_MS = 6000;
const KEEPALIVE_TIMEOUT_MS = 3000;

/** Bun and Deno refuse an address as the name that TLS asks for, so that an address asks for this; etcd has one certificate anyway. */
const NAME_FOR_ADDRESS = "etcd";

const codec: ByteCodec<Uint8Array> = {
  fromByteString: (bytes) => Buffer.from(bytes, "latin1"),
  fromBytes: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  toByteString: (bytes) =>
    bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1") : "",
  // What protobuf gives is a view that would hold the whole answer in memory.
  toBytes: (bytes) => bytes ? new Uint8Array(bytes) : new Uint8Array(),
};
const wire = createWire(codec);

function createChannel({ endpoint, tls, limits }: ClientOptions): { channel: Channel; sockets: SocketList } {
  const pem = (text: string | undefined) => text === undefined ? null : Buffer.from(text);
  const name = tls.serverName ?? endpoint.host;
  const secure = endpoint.tls
    ? credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert), {
      checkServerIdentity: createIdentityCheck(name),
    })
    : credentials.createInsecure();
  const authority = isIP(endpoint.host) === 6 ? `[${endpoint.host}]` : endpoint.host;
  const sockets = trackSockets(secure);
  const channel = new Channel(`${authority}:${endpoint.port}`, secure, {
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // etcd takes pings without a call for an attack.
    "grpc.keepalive_permit_without_calls": 0,
    "grpc.max_receive_message_length": limits.messageBytes,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2000,
    // A connection that hangs while it is made must not be found again by the next session.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_channelz": 0,
    ...(endpoint.tls ? { "grpc.ssl_target_name_override": isIP(name) ? NAME_FOR_ADDRESS : name } : {}),
  });
  return { channel, sockets };
}

/** etcd over gRPC: etcd3's stubs on one channel of our own, so that calls and watch share one connection. */
export function createGrpcClient(options: ClientOptions): EtcdClient {
  const { endpoint, tls, user, limits } = options;
  const context: ErrorContext = {
    endpoint: endpoint.url,
    tls: endpoint.tls,
    certificate: tls.cert !== undefined,
    user,
    limit: limits.callMs,
  };
  let made: { channel: Channel; sockets: SocketList };
  try {
    made = createChannel(options);
  } catch (error) {
    throw toEtcdError(error, context);
  }
  const { channel, sockets } = made;
  const calls = createCallList();
  let token: string | undefined;
  const etcd = createStubs(channel, calls.interceptor, () => {
    const metadata = new Metadata();
    // Without it a member that lost its leader keeps a watch open and silent.
    metadata.set("hasleader", "true");
    if (token !== undefined) metadata.set("token", token);
    return metadata;
  });

  let closed: EtcdError | undefined;
  const waiting = new Set<(error: Error) => void>();

  function call<T>(run: (options: { deadline: number }) => Promise<T>): Promise<T> {
    if (closed !== undefined) return Promise.reject(closed);
    // No Promise.race() with a promise that lives as long as the client: that one would hold every answer for as long.
    return new Promise<T>((resolve, reject) => {
      const fail = (error: unknown) => {
        settle();
        reject(toEtcdError(error, context));
      };
      // grpc-js ends a call at its deadline; the timer is for the call that it forgot, as it does while a connection hangs.
      const timer = setTimeout(() => fail(new Error("deadline exceeded")), limits.callMs + 250);
      const settle = () => {
        clearTimeout(timer);
        waiting.delete(fail);
      };
      waiting.add(fail);
      run({ deadline: Date.now() + limits.callMs }).then((answer) => {
        settle();
        resolve(answer);
      }, fail);
    });
  }

  return {
    endpoint: endpoint.url,
    sharesConnection: true,

    async authenticate(name, password) {
      token = undefined;
      token = (await call((at) => etcd.auth.authenticate({ name, password }, at))).token;
    },

    async range(request) {
      const answer = await call((at) => etcd.kv.range(wire.range(request), at));
      return { header: toHeader(answer.header), items: wire.toItems(answer.kvs), more: answer.more ?? false };
    },

    async txn(request) {
      const answer = await call((at) => etcd.kv.txn(wire.txn(request), at)) as unknown as WireTxn<Uint8Array>;
      return {
        header: toHeader(answer.header),
        succeeded: answer.succeeded ?? false,
        found: (answer.responses ?? []).map((one) => wire.toItems(one.response_range?.kvs)),
      };
    },

    watch: (request, handler) => openWatch(etcd, request, handler, context),

    leaseGrant: async (seconds) => (await call((at) => etcd.lease.leaseGrant({ TTL: seconds }, at))).ID,

    leaseKeepAlive: (id) => call((at) => keepAlive(etcd, id, at)),

    async leaseRevoke(id) {
      await call((at) => etcd.lease.leaseRevoke({ ID: id }, at));
    },

    close() {
      token = undefined;
      closed = new EtcdError("closed", `the connection to etcd at ${endpoint.url} was closed by its owner`);
      for (const fail of [...waiting]) fail(closed);
      calls.cancel();
      channel.close();
      sockets.destroy();
    },
  };
}

/** etcd3's stubs give no handle on their calls, and a channel that is closed waits for those in flight. */
function createCallList(): { readonly interceptor: Interceptor; cancel(): void } {
  const open = new Set<InterceptingCall>();
  return {
    interceptor: (options, next) => {
      const call: InterceptingCall = new InterceptingCall(next(options), {
        start(metadata, _listener, start) {
          open.add(call);
          start(metadata, {
            onReceiveStatus(received, pass) {
              open.delete(call);
              pass(received);
            },
          });
        },
      });
      return call;
    },
    cancel() {
      for (const call of open) call.cancelWithStatus(status.CANCELLED, "closed by its owner");
      open.clear();
    },
  };
}

/** Part of a grpc-js stream that is used; etcd3's own type leaves out how its end is heard. */
interface Stream {
  on(event: "data", listener: (message: WireWatch<Uint8Array>) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  write(message: unknown): unknown;
  cancel(): void;
}

function openWatch(etcd: Stubs, request: WatchRequest, handler: WatchHandler, context: ErrorContext): Watch {
  let stream: Stream | undefined;
  let over = false;
  const cancel = () => {
    over = true;
    stream?.cancel();
  };
  const fail = (error: unknown) => {
    if (over) return;
    cancel();
    handler.failed(toEtcdError(error, context));
  };
  etcd.watch.watch().then((opened) => {
    stream = opened as unknown as Stream;
    // Stays when the watch is over: cancelling makes an error of its own, which without a listener would end the process.
    stream.on("error", fail);
    if (over) return stream.cancel();
    stream.on("end", () => fail(new Error("stream ended")));
    stream.on("close", () => fail(new Error("stream closed")));
    stream.on("data", (message) => {
      if (over) return;
      try {
        handler.message(wire.toMessage(message));
      } catch (error) {
        fail(error);
      }
    });
    stream.write(wire.watch(request));
  }).catch(fail);
  return {
    requestProgress() {
      if (!over) stream?.write({ progress_request: {} });
    },
    cancel,
  };
}

/** One message there and one back: etcd has no unary call that prolongs a lease. */
async function keepAlive(etcd: Stubs, id: string, options: { deadline: number }): Promise<number> {
  const stream = await etcd.lease.leaseKeepAlive(options);
  return await new Promise<number>((resolve, reject) => {
    stream.on("error", reject);
    stream.on("end", () => reject(new Error("stream ended")));
    stream.on("data", (answer) => {
      resolve(toInteger(answer.TTL));
      stream.cancel();
    });
    stream.write({ ID: id });
  });
}

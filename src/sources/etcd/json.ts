import { Readable } from "node:stream";
import { type Dispatcher, Pool } from "undici7";
import type { ClientOptions } from "./carrier.ts";
import type { EtcdClient, Watch, WatchHandler, WatchRequest } from "./client.ts";
import { type ErrorContext, EtcdError, toEtcdError } from "./errors.ts";
import { toInteger } from "./int64.ts";
import { LineSplitter } from "./json-lines.ts";
import { createIdentityCheck } from "./tls.ts";
import { type ByteCodec, createWire, toHeader, type WireRange, type WireTxn, type WireWatch } from "./wire.ts";

const codec: ByteCodec<string> = {
  fromByteString: (bytes) => Buffer.from(bytes, "latin1").toString("base64"),
  fromBytes: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
  toByteString: (text) => text === undefined ? "" : Buffer.from(text, "base64").toString("latin1"),
  // Small buffers are views into a pool that is shared with everybody.
  toBytes: (text) => text === undefined ? new Uint8Array() : new Uint8Array(Buffer.from(text, "base64")),
};
const wire = createWire(codec);

/** Base64 makes four bytes of three, and field names come on top. */
const JSON_OVERHEAD = 1.5;

/** Without an answer to a watch for so long, its request is ended. */
const HALF_CLOSE_MS = 1500;

type Json = Record<string, unknown>;

function createPool({ endpoint, tls, limits }: ClientOptions): Pool {
  const { ca, cert, key, serverName } = tls;
  return new Pool(endpoint.url, {
    // The times of calls and watches are kept by those who make them.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: limits.callMs,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(serverName === undefined
        ? {}
        : { servername: serverName, checkServerIdentity: createIdentityCheck(serverName) }),
    },
  });
}

/** The error in an answer: the gateway of etcd 3.4 and 3.5 writes `error`, that of 3.6 only `message`. */
function toFailure(answer: unknown, status: number): Error | undefined {
  const { error, message } = (answer ?? {}) as Json;
  const inner = typeof error === "object" && error !== null ? (error as Json)["message"] : error ?? message;
  if (typeof inner === "string") return new Error(inner);
  return status === 200 ? undefined : new Error(`status ${status}`);
}

async function readText(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > limit) throw new Error(`answer is larger than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parseAnswer(text: string, status: number, endpoint: string): Json {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    if (/HTTPS server/.test(text)) throw new Error(text);
    const hint = status === 404 ? "; its JSON gateway is off, or it is older than 3.4" : "";
    throw new EtcdError("protocol", `etcd at ${endpoint} answered with status ${status} and no JSON${hint}`);
  }
  const failure = toFailure(answer, status);
  if (failure) throw failure;
  return answer as Json;
}

/** etcd over its JSON gateway: HTTP/1.1, a connection per call in flight and one per watch. */
export function createJsonClient(options: ClientOptions): EtcdClient {
  const { endpoint, tls, user, limits } = options;
  const context: ErrorContext = {
    endpoint: endpoint.url,
    tls: endpoint.tls,
    certificate: tls.cert !== undefined,
    user,
    limit: limits.callMs,
  };
  const messageLimit = Math.ceil(limits.messageBytes * JSON_OVERHEAD);
  const abort = new AbortController();
  let pool: Pool;
  try {
    pool = createPool(options);
  } catch (error) {
    throw toEtcdError(error, context);
  }
  let token: string | undefined;

  const toRequest = (path: string): Dispatcher.RequestOptions => ({
    path,
    method: "POST",
    headers: {
      "content-type": "application/json",
      // Passed on as gRPC metadata; without it a member that lost its leader keeps a watch open and silent.
      "grpc-metadata-hasleader": "true",
      ...(token === undefined ? {} : { authorization: token }),
    },
  });

  async function call(path: string, body: Json): Promise<Json> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("deadline exceeded")), limits.callMs);
    const stop = () => late.abort(abort.signal.reason);
    if (abort.signal.aborted) stop();
    abort.signal.addEventListener("abort", stop, { once: true });
    try {
      const answer = await pool.request({ ...toRequest(path), body: JSON.stringify(body), signal: late.signal });
      const text = await readText(answer.body, messageLimit);
      return parseAnswer(text, answer.statusCode, endpoint.url);
    } catch (error) {
      throw toEtcdError(late.signal.aborted ? late.signal.reason : error, context);
    } finally {
      clearTimeout(timer);
      abort.signal.removeEventListener("abort", stop);
    }
  }

  return {
    endpoint: endpoint.url,
    sharesConnection: false,

    async authenticate(name, password) {
      token = undefined;
      const answer = await call("/v3/auth/authenticate", { name, password });
      token = String(answer["token"]);
    },

    async range(request) {
      const answer = await call("/v3/kv/range", wire.range(request)) as WireRange<string>;
      return { header: toHeader(answer.header), items: wire.toItems(answer.kvs), more: answer.more ?? false };
    },

    async txn(request) {
      const answer = await call("/v3/kv/txn", wire.txn(request)) as WireTxn<string>;
      return {
        header: toHeader(answer.header),
        succeeded: answer.succeeded ?? false,
        found: (answer.responses ?? []).map((one) => wire.toItems(one.response_range?.kvs)),
      };
    },

    watch: (request, handler) => openWatch(pool, toRequest("/v3/watch"), request, handler, messageLimit, context),

    leaseGrant: async (seconds) => String((await call("/v3/lease/grant", { TTL: String(seconds) }))["ID"]),

    async leaseKeepAlive(id) {
      const answer = await call("/v3/lease/keepalive", { ID: id });
      return toInteger((answer["result"] as { readonly TTL?: string } | undefined)?.TTL);
    },

    async leaseRevoke(id) {
      await call("/v3/lease/revoke", { ID: id });
    },

    close() {
      token = undefined;
      const reason = new EtcdError("closed", `the connection to etcd at ${endpoint.url} was closed by its owner`);
      abort.abort(reason);
      pool.destroy(reason).catch(() => undefined);
    },
  };
}

/**
 * A stream in both directions over HTTP/1.1. Go's server reads a request to its end before it answers, except on a connection that the client
 * asked to close afterwards; hence `reset`. The body stays open, so that signs of life can be asked for.
 */
function openWatch(
  pool: Pool,
  options: Dispatcher.RequestOptions,
  request: WatchRequest,
  handler: WatchHandler,
  limit: number,
  context: ErrorContext,
): Watch {
  const abort = new AbortController();
  const body = new Readable({ read() {} });
  const send = (message: Json) => body.push(`${JSON.stringify(message)}\n`);
  let over = false;
  const cancel = () => {
    if (over) return;
    over = true;
    clearTimeout(ending);
    abort.abort(new EtcdError("closed", "the watch was cancelled"));
  };
  const fail = (error: unknown) => {
    if (over) return;
    cancel();
    handler.failed(toEtcdError(error, context));
  };
  body.on("error", fail);
  send(wire.watch(request));
  // A server, or a proxy before it, that wants to read the request to its end gets one. The watch then cannot be asked for signs of life.
  const ending = setTimeout(() => body.push(null), HALF_CLOSE_MS);

  async function run(): Promise<void> {
    const answer = await pool.request({ ...options, body, reset: true, signal: abort.signal });
    clearTimeout(ending);
    if (answer.statusCode !== 200) {
      parseAnswer(await readText(answer.body, limit), answer.statusCode, context.endpoint);
    }
    const lines = new LineSplitter(limit);
    for await (const part of answer.body as AsyncIterable<Uint8Array>) {
      for (const line of lines.push(part)) {
        const message = JSON.parse(line) as { readonly result?: WireWatch<string> };
        const failure = toFailure(message, 200);
        if (failure) throw failure;
        if (!over) handler.message(wire.toMessage(message.result ?? {}));
      }
    }
    throw new Error("stream ended");
  }

  run().catch(fail);
  return {
    requestProgress() {
      if (!over && !body.readableEnded) send({ progress_request: {} });
    },
    cancel,
  };
}

import { isAddress } from "../../net/cidr.ts";
import { Deadline } from "../../net/deadline.ts";
import type { RawHeaders } from "../../net/raw-headers.ts";
import { type OutboundAnswer, type OutboundRequest, type Peer, type Transport, TransportError } from "../transport.ts";
import { toTransportError } from "./fetch-error.ts";

export interface FetchTransportOptions {
  /** Further members of fetch's second argument, such as a runtime's own; asked for each request. Default: none. */
  readonly init?: (request: OutboundRequest) => object;
  /**
   * Says why this runtime's `fetch` cannot send a request as it is meant; it is then answered with `unsupported`, rather than sent as
   * something else. Default: only what no `fetch` can send is refused (a body with GET or HEAD).
   */
  readonly refuse?: (request: OutboundRequest) => string | undefined;
  /**
   * Codings (`gzip`, `br`, ...) that this runtime's `fetch` decodes although nobody asked. Such an answer is asked for as `identity`; where it
   * comes encoded nevertheless, it is passed on decoded, without the fields that no longer describe it. Default: what the Fetch
   * standard's implementations decode.
   */
  readonly decodes?: readonly string[];
  /** Lets go of what `init` keeps for a node. */
  readonly release?: (peer: Peer) => void;
}

/** Fields that `fetch` sets by itself, or throws on (Fetch standard, "forbidden request-header"), and that end with the hop anyway. */
const NOT_SENT: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Statuses of which a Response has no body (Fetch standard, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * The transport over `fetch`, for hosts that have nothing else. It keeps less than the others do, and what it cannot keep lies in
 * `fetch` itself:
 *
 * - The target is parsed as a URL: dot segments are resolved, `\` becomes `/`, some characters are percent-encoded.
 * - Field names lose their case and order; fields of one name are joined, except for `Set-Cookie`. `Accept`, `Accept-Encoding`,
 *   `User-Agent` and others are added where the client sent none. The reason phrase may be another.
 * - GET and HEAD have no body: such a request is refused with `unsupported`.
 * - Answers can come decoded, see {@link FetchTransportOptions.decodes}.
 * - `timeouts.connect` and `timeouts.read` run together until the answer's head, anew with each part of the request's body that is taken;
 *   `timeouts.send` is not kept.
 * - Keep-alive settings, trailers, early hints and upgrades are out of reach, and a request may be sent twice by the runtime's own pool.
 * - Whether a request that failed was sent is known only where no connection was made.
 *
 * @example
 * ```ts
 * const gateway = createGateway({ source, transport: fetchTransport() });
 * ```
 */
export function fetchTransport(options: FetchTransportOptions = {}): Transport {
  const decodes = new Set(options.decodes ?? ["gzip", "x-gzip", "deflate", "br", "zstd"]);
  const open = new Set<AbortController>();
  return {
    name: "fetch",
    send: (request) => send(request, options, decodes, open),
    release: (peer) => options.release?.(peer),
    close: () => {
      for (const abort of open) abort.abort(new TransportError("reset", true, "The transport was closed"));
      return Promise.resolve();
    },
  };
}

async function send(
  request: OutboundRequest,
  options: FetchTransportOptions,
  decodes: ReadonlySet<string>,
  open: Set<AbortController>,
): Promise<OutboundAnswer> {
  const { peer, method, body, timeouts, signal } = request;
  const where = `${peer.host}:${peer.port}`;
  const why = reasonToRefuse(request) ?? options.refuse?.(request);
  if (why !== undefined) throw new TransportError("unsupported", false, `${where}: ${why}`);
  if (signal.aborted) {
    throw new TransportError("client_gone", false, `${where}: the request was given up`, { cause: signal.reason });
  }

  const abort = new AbortController();
  open.add(abort);
  const giveUp = (): void => {
    const options = { cause: signal.reason };
    abort.abort(new TransportError("client_gone", true, `${where}: the request was given up`, options));
  };
  signal.addEventListener("abort", giveUp, { once: true });
  const deadline = new Deadline(() => {
    abort.abort(new TransportError("read_timeout", true, `${where}: nothing received for ${timeouts.read} ms`));
  });
  const end = (): void => {
    open.delete(abort);
    deadline.dispose();
    signal.removeEventListener("abort", giveUp);
  };
  const broken = (cause: unknown): void => {
    abort.abort(new TransportError("client_gone", true, `${where}: the request's body ended too early`, { cause }));
  };
  const wait = (): void => deadline.set(timeouts.read > 0 ? timeouts.connect + timeouts.read : 0);
  const sent = body instanceof ReadableStream ? telling(body, wait, broken) : body;
  wait();
  try {
    const host = peer.host.includes(":") ? `[${peer.host}]` : peer.host;
    const response = await fetch(
      `${peer.tls === undefined ? "http" : "https"}://${host}:${peer.port}${request.target}`,
      {
        ...options.init?.(request),
        method,
        headers: headersOf(request.headers, decodes),
        redirect: "manual",
        signal: abort.signal,
        ...(body === null ? {} : { body: sent as BodyInit, duplex: "half" }),
      },
    );
    if (response.status < 200 || response.status > 599) {
      const error = new TransportError("bad_answer", true, `${where}: status ${response.status}`);
      abort.abort(error);
      throw error;
    }
    const answer = { status: response.status, reason: response.statusText, headers: answerHeaders(response, decodes) };
    if (response.body === null || method === "HEAD" || NULL_BODY.has(response.status)) {
      end();
      response.body?.cancel().catch(() => {});
      return { ...answer, body: null };
    }
    deadline.clear();
    return { ...answer, body: watched(response.body, timeouts.read, deadline, abort, end, where) };
  } catch (thrown) {
    end();
    throw toTransportError(abort.signal.aborted ? abort.signal.reason ?? thrown : thrown, where);
  }
}

/**
 * Passes the body on, tells when a part of it was asked for, and if it fails: what `fetch` throws then need not say so.
 */
function telling(
  body: ReadableStream<Uint8Array>,
  progress: () => void,
  broken: (cause: unknown) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        progress();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (cause) {
        broken(cause);
        controller.error(cause);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** Passes the body on, with the time measured between two reads of it. */
function watched(
  body: ReadableStream<Uint8Array>,
  timeout: number,
  deadline: Deadline,
  abort: AbortController,
  end: () => void,
  where: string,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  // Some runtimes do not break a body that is being read when its request is aborted.
  const aborted = new Promise<never>((_, reject) => {
    abort.signal.addEventListener("abort", () => reject(abort.signal.reason), { once: true });
  });
  aborted.catch(() => {});
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        deadline.set(timeout);
        const { done, value } = await Promise.race([reader.read(), aborted]);
        deadline.clear();
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      } catch (thrown) {
        end();
        reader.cancel().catch(() => {});
        controller.error(toTransportError(abort.signal.aborted ? abort.signal.reason ?? thrown : thrown, where));
      }
    },
    cancel(reason) {
      end();
      abort.abort(new TransportError("client_gone", true, `${where}: the answer was given up`, { cause: reason }));
      reader.cancel(reason).catch(() => {});
    },
  }, { highWaterMark: 0 });
}

function reasonToRefuse({ method, body, peer }: OutboundRequest): string | undefined {
  if (peer.denied !== undefined && (!isAddress(peer.host) || peer.denied(peer.host))) {
    return "fetch does not tell which address a name stands for, and some are denied";
  }
  if (peer.http2 === true) return "fetch cannot be told to speak HTTP/2, and does not hand trailers on";
  if (body !== null && (method === "GET" || method === "HEAD")) return `fetch cannot send a body with ${method}`;
  return undefined;
}

function headersOf(raw: RawHeaders, decodes: ReadonlySet<string>): [string, string][] {
  const pairs: [string, string][] = [];
  let agent = false;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (NOT_SENT.has(name) || (decodes.size > 0 && name === "accept-encoding")) continue;
    agent ||= name === "user-agent";
    pairs.push([raw[i]!, raw[i + 1]!]);
  }
  if (decodes.size > 0) pairs.push(["Accept-Encoding", "identity"]);
  // An empty one is the nearest to none that can be had.
  if (!agent) pairs.push(["User-Agent", ""]);
  return pairs;
}

function answerHeaders(response: Response, decodes: ReadonlySet<string>): string[] {
  const codings = (response.headers.get("content-encoding") ?? "").split(",").map((coding) =>
    coding.trim().toLowerCase()
  );
  const decoded = codings.some((coding) => decodes.has(coding));
  const raw: string[] = [];
  for (const [name, value] of response.headers) {
    if (decoded && (name === "content-encoding" || name === "content-length")) continue;
    raw.push(name, value);
  }
  return raw;
}

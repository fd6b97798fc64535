import { GatewayError } from "../errors.ts";
import { forwardableAnswer } from "../net/hop-by-hop.ts";
import type { Inbound, Watchable } from "../net/inbound.ts";
import type { RawHeaders } from "../net/raw-headers.ts";
import type { UpstreamNode } from "../upstream/node.ts";
import { isIdempotent } from "../upstream/retry.ts";
import type { PickedNode, PickRequest, Upstream } from "../upstream/upstream.ts";
import { toResponse } from "./answer.ts";
import { followBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { RequestFields } from "./request-fields.ts";
import { replayable, type ReplayableBody } from "./replay.ts";
import {
  type OutboundAnswer,
  type OutboundRequest,
  type Transport,
  TransportError,
  type TransportTimeouts,
} from "./transport.ts";

/** Bytes of a request's body that are held so that another node can be tried. */
const REPLAY_BYTES = 64 * 1024;

/**
 * Tries that a request may spend on connections which the node had closed while they idled, or was about to close (HTTP/2's GOAWAY); they count neither
 * as retries nor against the node, since nothing was wrong with it.
 */
const MAX_STALE = 3;

const NONE: ReadonlySet<UpstreamNode> = new Set();

/** How a request is to be sent, beside what its upstream says. */
export interface ForwardOptions {
  readonly transport: Transport;
  /** The route's own limits, which go before its upstream's. */
  readonly timeouts?: TransportTimeouts;
  /** Milliseconds for the whole exchange up to the answer's head, over all tries; 0 = none. */
  readonly totalTimeout: number;
}

/**
 * Sends a request to a node of its upstream, to another one where the first has failed and that is safe, and yields the node's answer,
 * its body still streaming.
 *
 * @returns Rejects, or throws where not even a first try could be made, with a {@link GatewayError} that says what went wrong, once no try is left.
 */
export function forward(exchange: Exchange, upstream: Upstream, options: ForwardOptions): Promise<Response> {
  return new Tries(exchange, upstream, options).next();
}

/** The tries of one request. Not an async function: the first try is the last one for nearly all, and costs one promise here. */
class Tries {
  readonly #exchange: Exchange;
  readonly #upstream: Upstream;
  readonly #options: ForwardOptions;
  readonly #method: string;
  readonly #deadline: AbortSignal | undefined;
  readonly #fields: RequestFields;
  readonly #started: number = performance.now();
  #begun: number = this.#started;
  /** Made when a try has failed. */
  #tried: Set<UpstreamNode> | undefined;
  #body: ReplayableBody | undefined;
  #stale = 0;

  constructor(exchange: Exchange, upstream: Upstream, options: ForwardOptions) {
    this.#exchange = exchange;
    this.#upstream = upstream;
    this.#options = options;
    this.#method = exchange.changed?.method ?? exchange.method;
    this.#deadline = options.totalTimeout > 0 ? AbortSignal.timeout(options.totalTimeout) : undefined;
    this.#fields = new RequestFields(exchange, exchange.content !== null);
  }

  next(): Promise<Response> {
    const exchange = this.#exchange, upstream = this.#upstream, options = this.#options;
    const { content } = exchange;
    const picked = pick(exchange, upstream, this.#tried ?? NONE);
    if (
      content instanceof ReadableStream && this.#body === undefined &&
      (mayTryAgain(this.#method, upstream) || picked.peer.http2 === true)
    ) {
      this.#body = replayable(content, REPLAY_BYTES);
    }
    let answer: Promise<OutboundAnswer>;
    try {
      const headers = this.#fields.to(picked);
      const sending = this.#body === undefined ? content : this.#body.stream();
      answer = options.transport.send(outbound(exchange, upstream, picked, headers, sending, options, this.#deadline));
    } catch (thrown) {
      return this.#failed(picked, thrown);
    }
    return answer.then(
      (answer) => finish(exchange, picked, answer, performance.now() - this.#begun),
      (thrown) => this.#failed(picked, thrown),
    );
  }

  /** Tries again, where that is safe. */
  #failed(picked: PickedNode, thrown: unknown): Promise<Response> {
    const exchange = this.#exchange, body = this.#body, method = this.#method;
    const now = performance.now(), ms = now - this.#begun;
    const tried = this.#tried ??= new Set();
    tried.add(picked.node);
    const error = failure(thrown, this.#deadline, exchange.inbound);
    const { code } = error;
    const { sent, reused } = error instanceof TransportError ? error : { sent: true, reused: false };
    exchange.attempts.push({ node: picked.node.id, ms, code });
    picked.done({ ok: false, code, reused, ms });
    const replay = body?.replayable() ?? !(exchange.content instanceof ReadableStream);
    const again = reused && replay && (!sent || isIdempotent(method));
    if (again && this.#stale++ < MAX_STALE) tried.delete(picked.node);
    else {
      const elapsed = now - this.#started, tries = tried.size;
      const decision = this.#upstream.decideRetry({ code, sent, method, replayable: replay, tries, elapsed });
      if (!decision.retry) {
        exchange.gaveUp = decision.reason;
        throw error;
      }
    }
    body?.stop();
    this.#begun = performance.now();
    return this.next();
  }
}

/**
 * A node for the next try.
 *
 * @throws {GatewayError} `no_healthy_node`, where none is left: as Apache APISIX, 503 for an upstream without nodes, and 502 where all were tried.
 */
export function pick(exchange: Exchange, upstream: Upstream, tried: ReadonlySet<UpstreamNode>): PickedNode {
  const host = exchange.changed?.host ?? exchange.hostField;
  const picked = upstream.pick(new PickFor(exchange, tried, host));
  if (picked !== undefined) return picked;
  const status = tried.size === 0 ? 503 : 502;
  throw new GatewayError("no_healthy_node", status, `Upstream ${upstream.id} has no node left to try`);
}

/** What a pick goes by. Most balancers ask for no key. */
class PickFor implements PickRequest {
  readonly exclude: ReadonlySet<UpstreamNode>;
  readonly host: string;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange, exclude: ReadonlySet<UpstreamNode>, host: string) {
    this.#exchange = exchange;
    this.exclude = exclude;
    this.host = host;
  }

  get key(): PickRequest["key"] {
    return this.#exchange.variable;
  }
}

/** Whether a body may be needed twice. */
function mayTryAgain(method: string, upstream: Upstream): boolean {
  return upstream.retryLimits.retries > 0 || isIdempotent(method);
}

/** A request as it is sent to a node. The client's signal is only made for a transport that asks for it. */
class Outbound implements OutboundRequest {
  readonly peer: OutboundRequest["peer"];
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  readonly checked: boolean;
  readonly body: OutboundRequest["body"];
  readonly timeouts: TransportTimeouts;
  readonly watchable: Watchable | undefined;
  readonly #inbound: Inbound;
  readonly #deadline: AbortSignal | undefined;
  #joined: AbortSignal | undefined;

  constructor(
    { inbound, changed, method, checked }: Exchange,
    picked: PickedNode,
    headers: RawHeaders,
    body: OutboundRequest["body"],
    timeouts: TransportTimeouts,
    deadline: AbortSignal | undefined,
  ) {
    this.peer = picked.peer;
    this.method = changed === undefined ? method : changed.method;
    this.target = changed === undefined ? inbound.target : changed.target;
    this.headers = headers;
    this.checked = checked;
    this.body = body;
    this.timeouts = timeouts;
    this.watchable = deadline === undefined ? inbound.watchable : undefined;
    this.#inbound = inbound;
    this.#deadline = deadline;
  }

  get signal(): AbortSignal {
    const { signal } = this.#inbound;
    // One and the same at each asking, so that who listens to it can stop that.
    return this.#deadline === undefined ? signal : this.#joined ??= AbortSignal.any([signal, this.#deadline]);
  }
}

/** The request as it is sent to a node that was picked. */
export function outbound(
  exchange: Exchange,
  upstream: Upstream,
  picked: PickedNode,
  headers: RawHeaders,
  body: OutboundRequest["body"],
  options: ForwardOptions,
  deadline?: AbortSignal,
): OutboundRequest {
  return new Outbound(exchange, picked, headers, body, options.timeouts ?? upstream.timeouts, deadline);
}

function finish(exchange: Exchange, picked: PickedNode, answer: OutboundAnswer, ms: number): Response {
  const { status } = answer;
  exchange.attempts.push({ node: picked.node.id, ms, status });
  let headers: RawHeaders = forwardableAnswer(answer.headers);
  // RFC 9110 section 8.6: no Content-Length with 204; some nodes send one.
  if (status === 204) headers = headers.filter((_, i) => headers[i & ~1]!.toLowerCase() !== "content-length");
  let { body } = answer;
  if ((exchange.changed?.method ?? exchange.method) === "HEAD" || status === 204 || status === 304) body = null;
  if (body instanceof ReadableStream) {
    picked.answered(status, ms);
    body = followBody(body, (ok, bytes) => {
      picked.done({ ok, status, ms });
      ended(ok, bytes);
    });
    const ended = exchange.streaming(body);
  } else picked.done({ ok: true, status, ms });
  const { reason, trailers } = answer;
  return toResponse(
    trailers === undefined ? { status, reason, headers, body } : { status, reason, headers, body, trailers },
  );
}

/**
 * What a try failed with. A deadline of the whole exchange looks like a client that has gone, to a transport; and so does a request's body that was refused
 * while it came (413, 408, 400).
 */
function failure(thrown: unknown, deadline: AbortSignal | undefined, inbound: Inbound): GatewayError {
  if (deadline?.aborted === true && !inbound.signal.aborted) {
    return new GatewayError("total_timeout", 504, "The request's total time is over", { cause: thrown });
  }
  if (thrown instanceof TransportError && thrown.code === "client_gone") {
    const { cause } = thrown;
    return cause instanceof GatewayError && cause.code !== "client_gone" ? cause : thrown;
  }
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("internal", 500, "The transport failed with an error of its own", { cause: thrown });
}

import { GatewayError } from "../errors.ts";
import { forwardableAnswer } from "../net/hop-by-hop.ts";
import type { Inbound, Watchable } from "../net/inbound.ts";
import type { RawHeaders } from "../net/raw-headers.ts";
import type { UpstreamNode } from "../upstream/node.ts";
import { isIdempotent } from "../upstream/retry.ts";
import type { PickedNode, Upstream } from "../upstream/upstream.ts";
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
 * Tries that a request may spend on connections which the node had closed while they idled; they count neither as retries nor against the
 * node, since nothing was wrong with it.
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
 * @throws {GatewayError} with what went wrong, once no try is left.
 */
export async function forward(exchange: Exchange, upstream: Upstream, options: ForwardOptions): Promise<Response> {
  const { inbound, content } = exchange;
  const method = exchange.changed?.method ?? exchange.method;
  const deadline = options.totalTimeout > 0 ? AbortSignal.timeout(options.totalTimeout) : undefined;
  const streams = content instanceof ReadableStream;
  const fields = new RequestFields(exchange, content !== null);

  const started = performance.now();
  let begun = started;
  /** Made when a try has failed. */
  let tried: Set<UpstreamNode> | undefined;
  let body: ReplayableBody | undefined;
  let stale = 0;
  for (;;) {
    const picked = pick(exchange, upstream, tried ?? NONE);
    if (streams && body === undefined && mayTryAgain(method, upstream)) body = replayable(content, REPLAY_BYTES);
    try {
      const headers = fields.to(picked);
      const sending = body === undefined ? content : body.stream();
      const answer = await options.transport.send(
        outbound(exchange, upstream, picked, headers, sending, options, deadline),
      );
      return finish(exchange, picked, answer, performance.now() - begun);
    } catch (thrown) {
      const now = performance.now();
      tried = (tried ?? new Set()).add(picked.node);
      const error = failure(thrown, deadline, inbound);
      const { sent, reused } = error instanceof TransportError ? error : { sent: true, reused: false };
      exchange.attempts.push({ node: picked.node.id, ms: now - begun, code: error.code });
      picked.done({ ok: false, code: error.code, reused, ms: now - begun });
      const replay = body?.replayable() ?? !streams;
      if (reused && replay && isIdempotent(method) && stale++ < MAX_STALE) tried.delete(picked.node);
      else {
        const decision = upstream.decideRetry({
          code: error.code,
          sent,
          method,
          replayable: replay,
          tries: tried.size,
          elapsed: now - started,
        });
        if (!decision.retry) {
          exchange.gaveUp = decision.reason;
          throw error;
        }
      }
      body?.stop();
      begun = performance.now();
    }
  }
}

/**
 * A node for the next try.
 *
 * @throws {GatewayError} `no_healthy_node`, where none is left: as Apache APISIX, 503 for an upstream without nodes, and 502 where all were tried.
 */
export function pick(exchange: Exchange, upstream: Upstream, tried: ReadonlySet<UpstreamNode>): PickedNode {
  const host = exchange.changed?.host ?? exchange.hostField;
  const picked = upstream.pick({ key: exchange.variable, exclude: tried, host });
  if (picked !== undefined) return picked;
  const status = tried.size === 0 ? 503 : 502;
  throw new GatewayError("no_healthy_node", status, `Upstream ${upstream.id} has no node left to try`);
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
  readonly body: OutboundRequest["body"];
  readonly timeouts: TransportTimeouts;
  readonly watchable: Watchable | undefined;
  readonly #inbound: Inbound;
  readonly #deadline: AbortSignal | undefined;

  constructor(
    { inbound, changed, method }: Exchange,
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
    this.body = body;
    this.timeouts = timeouts;
    this.watchable = deadline === undefined ? inbound.watchable : undefined;
    this.#inbound = inbound;
    this.#deadline = deadline;
  }

  get signal(): AbortSignal {
    const { signal } = this.#inbound;
    return this.#deadline === undefined ? signal : AbortSignal.any([signal, this.#deadline]);
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

/** What a try failed with; a deadline of the whole exchange looks like a client that has gone, to a transport. */
function failure(thrown: unknown, deadline: AbortSignal | undefined, inbound: Inbound): GatewayError {
  if (deadline?.aborted === true && !inbound.signal.aborted) {
    return new GatewayError("total_timeout", 504, "The request's total time is over", { cause: thrown });
  }
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("internal", 500, "The transport failed with an error of its own", { cause: thrown });
}

import { GatewayError } from "../errors.ts";
import { setForwarded } from "../net/forwarded.ts";
import { forwardableAnswer } from "../net/hop-by-hop.ts";
import type { UpstreamNode } from "../upstream/node.ts";
import { isIdempotent } from "../upstream/retry.ts";
import type { PickedNode, Upstream } from "../upstream/upstream.ts";
import { toResponse } from "./answer.ts";
import { followBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
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
  const { request, inbound } = exchange;
  const deadline = options.totalTimeout > 0 ? AbortSignal.timeout(options.totalTimeout) : undefined;
  const send = (picked: PickedNode, body: OutboundRequest["body"]) =>
    options.transport.send(outbound(exchange, upstream, picked, body, options, deadline));
  setForwarded(request.headers, inbound, exchange.client, exchange.hostField);

  const started = performance.now();
  const tried = new Set<UpstreamNode>();
  let body: ReplayableBody | undefined;
  let stale = 0;
  for (;;) {
    const picked = pick(exchange, upstream, tried);
    tried.add(picked.node);
    if (body === undefined && exchange.content instanceof ReadableStream && mayTryAgain(request.method, upstream)) {
      body = replayable(exchange.content, REPLAY_BYTES);
    }
    const begun = performance.now();
    try {
      const answer = await send(picked, body === undefined ? exchange.content : body.stream());
      return finish(exchange, picked, answer, performance.now() - begun);
    } catch (thrown) {
      const now = performance.now();
      const error = failure(thrown, deadline, inbound.signal);
      const { sent, reused } = error instanceof TransportError ? error : { sent: true, reused: false };
      exchange.attempts.push({ node: picked.node.id, ms: now - begun, code: error.code });
      picked.done({ ok: false, code: error.code, reused, ms: now - begun });
      const replay = body?.replayable() ?? !(exchange.content instanceof ReadableStream);
      if (reused && replay && isIdempotent(request.method) && stale++ < MAX_STALE) tried.delete(picked.node);
      else {
        const decision = upstream.decideRetry({
          code: error.code,
          sent,
          method: request.method,
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
    }
  }
}

/**
 * A node for the next try.
 *
 * @throws {GatewayError} `no_healthy_node`, where none is left: as Apache APISIX, 503 for an upstream without nodes, and 502 where all were tried.
 */
export function pick(exchange: Exchange, upstream: Upstream, tried: ReadonlySet<UpstreamNode>): PickedNode {
  const host = exchange.request.host ?? exchange.hostField;
  const picked = upstream.pick({ key: exchange.variable, exclude: tried, host });
  if (picked !== undefined) return picked;
  const status = tried.size === 0 ? 503 : 502;
  throw new GatewayError("no_healthy_node", status, `Upstream ${upstream.id} has no node left to try`);
}

/** Whether a body may be needed twice. */
function mayTryAgain(method: string, upstream: Upstream): boolean {
  return upstream.retryLimits.retries > 0 || isIdempotent(method);
}

/** The request as it is sent to a node that was picked. */
export function outbound(
  exchange: Exchange,
  upstream: Upstream,
  picked: PickedNode,
  body: OutboundRequest["body"],
  options: ForwardOptions,
  deadline?: AbortSignal,
): OutboundRequest {
  const { request, inbound } = exchange;
  request.headers.set("Host", request.host ?? picked.hostHeader(exchange.hostField));
  // A listener that cannot read the body of such a request must not promise one to the node, which would wait for it.
  if (body === null && (request.headers.get("content-length") ?? "0") !== "0") request.headers.delete("content-length");
  return {
    peer: picked.peer,
    method: request.method,
    target: request.target,
    headers: request.headers.raw(),
    body,
    timeouts: options.timeouts ?? upstream.timeouts,
    signal: deadline === undefined ? inbound.signal : AbortSignal.any([inbound.signal, deadline]),
  };
}

function finish(exchange: Exchange, picked: PickedNode, answer: OutboundAnswer, ms: number): Response {
  const { status } = answer;
  exchange.attempts.push({ node: picked.node.id, ms, status });
  let headers = forwardableAnswer(answer.headers);
  // RFC 9110 section 8.6: no Content-Length with 204; some nodes send one.
  if (status === 204) headers = headers.filter((_, i) => headers[i & ~1]!.toLowerCase() !== "content-length");
  let { body } = answer;
  if (exchange.request.method === "HEAD" || status === 204 || status === 304) body = null;
  if (body instanceof ReadableStream) {
    picked.answered(status, ms);
    body = followBody(body, (ok, bytes) => {
      picked.done({ ok, status, ms });
      ended(ok, bytes);
    });
    const ended = exchange.streaming(body);
  } else picked.done({ ok: true, status, ms });
  return toResponse({ ...answer, headers, body });
}

/** What a try failed with; a deadline of the whole exchange looks like a client that has gone, to a transport. */
function failure(thrown: unknown, deadline: AbortSignal | undefined, client: AbortSignal): GatewayError {
  if (deadline?.aborted === true && !client.aborted) {
    return new GatewayError("total_timeout", 504, "The request's total time is over", { cause: thrown });
  }
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("internal", 500, "The transport failed with an error of its own", { cause: thrown });
}

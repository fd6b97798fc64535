import { GatewayError } from "../errors.ts";
import { indexOf } from "../net/header-list.ts";
import type { ByteTunnel, Inbound } from "../net/inbound.ts";
import { forwardableAnswer } from "../net/hop-by-hop.ts";
import { toResponse } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { type ForwardOptions, outbound, pick } from "./forward.ts";
import { RequestFields } from "./request-fields.ts";
import type { UpgradeAnswer } from "./transport.ts";
import type { Upstream } from "../upstream/upstream.ts";

/** Whether a request asks to speak WebSocket. Other upgrades (`h2c`) may be ignored (RFC 9110 section 7.8), and are. */
export function asksForWebSocket(inbound: Inbound): boolean {
  const at = indexOf(inbound.headers, "upgrade", 0);
  return at >= 0 && inbound.headers[at + 1]!.toLowerCase() === "websocket";
}

/**
 * Passes a request to upgrade on and, once the node has taken it, the bytes of both sides: what is said in them is not looked at,
 * so that subprotocols, compression, pings and close codes are the client's and the node's own, and a slow side slows the other.
 *
 * @returns The node's answer where it did not take the upgrade; after 101, an empty Response that the listener does not write.
 * @throws {GatewayError} `upgrade_refused` where the route, the listener or the transport does not do it.
 */
export async function forwardUpgrade(
  exchange: Exchange,
  upstream: Upstream,
  options: ForwardOptions,
): Promise<Response> {
  const { inbound, request } = exchange;
  const { transport } = options;
  if (!exchange.websocket) {
    throw new GatewayError("upgrade_refused", 400, "The route does not allow WebSocket (enable_websocket)");
  }
  if (inbound.upgrade === undefined || transport.upgrade === undefined) {
    const which = inbound.upgrade === undefined ? "listener" : `transport '${transport.name}'`;
    throw new GatewayError("upgrade_refused", 501, `The ${which} cannot upgrade connections`);
  }
  request.headers.set("Connection", "Upgrade");
  request.headers.set("Upgrade", "websocket");
  const fields = new RequestFields(exchange, false);
  const picked = pick(exchange, upstream, new Set());
  const begun = performance.now();
  let answer: UpgradeAnswer;
  try {
    answer = await transport.upgrade(outbound(exchange, upstream, picked, fields.to(picked), null, options));
  } catch (thrown) {
    const error = thrown instanceof GatewayError
      ? thrown
      : new GatewayError("internal", 500, "The transport failed with an error of its own", { cause: thrown });
    exchange.attempts.push({ node: picked.node.id, ms: performance.now() - begun, code: error.code });
    picked.done({ ok: false, code: error.code, ms: performance.now() - begun });
    throw error;
  }
  const ms = performance.now() - begun;
  exchange.attempts.push({ node: picked.node.id, ms, status: answer.status });
  if (!("tunnel" in answer)) {
    picked.done({ ok: true, status: answer.status, ms });
    return toResponse({ ...answer, headers: forwardableAnswer(answer.headers) });
  }
  picked.answered(101, ms);
  const client = inbound.upgrade(101, answer.reason, answer.headers);
  const ended = exchange.tunnelling();
  void join(client, answer.tunnel).then((ok) => {
    picked.done({ ok, status: 101, ms });
    ended(ok);
  });
  return new Response(null);
}

/** Copies both ways until both are over. An end on one side ends the other; a break on one side breaks the other. */
async function join(client: ByteTunnel, node: ByteTunnel): Promise<boolean> {
  const results = await Promise.allSettled([
    client.readable.pipeTo(node.writable),
    node.readable.pipeTo(client.writable),
  ]);
  return results.every((result) => result.status === "fulfilled");
}

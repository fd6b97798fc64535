/**
 * A listener that forwards everything to one origin, for measuring from outside.
 *
 *     bare-gateway.ts <listener> <transport> <origin port> [<limits as JSON>]
 */
import process from "node:process";
import { toResponse } from "../../src/forward/answer.ts";
import type { OutboundAnswer, Peer } from "../../src/forward/transport.ts";
import { forwardableAnswer, forwardableRequest } from "../../src/net/hop-by-hop.ts";
import type { ListenerLimits } from "../../src/runtimes/listener.ts";
import type { ListenerName, TransportName } from "../../src/runtimes/runtime.ts";
import { LIMITS } from "./listener-context.ts";
import { thisRuntime } from "./runtime.ts";

const [listenerName, transportName, port, limits = "{}"] = process.argv.slice(2);
const runtime = await thisRuntime();
const transport = await runtime.transports[transportName as TransportName]();
const peer: Peer = {
  host: "127.0.0.1",
  port: Number(port),
  keepAlive: { size: 320, idleTimeout: 60_000, requests: 1000 },
};
const timeouts = { connect: 5_000, send: 60_000, read: 60_000 };
const listener = await runtime.listeners[listenerName as ListenerName]!({
  host: "127.0.0.1",
  port: 0,
  limits: { ...LIMITS, ...JSON.parse(limits) as Partial<ListenerLimits> },
  async handler({ method }, inbound) {
    try {
      const { target, body, signal } = inbound;
      const headers = forwardableRequest(inbound.headers);
      const request = { peer, method, target, headers, body, timeouts, signal };
      if (inbound.upgrade === undefined) return toNode(await transport.send(request));
      headers.push("Connection", "Upgrade", "Upgrade", "websocket");
      const answer = await transport.upgrade!(request);
      if (!("tunnel" in answer)) return toNode(answer);
      const client = inbound.upgrade(101, answer.reason, answer.headers);
      client.readable.pipeTo(answer.tunnel.writable).catch(() => {});
      answer.tunnel.readable.pipeTo(client.writable).catch(() => {});
      return new Response(null);
    } catch {
      return new Response(null, { status: 502 });
    }
  },
});
function toNode(answer: OutboundAnswer): Response {
  return toResponse({ ...answer, headers: forwardableAnswer(answer.headers) });
}

console.log(`port ${listener.address.port}`);

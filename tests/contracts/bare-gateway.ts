/**
 * A listener that forwards everything to one origin, for measuring from outside.
 *
 *     bare-gateway.ts <listener> <transport> <origin port> [<limits as JSON>]
 */
import process from "node:process";
import { toResponse } from "../../src/forward/answer.ts";
import type { Peer } from "../../src/forward/transport.ts";
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
      const answer = await transport.send({ peer, method, target, headers, body, timeouts, signal });
      return toResponse({ ...answer, headers: forwardableAnswer(answer.headers) });
    } catch {
      return new Response(null, { status: 502 });
    }
  },
});
console.log(`port ${listener.address.port}`);

import { createGateway, type Gateway, type GatewayOptions } from "../../../src/gateway/gateway.ts";
import {
  type OutboundAnswer,
  type OutboundRequest,
  type Transport,
  TransportError,
} from "../../../src/forward/transport.ts";
import type { Inbound } from "../../../src/net/inbound.ts";
import { type MemorySource, memorySource, type MemoryValue } from "../../../src/sources/memory.ts";
import { until } from "../../support/until.ts";

/** What the recording transport does with a request; a node that is not named answers 200 with its own name. */
export type NodeBehaviour = (request: OutboundRequest) => OutboundAnswer | Promise<OutboundAnswer>;

/** A gateway over memory whose nodes are functions, for tests of what is between the two seams. */
export interface TestGateway {
  readonly gateway: Gateway;
  readonly source: MemorySource;
  /** Requests that were sent to nodes. */
  readonly sent: OutboundRequest[];
  readonly nodes: Map<string, NodeBehaviour>;
  /** Puts and deletes in one revision, and waits until it is applied. */
  apply(changes: Readonly<Record<string, MemoryValue | undefined>>): Promise<void>;
  ask(target: string, options?: AskOptions): Promise<Response>;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly host?: string;
  readonly from?: string;
  readonly body?: ReadableStream<Uint8Array> | null;
}

export function answer(status: number, text: string, headers: readonly string[] = []): OutboundAnswer {
  return { status, reason: "", headers, body: new TextEncoder().encode(text) };
}

export function refuse(): never {
  throw new TransportError("connect_refused", false, "refused");
}

export async function createTestGateway(
  initial: Readonly<Record<string, MemoryValue>> = {},
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const sent: OutboundRequest[] = [];
  const nodes = new Map<string, NodeBehaviour>();
  const transport: Transport = {
    name: "test",
    async send(request) {
      sent.push(request);
      const name = `${request.peer.host}:${request.peer.port}`;
      return await (nodes.get(name)?.(request) ?? answer(200, name));
    },
    release() {},
    close: () => Promise.resolve(),
  };
  const source = memorySource(initial);
  const gateway = createGateway({ source, transport, ...options });
  await gateway.ready;
  return {
    gateway,
    source,
    sent,
    nodes,
    async apply(changes) {
      const revision = source.transaction(changes);
      await until(() => gateway.status().revision === revision, {
        limit: 2000,
        what: `revision ${revision} is applied`,
      });
    },
    async ask(target, { method = "GET", headers = [], host = "a.test", from = "127.0.0.1", body = null } = {}) {
      const inbound: Inbound = {
        target,
        faithful: true,
        headers: ["Host", host, ...headers],
        peer: { address: from, port: 5000 },
        localPort: 9080,
        secure: false,
        body,
        signal: new AbortController().signal,
      };
      return await gateway.fetch(new Request(`http://a.test/`, { method }), { inbound });
    },
  };
}

/** A route to one node. */
export function route(uri: string, node: string, more: object = {}): object {
  return { uri, upstream: { nodes: { [node]: 1 } }, ...more };
}

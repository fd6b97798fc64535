import type { OutboundAnswer, OutboundRequest, Peer } from "../../src/forward/transport.ts";
import { http2Accept, type RawHttp2 } from "../support/http2-raw.ts";
import { bytesOf, peerOf, type TransportContext } from "./transport-context.ts";
import { string } from "../support/raw.ts";

/** A node whose frames the test writes, and how it is reached. */
export interface ScriptedNode {
  readonly peer: Peer;
  /** Connections that were made to it. */
  readonly connections: () => number;
}

/** What a node does with a connection; `index` counts connections. */
export type Script = (node: RawHttp2, index: number) => Promise<unknown>;

/** @param settings What the node announces: numbers and values by turns. */
export async function scripted(
  context: TransportContext,
  script: Script,
  more: Partial<Peer> = {},
  settings: readonly number[] = [],
): Promise<ScriptedNode> {
  let connections = 0;
  const origin = await context.origin(async (connection) => {
    const index = connections++;
    // What a test leaves open ends with it.
    await http2Accept(connection, ...settings).then((node) => script(node, index)).catch(() => {});
  });
  return { peer: peerOf(origin.port, { http2: true, ...more }), connections: () => connections };
}

/** The answer to one request, read whole. */
export async function ask(
  context: TransportContext,
  peer: Peer,
  request: Partial<OutboundRequest> = {},
): Promise<OutboundAnswer & { readonly text: string }> {
  const answer = await context.send(peer, request);
  return { ...answer, text: string(await bytesOf(answer)) };
}

/** Numbers of the streams that a client opens, in their order. */
export function streams(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 2 * i + 1);
}

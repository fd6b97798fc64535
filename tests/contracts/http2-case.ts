import assert from "node:assert/strict";
import { http2Connect, type RawHttp2, request } from "../support/http2-raw.ts";
import type { Row } from "./contract.ts";
import type { ListenerContext, Served } from "./listener-context.ts";

const RST_STREAM = 3;

/** What must come: the end of the connection, or of stream 1, with a code; or an answer on stream 1. */
export type Outcome = { readonly goAway: number } | { readonly reset: number } | { readonly status: number };

/** What a client sends to a listener over HTTP/2, and what must come of it. */
export interface Case {
  readonly name: string;
  readonly send: (client: RawHttp2) => Promise<unknown>;
  readonly comes: Outcome;
  /** Requests that the handler may see before the connection is used once more. Default: none, or the one that is answered with 200. */
  readonly seen?: number;
}

export async function repeat(count: number, send: (index: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await send(i);
}

/** A listener that answers all requests but those with `x-wait`. */
export function serve(context: ListenerContext): Promise<Served> {
  return context.serve((_, { headers }) => headers.includes("x-wait") ? new Promise(() => {}) : new Response("ok"));
}

export function toRow(group: string, { name, send, comes, seen }: Case): Row<ListenerContext> {
  return {
    group,
    name,
    async run(context) {
      const served = await serve(context);
      const client = await http2Connect(served.port);
      try {
        await send(client);
        if ("goAway" in comes) {
          assert.equal(await client.goAway(3_000), comes.goAway);
          await client.connection.ended(5_000);
        } else if ("reset" in comes) {
          const { payload } = await client.find(({ type, stream }) => type === RST_STREAM && stream === 1);
          assert.equal(payload.readUInt32BE(0), comes.reset);
        } else assert.equal((await client.message(1)).status, comes.status);
        const most = seen ?? ("status" in comes && comes.status === 200 ? 1 : 0);
        assert.ok(served.seen.length <= most, `the handler saw ${served.seen.length} requests`);
        if ("goAway" in comes) return;
        // The connection goes on, with the same table on both sides.
        await client.headers(2001, request("/after", "x-after", "1"));
        assert.equal((await client.message(2001)).body, "ok");
        assert.deepEqual(served.seen.at(-1)?.inbound.headers.slice(-2), ["x-after", "1"]);
      } finally {
        client.connection.destroy();
      }
    },
  };
}

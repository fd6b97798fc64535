import assert from "node:assert/strict";
import { CODE, FRAME } from "../../src/runtimes/http2/protocol.ts";
import { http2Connect, type RawHttp2, request, upload } from "../support/http2-raw.ts";
import { until } from "../support/until.ts";
import type { Row } from "./contract.ts";
import { bodyOf, type ListenerContext, nodeAnswer } from "./listener-context.ts";

const group = "bounds, and what is given back";
const PART = new Uint8Array(16_384);

/** Streams that a client may give up at once, and some that time has allowed meanwhile. */
const MOST_RESETS = 260;

/** Sends until the connection is ended, and tells for what, and how many requests were seen. */
async function flood(
  context: ListenerContext,
  send: (client: RawHttp2, id: number) => Promise<void>,
): Promise<{ readonly code: number; readonly seen: number }> {
  const served = await context.serve(() => new Promise(() => {}));
  const client = await http2Connect(served.port);
  const sending = (async () => {
    for (let i = 0; i < 1500; i++) await send(client, 3 + 2 * i);
  })().catch(() => {});
  const code = await client.goAway();
  await sending;
  return { code, seen: served.seen.length };
}

/** What a client cannot get out of the listener over HTTP/2, and what it gets back. */
export const http2BoundRows: readonly Row<ListenerContext>[] = [
  {
    group,
    name: "requests that are given up at once are not paid for by a byte of a body each",
    async run(context) {
      const { code, seen } = await flood(context, async (client, id) => {
        await client.headers(id, upload(), false);
        await client.data(id, "x");
        await client.reset(id, CODE.cancel);
      });
      assert.equal(code, CODE.calm);
      assert.ok(seen <= MOST_RESETS, `${seen} requests were seen`);
    },
  },
  {
    group,
    name: "nor by bytes of another request's body",
    async run(context) {
      const { code, seen } = await flood(context, async (client, id) => {
        if (id === 3) await client.headers(1, upload(), false);
        await client.headers(id, request());
        await client.reset(id, CODE.cancel);
        await client.data(1, "x");
      });
      assert.equal(code, CODE.calm);
      assert.ok(seen <= MOST_RESETS, `${seen} requests were seen`);
    },
  },
  {
    group,
    name: "requests that were answered pay for as many that are given up",
    async run(context) {
      const served = await context.serve((_, { target }) =>
        target === "/never" ? new Promise(() => {}) : new Response("ok")
      );
      const client = await http2Connect(served.port);
      for (let i = 0; i < 500; i++) {
        const id = 1 + 4 * i;
        await client.headers(id, request());
        assert.equal((await client.message(id)).body, "ok");
        await client.headers(id + 2, request("/never"));
        await client.reset(id + 2, CODE.cancel);
      }
      await client.headers(2001, request());
      assert.equal((await client.message(2001)).body, "ok");
    },
  },
  {
    group,
    name: "bodies that nobody wants any more give the connection's window back, while their answers go on",
    async run(context) {
      let cancelled = 0;
      const served = await context.serve(async (_, inbound) => {
        if (inbound.target !== "/drop") return new Response(String((await bodyOf(inbound)).byteLength));
        const reader = inbound.body!.getReader();
        await reader.read();
        setTimeout(() => {
          void reader.cancel().then(() => cancelled++);
        }, 100);
        return nodeAnswer({
          body: new ReadableStream<Uint8Array>({ start: (source) => source.enqueue(new Uint8Array(5)) }),
        });
      });
      const client = await http2Connect(served.port);
      // As much as the connection takes.
      for (const id of [1, 3, 5, 7]) {
        await client.headers(id, upload("x", "1").map((text) => text === "/" ? "/drop" : text), false);
        for (let sent = 0; sent < 16; sent++) await client.data(id, PART);
      }
      await until(() => cancelled === 4, { what: "all are given up" });
      // With what the connection takes from the start on, beyond 65,535.
      let back = 65_535 - 1024 * 1024;
      while (back < 512 * 1024) {
        const { payload } = await client.find(({ type, stream }) => type === FRAME.window && stream === 0);
        back += payload.readUInt32BE(0);
      }
      await client.headers(9, upload(), false);
      await client.data(9, PART, true);
      assert.equal((await client.message(9)).body, String(PART.byteLength));
    },
  },
  {
    group,
    name: "nothing tells a client to go on once it has its answer",
    async run(context) {
      let read = false;
      const served = await context.serve((_, inbound) => {
        setTimeout(() => {
          read = true;
          void inbound.body?.getReader().read().catch(() => {});
        }, 50);
        return nodeAnswer({ body: new Uint8Array(200_000) });
      });
      const client = await http2Connect(served.port);
      await client.headers(1, upload("expect", "100-continue"), false);
      const head = await client.find(({ type }) => type === FRAME.headers);
      assert.deepEqual(head.fields.slice(0, 2), [":status", "200"]);
      await until(() => read, { what: "the body is asked for" });
      await client.frame(FRAME.ping, 0, 0, "12345678");
      const next = await client.find(({ type }) => type === FRAME.headers || type === FRAME.ping);
      assert.equal(next.type, FRAME.ping);
    },
  },
  {
    group,
    name: "trailers that are a connection's over HTTP/1.1 go no further",
    async run(context) {
      const fields = ["Keep-Alive", "timeout=5", "Upgrade", "h2c", "Proxy-Connection", "x", "X-Sum", "1"];
      const served = await context.serve(() =>
        nodeAnswer({ body: new Blob(["ok"]).stream(), trailers: Promise.resolve(fields) })
      );
      const client = await http2Connect(served.port);
      await client.headers(1, request());
      const { body, trailers } = await client.message(1);
      assert.equal(body, "ok");
      assert.deepEqual(trailers, ["x-sum", "1"]);
    },
  },
  {
    group,
    name: "a scheme that is none",
    async run(context) {
      const served = await context.serve(() => new Response());
      const client = await http2Connect(served.port);
      await client.headers(1, request().map((text) => text === "http" ? "ht\r\ntp" : text));
      assert.equal((await client.message(1)).reset, CODE.protocol);
      assert.equal(served.seen.length, 0);
    },
  },
  {
    group,
    name: "an answer that comes first can be read before the client is told to send no more",
    slow: true,
    async run(context) {
      const served = await context.serve(() => new Response("no", { status: 401 }));
      const client = await http2Connect(served.port);
      await client.headers(1, upload(), false);
      await client.data(1, PART);
      const answer = await client.message(1);
      assert.equal(answer.status, 401);
      assert.equal(answer.body, "no");
      const begun = performance.now();
      for (let sent = 0; sent < 10; sent++) await client.data(1, PART);
      const reset = await client.find(({ type, stream }) => type === FRAME.reset && stream === 1);
      assert.equal(reset.payload.readUInt32BE(0), CODE.none);
      const ms = performance.now() - begun;
      assert.ok(ms > 500, `it was told after ${ms} ms`);
      // One that ends its request by itself is told nothing.
      await client.headers(3, upload(), false);
      assert.equal((await client.message(3)).status, 401);
      await client.data(3, PART, true);
      await client.headers(5, request());
      assert.equal((await client.message(5)).status, 401);
    },
  },
];

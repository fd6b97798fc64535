import assert from "node:assert/strict";
import { CODE, FRAME, SETTING } from "../../src/runtimes/http2/protocol.ts";
import { http2Connect, request, upload } from "../support/http2-raw.ts";
import { within } from "../support/raw.ts";
import { until } from "../support/until.ts";
import { type Row, thrice } from "./contract.ts";
import { bodyOf, type ListenerContext, nodeAnswer } from "./listener-context.ts";

const group = "pace, time and ends";
const PART = new Uint8Array(64 * 1024);

/** A body without an end, and how much of it was asked for. */
function endless(): { readonly body: ReadableStream<Uint8Array>; readonly pulled: () => number } {
  let bytes = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      bytes += PART.byteLength;
      controller.enqueue(PART);
    },
  }, { highWaterMark: 0 });
  return { body, pulled: () => bytes };
}

/** How the listener keeps time and pace over HTTP/2, and how connections end. */
export const http2LifeRows: readonly Row<ListenerContext>[] = [
  {
    group,
    name: "no more is sent than the client's windows allow, and as soon as they do",
    async run(context) {
      const served = await context.answering({ body: new Uint8Array(200_000) });
      const client = await http2Connect(served.port);
      await client.settings(SETTING.window, 10);
      await client.headers(1, request());
      await client.head(1);
      const next = async () => (await client.find(({ type }) => type === FRAME.data)).payload.byteLength;
      assert.equal(await next(), 10);
      await client.window(1, 5);
      assert.equal(await next(), 5);
      // A setting changes the windows of open streams too.
      await client.settings(SETTING.window, 30);
      assert.equal(await next(), 20);
      await client.settings(SETTING.window, 0);
      await client.window(1, 35);
      assert.equal(await next(), 5);
      await client.window(1, 1_000_000);
      let got = 40;
      while (got < 65_535) got += await next();
      assert.equal(got, 65_535, "the connection's window");
      await client.window(0, 1_000_000);
      while (got < 200_000) got += await next();
    },
  },
  {
    group,
    name: "a client that takes nothing stops the node, and not the other requests",
    async run(context) {
      const { body, pulled } = endless();
      const served = await context.serve((_, { target }) =>
        target === "/endless" ? nodeAnswer({ body }) : new Response("ok")
      );
      const client = await http2Connect(served.port);
      await client.window(0, 1_000_000);
      await client.headers(1, request("/endless"));
      let got = 0;
      while (got < 65_535) got += (await client.find(({ type }) => type === FRAME.data)).payload.byteLength;
      await client.headers(3, request());
      assert.equal((await client.message(3)).body, "ok");
      assert.ok(pulled() < 1024 * 1024, `${pulled()} bytes were asked for`);
    },
  },
  {
    group,
    name: "an upload that nobody reads is stopped, and not the other requests",
    async run(context) {
      const served = await context.serve((_, { target }) =>
        target === "/" ? new Promise(() => {}) : new Response("ok")
      );
      const client = await http2Connect(served.port);
      await client.headers(1, upload(), false);
      for (let sent = 0; sent < 256 * 1024; sent += 16_384) await client.data(1, PART.subarray(0, 16_384));
      await client.headers(3, request("/other"));
      assert.equal((await client.message(3)).body, "ok");
      await client.data(1, "x");
      assert.equal((await client.message(1)).reset, CODE.flowControl);
    },
  },
  {
    group,
    name: "an upload that is read goes on beyond its windows",
    async run(context) {
      const served = await context.serve(async (_, inbound) =>
        new Response(String((await bodyOf(inbound)).byteLength))
      );
      const client = await http2Connect(served.port);
      await client.headers(1, upload(), false);
      let streamWindow = 256 * 1024, window = 1024 * 1024;
      const total = 3 * 1024 * 1024;
      for (let sent = 0; sent < total; sent += 16_384) {
        while (streamWindow < 16_384 || window < 16_384) {
          const { stream, payload } = await client.find(({ type }) => type === FRAME.window);
          if (stream === 0) window += payload.readUInt32BE(0);
          else streamWindow += payload.readUInt32BE(0);
        }
        // The first one of the connection widens it to a megabyte; it is in the sum already.
        streamWindow -= 16_384;
        window -= 16_384;
        await client.data(1, PART.subarray(0, 16_384), sent + 16_384 === total);
      }
      assert.equal((await client.message(1)).body, String(total));
    },
  },
  {
    group,
    name: "a client that takes nothing of its answer loses it",
    slow: true,
    async run(context) {
      const served = await context.serve(() => nodeAnswer({ body: endless().body }), { bodyTimeout: 300 });
      const client = await http2Connect(served.port);
      await client.headers(1, request());
      assert.equal((await client.message(1, 3_000)).reset, CODE.cancel);
    },
  },
  {
    group,
    name: "a request's body that stalls is an error of the client's",
    slow: true,
    async run(context) {
      let failure: unknown;
      const served = await context.serve(async (_, inbound) => {
        await bodyOf(inbound).catch((error) => failure = error);
        return new Response("late", { status: 408 });
      }, { bodyTimeout: 300 });
      const client = await http2Connect(served.port);
      await client.headers(1, upload(), false);
      assert.equal((await client.message(1, 3_000)).status, 408);
      assert.equal((failure as { status?: number }).status, 408);
    },
  },
  {
    group,
    name: "a connection without a request ends in time, before the first one and after the last",
    slow: true,
    async run(context) {
      const served = await context.serve(undefined, { headerTimeout: 200, idleTimeout: 300 });
      const silent = await http2Connect(served.port);
      assert.equal(await silent.goAway(3_000), CODE.none);
      await silent.connection.ended(3_000);
      const used = await http2Connect(served.port);
      await used.headers(1, request());
      await used.message(1);
      assert.equal(await used.goAway(3_000), CODE.none);
      await used.connection.ended(3_000);
      for (const { connection } of [silent, used]) connection.destroy();
      await until(() => served.listener.connections() === 0, { what: "they are forgotten" });
    },
  },
  {
    group,
    name: "a client that resets its stream aborts the request within 100 ms, and one that goes all of its requests",
    run: thrice(async (context) => {
      const served = await context.serve(() => new Promise(() => {}));
      const client = await http2Connect(served.port);
      for (const id of [1, 3, 5]) await client.headers(id, request());
      await until(() => served.seen.length === 3, { what: "all are there" });
      const aborted = served.seen.map(({ inbound: { signal } }) =>
        new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()))
      );
      const start = performance.now();
      await client.reset(1, CODE.cancel);
      await within(aborted[0]!, 2_000, "the first ends");
      client.connection.destroy();
      await within(Promise.all(aborted), 2_000, "all end");
      const ms = performance.now() - start;
      assert.ok(ms < 200, `it took ${ms} ms`);
    }),
  },
  {
    group,
    name: "a body that a client breaks off errors",
    async run(context) {
      let failure: unknown;
      const served = await context.serve(async (_, inbound) => {
        await bodyOf(inbound).catch((error) => failure = error);
        return new Response();
      });
      const client = await http2Connect(served.port);
      await client.headers(1, upload(), false);
      await client.data(1, "part");
      await until(() => served.seen.length === 1, { what: "it is there" });
      await client.reset(1, CODE.cancel);
      await until(() => failure !== undefined, { what: "the body fails" });
      assert.equal((failure as { code?: string }).code, "client_gone");
    },
  },
  {
    group,
    name: "close says GOAWAY, lets the requests in flight finish, and takes no more",
    async run(context) {
      let answer: (response: Response) => void = () => {};
      const served = await context.serve((_, { target }) =>
        target === "/slow" ? new Promise((resolve) => answer = resolve) : new Response("ok")
      );
      const idle = await http2Connect(served.port), busy = await http2Connect(served.port);
      await idle.headers(1, request());
      await idle.message(1);
      await busy.headers(1, request("/slow"));
      await until(() => served.seen.length === 2, { what: "it is there" });
      const closed = served.listener.close(10_000);
      const first = await busy.find(({ type }) => type === FRAME.goAway);
      assert.equal(first.payload.readUInt32BE(0), 2 ** 31 - 1);
      // What comes before the second one is still answered.
      await busy.headers(3, request());
      assert.equal((await busy.message(3)).body, "ok");
      const second = await busy.find(({ type }) => type === FRAME.goAway);
      assert.equal(second.payload.readUInt32BE(0), 3);
      await busy.headers(5, request());
      assert.equal((await busy.message(5)).reset, CODE.refused);
      await idle.connection.ended(3_000);
      answer(new Response("done"));
      assert.equal((await busy.message(1)).body, "done");
      await busy.connection.ended(3_000);
      assert.equal(await closed, 0);
    },
  },
];

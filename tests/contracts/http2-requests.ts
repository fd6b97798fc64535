import assert from "node:assert/strict";
import { errorResponse } from "../../src/errors.ts";
import { CODE, FRAME, PREFACE, SETTING } from "../../src/runtimes/http2/protocol.ts";
import { http2Connect, RawHttp2, request, upload } from "../support/http2-raw.ts";
import { latin1, rawConnect, string } from "../support/raw.ts";
import { until } from "../support/until.ts";
import type { Row } from "./contract.ts";
import { bodyOf, echo, get, type ListenerContext, nodeAnswer, statusOf } from "./listener-context.ts";

const group = "requests and answers";

/** A stream whose parts are given by hand. */
function byHand(): { readable: ReadableStream<Uint8Array>; source: ReadableStreamDefaultController<Uint8Array> } {
  let source!: ReadableStreamDefaultController<Uint8Array>;
  const readable = new ReadableStream<Uint8Array>({ start: (controller) => void (source = controller) });
  return { readable, source };
}

/** What the listener makes of requests over HTTP/2, and how it writes their answers. */
export const http2RequestRows: readonly Row<ListenerContext>[] = [
  {
    group,
    name: "a request's fields are those of HTTP/1.1, Host first, cookies joined",
    async run(context) {
      const served = await context.serve();
      const client = await http2Connect(served.port);
      const fields = ["cookie", "a=1", "x-two", "1", "x-two", "2", "cookie", "b=2", "te", "trailers"];
      await client.headers(1, request("/a%2Fb//c?", ...fields));
      assert.equal((await client.message(1)).body, "ok");
      const { request: seen, inbound } = served.seen[0]!;
      assert.equal(inbound.target, "/a%2Fb//c?");
      assert.deepEqual(inbound.headers, [
        ...["Host", "gate.test", "x-two", "1", "x-two", "2", "te", "trailers", "cookie", "a=1; b=2"],
      ]);
      assert.equal(seen.method, "GET");
      assert.equal(seen.url, "http://gate.test/a%2Fb//c?");
      assert.equal(inbound.body, null);
      assert.equal(inbound.peer.address, "127.0.0.1");
    },
  },
  {
    group,
    name: "an answer's names are in lower case, and what belongs to HTTP/1.1's connections is left out",
    async run(context) {
      const headers = ["X-Node", "1", "Connection", "close", "Keep-Alive", "timeout=5", "Set-Cookie", "a=1"];
      const served = await context.answering({ headers, body: latin1("hello") });
      const client = await http2Connect(served.port);
      await client.headers(1, request());
      const { headers: fields, body } = await client.message(1);
      assert.deepEqual(fields.filter((_, i) => i % 2 === 0), [
        ":status",
        "x-node",
        "set-cookie",
        "date",
        "content-length",
      ]);
      assert.equal(body, "hello");
    },
  },
  {
    group,
    name: "bytes outside ASCII in fields stay what they were, both ways",
    async run(context) {
      const served = await context.answering({ headers: ["x-b", "\xe4\xff"] });
      const client = await http2Connect(served.port);
      await client.headers(1, request("/", "x-a", "\xc3\xa4\xff"));
      const { headers } = await client.message(1);
      assert.equal(headers[headers.indexOf("x-b") + 1], "\xe4\xff");
      const seen = served.seen[0]!.inbound.headers;
      assert.equal(seen[seen.indexOf("x-a") + 1], "\xc3\xa4\xff");
    },
  },
  {
    group,
    name: "a body comes with and without Content-Length, and padded",
    async run(context) {
      const served = await context.serve(echo);
      const client = await http2Connect(served.port);
      await client.headers(1, upload("content-length", "6"), false);
      await client.data(1, "abc");
      await client.data(1, "def", true);
      assert.equal((await client.message(1)).body, "abcdef");
      await client.headers(3, upload(), false);
      await client.frame(FRAME.data, 8 | 1, 3, "\x04ghi\0\0\0\0");
      assert.equal((await client.message(3)).body, "ghi");
    },
  },
  {
    group,
    name: "requests at once are answered as they come to it",
    async run(context) {
      const waiting = new Map<string, () => void>();
      const served = await context.serve((_, { target }) =>
        new Promise((resolve) => waiting.set(target, () => resolve(new Response(target))))
      );
      const client = await http2Connect(served.port);
      for (const id of [1, 3, 5]) await client.headers(id, request(`/${id}`));
      await until(() => waiting.size === 3, { what: "all are there" });
      for (const id of [5, 1, 3]) {
        waiting.get(`/${id}`)!();
        assert.equal((await client.message(id)).body, `/${id}`);
      }
    },
  },
  {
    group,
    name: "HEAD, 204 and 304 have no body",
    async run(context) {
      const served = await context.serve((_, { target }) =>
        nodeAnswer({ status: Number(target.slice(1)), headers: ["content-length", "7"] })
      );
      const client = await http2Connect(served.port);
      await client.headers(1, [":method", "HEAD", ...request("/200").slice(2)]);
      const head = await client.message(1);
      assert.equal(head.headers[head.headers.indexOf("content-length") + 1], "7");
      for (const [id, status] of [[3, 204], [5, 304]] as const) {
        await client.headers(id, request(`/${status}`));
        const answer = await client.message(id);
        assert.deepEqual([answer.status, answer.body, answer.ended], [status, "", true]);
      }
    },
  },
  {
    group,
    name: "trailers come after the body, also after none",
    async run(context) {
      const trailers = Promise.resolve(["X-Sum", "1", "Content-Length", "9"]);
      const served = await context.serve((_, { target }) =>
        nodeAnswer({ headers: [], trailers, body: target === "/none" ? null : latin1("body") })
      );
      const client = await http2Connect(served.port);
      for (const [id, path, body] of [[1, "/some", "body"], [3, "/none", ""]] as const) {
        await client.headers(id, request(path));
        const answer = await client.message(id);
        assert.deepEqual([answer.body, answer.trailers], [body, ["x-sum", "1"]]);
      }
    },
  },
  {
    group,
    name: "events reach the client one by one",
    async run(context) {
      const { readable, source } = byHand();
      const served = await context.answering({ body: readable });
      const client = await http2Connect(served.port);
      await client.headers(1, request());
      await client.head(1);
      for (const event of ["one", "two"]) {
        source.enqueue(latin1(event));
        const { payload } = await client.find(({ type }) => type === FRAME.data);
        assert.equal(string(payload), event);
      }
      source.close();
      assert.equal((await client.find(({ type }) => type === FRAME.data)).flags, 1);
    },
  },
  {
    group,
    name: "an answer that breaks, or is not as long as announced, never looks whole",
    async run(context) {
      const served = await context.serve((_, { target }) => {
        const { readable, source } = byHand();
        source.enqueue(latin1("part"));
        if (target === "/broken") queueMicrotask(() => source.error(new Error("broken")));
        else source.close();
        return nodeAnswer({
          headers: target === "/broken" ? [] : ["content-length", target === "/short" ? "5" : "3"],
          body: readable,
        });
      });
      const client = await http2Connect(served.port);
      for (const [id, path] of [[1, "/broken"], [3, "/short"], [5, "/long"]] as const) {
        await client.headers(id, request(path));
        const { reset, ended } = await client.message(id);
        assert.deepEqual([reset, ended], [CODE.internal, false], path);
      }
    },
  },
  {
    group,
    name: "an answer that comes before the end of the request is whole, and the rest is not wanted",
    async run(context) {
      const served = await context.serve(() => errorResponse("bad_request", 400));
      const client = await http2Connect(served.port);
      await client.headers(1, upload(), false);
      const { status, ended } = await client.message(1);
      assert.deepEqual([status, ended], [400, true]);
      const { payload } = await client.find(({ type }) => type === FRAME.reset);
      assert.equal(payload.readUInt32BE(0), CODE.none);
      // What was on its way is passed over, and the connection goes on.
      await client.data(1, "rest");
      await client.headers(3, request());
      assert.equal((await client.message(3)).status, 400);
    },
  },
  {
    group,
    name: "100-continue is answered when somebody begins to read",
    async run(context) {
      const served = await context.serve(echo);
      const client = await http2Connect(served.port);
      await client.headers(1, upload("expect", "100-continue"), false);
      assert.deepEqual((await client.head(1)).fields, [":status", "100"]);
      await client.data(1, "x", true);
      assert.equal((await client.message(1)).body, "x");
    },
  },
  {
    group,
    name: "trailers of a request end it, and go no further",
    async run(context) {
      const served = await context.serve(echo);
      const client = await http2Connect(served.port);
      await client.headers(1, upload(), false);
      await client.data(1, "x");
      await client.headers(1, ["x-sum", "1"]);
      assert.equal((await client.message(1)).body, "x");
    },
  },
  {
    group,
    name: "the preface in pieces, and HTTP/1.1 on the same port",
    async run(context) {
      const served = await context.serve();
      for (const at of [1, 3, 14, 18, 23]) {
        const connection = await rawConnect(served.port);
        await connection.write(PREFACE.slice(0, at));
        await new Promise((resolve) => setTimeout(resolve, 5));
        await connection.write(PREFACE.slice(at));
        const client = new RawHttp2(connection);
        await client.settings();
        await client.headers(1, request());
        assert.equal((await client.message(1)).body, "ok", `cut at ${at}`);
        connection.destroy();
      }
      assert.equal(statusOf(await served.ask(get())), 200);
    },
  },
  {
    group,
    name: "a header block in many frames, and with the client's own table",
    async run(context) {
      const served = await context.serve();
      const client = await http2Connect(served.port);
      await client.settings(SETTING.tableSize, 0);
      const block = client.block(request("/", "x-long", "v".repeat(4000)));
      await client.frame(FRAME.headers, 1, 1, block.subarray(0, 10));
      await client.frame(FRAME.continuation, 0, 1, block.subarray(10, 500));
      await client.frame(FRAME.continuation, 4, 1, block.subarray(500));
      assert.equal((await client.message(1)).body, "ok");
      assert.equal(served.seen[0]!.inbound.headers.at(-1)!.length, 4000);
    },
  },
  {
    group,
    name: "bodies are read whole in whatever frames they come",
    async run(context) {
      const served = await context.serve(async (_, inbound) =>
        new Response(String((await bodyOf(inbound)).byteLength))
      );
      const client = await http2Connect(served.port);
      await client.headers(1, upload(), false);
      for (let i = 0; i < 100; i++) await client.data(1, "y".repeat(i));
      await client.data(1, "", true);
      assert.equal((await client.message(1)).body, "4950");
    },
  },
];

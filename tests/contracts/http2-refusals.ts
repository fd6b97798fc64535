import assert from "node:assert/strict";
import { CODE, FRAME, SETTING } from "../../src/runtimes/http2/protocol.ts";
import { frameBytes, http2Connect, number, RawHttp2, request, upload } from "../support/http2-raw.ts";
import { rawConnect } from "../support/raw.ts";
import type { Row } from "./contract.ts";
import { type Case, repeat, toRow } from "./http2-case.ts";
import type { ListenerContext } from "./listener-context.ts";

const { protocol, flowControl, streamClosed, frameSize, refused, compression, calm } = CODE;

const END = 1, ALL = 4;

/** A head that is malformed in one way, which breaks its stream and nothing else. */
const malformed = (name: string, fields: readonly string[]): Case => ({
  name: `malformed: ${name}`,
  send: (client) => client.headers(1, fields),
  comes: { reset: protocol },
});

/** Rows of RFC 9113 and of what was found to bring servers down. */
const refusals: readonly Case[] = [
  { name: "a frame over 16,384 bytes", send: (c) => c.data(1, "x".repeat(16_385)), comes: { goAway: frameSize } },
  { name: "DATA on stream 0", send: (c) => c.data(0, "x"), comes: { goAway: protocol } },
  { name: "HEADERS on stream 0", send: (c) => c.headers(0, request()), comes: { goAway: protocol } },
  { name: "DATA on a stream that was not opened", send: (c) => c.data(1, "x"), comes: { goAway: protocol } },
  { name: "a stream with an even number", send: (c) => c.headers(2, request()), comes: { goAway: protocol } },
  {
    name: "a stream with a number below the last one",
    async send(c) {
      await c.headers(5, request());
      await c.message(5);
      await c.headers(1, request());
    },
    comes: { reset: streamClosed },
    seen: 1,
  },
  {
    name: "DATA after the end of the request",
    async send(c) {
      await c.headers(1, upload("x-wait", "1"));
      await c.data(1, "x");
    },
    comes: { reset: streamClosed },
    seen: 1,
  },
  {
    name: "HEADERS after the end of the request",
    async send(c) {
      await c.headers(1, upload("x-wait", "1"));
      await c.headers(1, ["x-a", "1"]);
    },
    comes: { reset: streamClosed },
    seen: 1,
  },
  {
    name: "DATA on a stream that is closed",
    async send(c) {
      await c.headers(1, request());
      await c.message(1);
      await c.data(1, "x");
    },
    comes: { reset: streamClosed },
    seen: 1,
  },
  { name: "CONTINUATION of nothing", send: (c) => c.frame(FRAME.continuation, ALL, 1), comes: { goAway: protocol } },
  {
    name: "another frame within a header block",
    async send(c) {
      await c.frame(FRAME.headers, END, 1, c.block(request()));
      await c.frame(FRAME.ping, 0, 0, "12345678");
    },
    comes: { goAway: protocol },
  },
  {
    name: "CONTINUATION of another stream",
    async send(c) {
      await c.frame(FRAME.headers, END, 1, c.block(request()));
      await c.frame(FRAME.continuation, ALL, 3);
    },
    comes: { goAway: protocol },
  },
  {
    name: "a flood of CONTINUATION",
    async send(c) {
      await c.frame(FRAME.headers, END, 1, c.block(request()));
      await repeat(100, () => c.frame(FRAME.continuation, 0, 1));
    },
    comes: { goAway: calm },
  },
  {
    name: "a header block larger than what is taken",
    async send(c) {
      await c.frame(FRAME.headers, END, 1, c.block(request()));
      await repeat(10, () => c.frame(FRAME.continuation, 0, 1, new Uint8Array(16_000)));
    },
    comes: { goAway: calm },
  },
  {
    name: "a header block that is none",
    send: (c) => c.frame(FRAME.headers, 5, 1, "\x80"),
    comes: { goAway: compression },
  },
  {
    name: "SETTINGS of another length",
    send: (c) => c.frame(FRAME.settings, 0, 0, "12345"),
    comes: { goAway: frameSize },
  },
  { name: "SETTINGS on a stream", send: (c) => c.frame(FRAME.settings, 0, 1), comes: { goAway: protocol } },
  {
    name: "SETTINGS that acknowledge and set",
    send: (c) => c.frame(FRAME.settings, 1, 0, "123456"),
    comes: { goAway: frameSize },
  },
  { name: "ENABLE_PUSH of 2", send: (c) => c.settings(SETTING.push, 2), comes: { goAway: protocol } },
  {
    name: "a window over 2^31 - 1 in SETTINGS",
    send: (c) => c.settings(SETTING.window, 2 ** 31),
    comes: { goAway: flowControl },
  },
  {
    name: "MAX_FRAME_SIZE that is too small",
    send: (c) => c.settings(SETTING.maxFrame, 16_383),
    comes: { goAway: protocol },
  },
  {
    name: "MAX_FRAME_SIZE that is too large",
    send: (c) => c.settings(SETTING.maxFrame, 2 ** 24),
    comes: { goAway: protocol },
  },
  { name: "PING of another length", send: (c) => c.frame(FRAME.ping, 0, 0, "1234567"), comes: { goAway: frameSize } },
  { name: "PING on a stream", send: (c) => c.frame(FRAME.ping, 0, 1, "12345678"), comes: { goAway: protocol } },
  {
    name: "WINDOW_UPDATE of another length",
    send: (c) => c.frame(FRAME.window, 0, 0, "123"),
    comes: { goAway: frameSize },
  },
  { name: "WINDOW_UPDATE of 0", send: (c) => c.window(0, 0), comes: { goAway: protocol } },
  {
    name: "the connection's window over 2^31 - 1",
    send: (c) => c.window(0, 2 ** 31 - 1),
    comes: { goAway: flowControl },
  },
  { name: "WINDOW_UPDATE of a stream that was not opened", send: (c) => c.window(1, 1), comes: { goAway: protocol } },
  {
    name: "WINDOW_UPDATE of 0 on a stream",
    async send(c) {
      await c.headers(1, upload("x-wait", "1"), false);
      await c.window(1, 0);
    },
    comes: { reset: protocol },
    seen: 1,
  },
  {
    name: "a stream's window over 2^31 - 1",
    async send(c) {
      await c.headers(1, upload("x-wait", "1"), false);
      await c.window(1, 2 ** 31 - 1);
    },
    comes: { reset: flowControl },
    seen: 1,
  },
  {
    name: "more padding than there is a frame",
    async send(c) {
      await c.headers(1, upload("x-wait", "1"), false);
      await c.frame(FRAME.data, 8, 1, "\x05abc");
    },
    comes: { goAway: protocol },
    seen: 1,
  },
  { name: "RST_STREAM of a stream that was not opened", send: (c) => c.reset(1, 8), comes: { goAway: protocol } },
  {
    name: "RST_STREAM of another length",
    send: (c) => c.frame(FRAME.reset, 0, 1, "123"),
    comes: { goAway: frameSize },
  },
  { name: "PRIORITY on stream 0", send: (c) => c.frame(FRAME.priority, 0, 0, "12345"), comes: { goAway: protocol } },
  {
    name: "PRIORITY of another length",
    send: (c) => c.frame(FRAME.priority, 0, 1, "1234"),
    comes: { reset: frameSize },
  },
  {
    name: "a stream that depends on itself",
    send: (c) => c.frame(FRAME.priority, 0, 1, new Uint8Array([0, 0, 0, 1, 0])),
    comes: { reset: protocol },
  },
  { name: "PUSH_PROMISE", send: (c) => c.frame(FRAME.push, ALL, 1, number(2)), comes: { goAway: protocol } },
  malformed("a name in upper case", request("/", "X-A", "1")),
  malformed("an unknown pseudo field", [":what", "1", ...request()]),
  malformed("a pseudo field twice", [":method", "GET", ...request()]),
  malformed("a pseudo field after another field", [...request().slice(0, 4), "x-a", "1", ...request().slice(4)]),
  malformed("no method", request().slice(2)),
  malformed("no scheme", [":method", "GET", ":path", "/", ":authority", "gate.test"]),
  malformed("no path", [":method", "GET", ":scheme", "http", ":authority", "gate.test"]),
  malformed("an empty path", request("")),
  malformed("a status", [":status", "200", ...request()]),
  malformed("connection", request("/", "connection", "close")),
  malformed("transfer-encoding", request("/", "transfer-encoding", "chunked")),
  malformed("upgrade", request("/", "upgrade", "websocket")),
  malformed("te of another thing", request("/", "te", "gzip")),
  malformed("host that is not the authority", request("/", "host", "other.test")),
  malformed("a length without a body", upload("content-length", "3")),
  {
    name: "a body longer than its length",
    async send(c) {
      await c.headers(1, upload("x-wait", "1", "content-length", "3"), false);
      await c.data(1, "four");
    },
    comes: { reset: protocol },
    seen: 1,
  },
  {
    name: "a body shorter than its length",
    async send(c) {
      await c.headers(1, upload("x-wait", "1", "content-length", "3"), false);
      await c.data(1, "12", true);
    },
    comes: { reset: protocol },
    seen: 1,
  },
  {
    name: "trailers with pseudo fields",
    async send(c) {
      await c.headers(1, upload("x-wait", "1"), false);
      await c.headers(1, [":path", "/other"]);
    },
    comes: { reset: protocol },
    seen: 1,
  },
  {
    name: "trailers that do not end the request",
    async send(c) {
      await c.headers(1, upload("x-wait", "1"), false);
      await c.headers(1, ["x-a", "1"], false);
    },
    comes: { reset: protocol },
    seen: 1,
  },
  ...["\r\nx-b: 2", "a\nb", "a\0b"].map((value): Case => ({
    name: `a value with ${JSON.stringify(value)} in it`,
    send: (c) => c.headers(1, request("/", "x-a", value)),
    comes: { status: 400 },
  })),
  {
    name: "two lengths",
    send: (c) => c.headers(1, upload("content-length", "0", "content-length", "0")),
    comes: { status: 400 },
  },
  {
    name: "a length that is no number",
    send: (c) => c.headers(1, upload("content-length", "-1")),
    comes: { status: 400 },
  },
  { name: "no authority", send: (c) => c.headers(1, request().slice(0, 6)), comes: { status: 400 } },
  {
    name: "an authority that is none",
    send: (c) => c.headers(1, [...request().slice(0, 7), "a b"]),
    comes: { status: 400 },
  },
  { name: "a path that is none", send: (c) => c.headers(1, request("x")), comes: { status: 400 } },
  { name: "a fragment", send: (c) => c.headers(1, request("/#a")), comes: { status: 400 } },
  {
    name: "an unknown method",
    send: (c) => c.headers(1, [":method", "FOO", ...request().slice(2)]),
    comes: { status: 501 },
  },
  { name: "CONNECT", send: (c) => c.headers(1, [":method", "CONNECT", ...request().slice(2)]), comes: { status: 405 } },
  {
    name: "more fields than are allowed",
    send: (c) => c.headers(1, request("/", ...Array.from({ length: 202 }, (_, i) => i % 2 === 0 ? `x-${i}` : "1"))),
    comes: { status: 431 },
  },
  {
    name: "fields that are too large",
    send: (c) => c.headers(1, request("/", "x-a", "a".repeat(17_000))),
    comes: { status: 431 },
  },
  {
    // An entry of the table once, and then by its index: 3 kB that stand for a megabyte.
    name: "a short block of large fields",
    async send(c) {
      const block = c.block(request("/", "x-a", "a".repeat(1500)));
      await c.frame(FRAME.headers, ALL | END, 1, new Uint8Array([...block, ...new Uint8Array(700).fill(0xbe)]));
    },
    comes: { status: 431 },
  },
  {
    name: "rapid reset (CVE-2023-44487)",
    async send(c) {
      for (let id = 1; id < 2000; id += 2) {
        await c.headers(id, request("/", "x-wait", "1"));
        await c.reset(id, 8);
      }
    },
    comes: { goAway: calm },
    seen: 400,
  },
  { name: "a flood of SETTINGS", send: (c) => repeat(400, () => c.settings()), comes: { goAway: calm } },
  {
    name: "a flood of PING",
    send: (c) => repeat(400, () => c.frame(FRAME.ping, 0, 0, "12345678")),
    comes: { goAway: calm },
  },
  {
    name: "a flood of empty DATA",
    async send(c) {
      await c.headers(1, upload("x-wait", "1"), false);
      await repeat(400, () => c.data(1, ""));
    },
    comes: { goAway: calm },
    seen: 1,
  },
  {
    name: "a flood of PRIORITY",
    send: (c) => repeat(400, () => c.frame(FRAME.priority, 0, 3, number(0))),
    comes: { goAway: calm },
  },
];

const group = "what is refused";

/** Each refusal, and what the listener does with it. */
export const http2RefusalRows: readonly Row<ListenerContext>[] = [
  ...refusals.map((refusal) => toRow(group, refusal)),
  {
    group,
    name: "another preface",
    async run(context) {
      const served = await context.serve();
      for (const preface of ["PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n" + "\0".repeat(20)]) {
        const client = new RawHttp2(await rawConnect(served.port));
        await client.connection.write(preface);
        assert.equal(await client.goAway(), protocol);
        await client.connection.ended(5_000);
      }
    },
  },
  {
    group,
    name: "another frame before the first SETTINGS",
    async run(context) {
      const served = await context.serve();
      const client = new RawHttp2(await rawConnect(served.port));
      await client.connection.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      await client.connection.write(frameBytes(FRAME.ping, 0, 0, "12345678"));
      assert.equal(await client.goAway(), protocol);
    },
  },
  {
    group,
    name: "more than 128 requests at once are refused, and the others go on",
    async run(context) {
      let answer: () => void = () => {};
      const wait = new Promise<void>((resolve) => answer = resolve);
      const served = await context.serve(() => wait.then(() => new Response("ok")));
      const client = await http2Connect(served.port);
      for (let id = 1; id <= 2 * 130; id += 2) await client.headers(id, request());
      for (const id of [257, 259]) assert.equal((await client.message(id)).reset, refused);
      answer();
      for (let id = 1; id < 257; id += 2) assert.equal((await client.message(id)).body, "ok");
      assert.equal(served.seen.length, 128);
    },
  },
  {
    group,
    name: "frames that nobody knows are passed over",
    async run(context) {
      const served = await context.serve();
      const client = await http2Connect(served.port);
      await client.frame(99, 255, 7, "what");
      await client.frame(10, 0, 0, "altsvc");
      await client.headers(1, request());
      assert.equal((await client.message(1)).body, "ok");
    },
  },
];

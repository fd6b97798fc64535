/**
 * What an adversary sends to HTTP/2 of the listener http1, beside the rows of `http2-refusals.ts`: where a rule has more than one edge, what keeps the two
 * sides' tables the same, and what costs the listener more than the client. Numbers are those of RFC 9113, not the listener's own.
 */
// waits
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { frameBytes, http2Connect, number, RawHttp2, request, upload } from "../support/http2-raw.ts";
import { rawConnect } from "../support/raw.ts";
import { until } from "../support/until.ts";
import { type Row, runContract } from "./contract.ts";
import { type Case, type Outcome, repeat, serve, toRow } from "./http2-case.ts";
import { ListenerContext } from "./listener-context.ts";
import { thisRuntime } from "./runtime.ts";

const DATA = 0, HEADERS = 1, PRIORITY = 2, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8;
const CONTINUATION = 9;
const END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, WITH_PRIORITY = 0x20;
const PROTOCOL_ERROR = 1, FLOW_CONTROL_ERROR = 3, STREAM_CLOSED = 5, FRAME_SIZE_ERROR = 6, COMPRESSION_ERROR = 9;
const ENHANCE_YOUR_CALM = 11;
const HEADER_TABLE_SIZE = 1, INITIAL_WINDOW_SIZE = 4, UNKNOWN_SETTING = 0x99;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const OPEN = upload("x-wait", "1");

/** Opens stream 1, which nobody answers and whose request does not end. */
const open = (client: RawHttp2, ...more: string[]): Promise<void> => client.headers(1, [...OPEN, ...more], false);

const bytes = (...parts: (Uint8Array | string)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => typeof part === "string" ? Buffer.from(part, "latin1") : part));

const frames: readonly Case[] = [
  {
    name: "HEADERS over 16,384 bytes",
    send: (c) => c.frame(HEADERS, END_STREAM | END_HEADERS, 1, new Uint8Array(16_385)),
    comes: { goAway: FRAME_SIZE_ERROR },
  },
  {
    name: "an unknown frame over 16,384 bytes",
    send: (c) => c.frame(0xee, 0, 0, new Uint8Array(16_385)),
    comes: { goAway: FRAME_SIZE_ERROR },
  },
  { name: "RST_STREAM on stream 0", send: (c) => c.reset(0, 8), comes: { goAway: PROTOCOL_ERROR } },
  { name: "CONTINUATION on stream 0", send: (c) => c.frame(CONTINUATION, 4, 0), comes: { goAway: PROTOCOL_ERROR } },
  {
    name: "CONTINUATION after the block's end",
    async send(c) {
      await open(c);
      await c.frame(CONTINUATION, END_HEADERS, 1, c.block(["x-a", "1"]));
    },
    comes: { goAway: PROTOCOL_ERROR },
    seen: 1,
  },
  {
    name: "an unknown frame within a header block",
    async send(c) {
      await c.frame(HEADERS, END_STREAM, 1, c.block(request()));
      await c.frame(0xee, 0, 1, "what");
    },
    comes: { goAway: PROTOCOL_ERROR },
  },
  {
    name: "HEADERS of another stream within a header block",
    async send(c) {
      await c.frame(HEADERS, END_STREAM, 1, c.block(request()));
      await c.headers(3, request());
    },
    comes: { goAway: PROTOCOL_ERROR },
  },
  {
    name: "HEADERS with more padding than there is a frame",
    send: (c) => c.frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, bytes("\x7f", c.block(request()))),
    comes: { goAway: PROTOCOL_ERROR },
  },
  {
    name: "padding that is exactly one byte too long",
    async send(c) {
      await open(c);
      await c.frame(DATA, PADDED, 1, "\x04abc");
    },
    comes: { goAway: PROTOCOL_ERROR },
    seen: 1,
  },
  {
    name: "a padded frame of no bytes",
    async send(c) {
      await open(c);
      await c.frame(DATA, PADDED, 1);
    },
    comes: { goAway: PROTOCOL_ERROR },
    seen: 1,
  },
  {
    name: "HEADERS too short for their priority",
    send: (c) => c.frame(HEADERS, END_STREAM | END_HEADERS | WITH_PRIORITY, 1, "\0\0\0"),
    comes: { goAway: FRAME_SIZE_ERROR },
  },
  { name: "GOAWAY on a stream", send: (c) => c.frame(GOAWAY, 0, 1, "12345678"), comes: { goAway: PROTOCOL_ERROR } },
  {
    name: "GOAWAY of another length",
    send: (c) => c.frame(GOAWAY, 0, 0, "1234567"),
    comes: { goAway: FRAME_SIZE_ERROR },
  },
  {
    name: "WINDOW_UPDATE of another length on a stream",
    async send(c) {
      await open(c);
      await c.frame(WINDOW_UPDATE, 0, 1, "12345");
    },
    comes: { goAway: FRAME_SIZE_ERROR },
    seen: 1,
  },
  {
    name: "a setting that takes an open stream's window over 2^31 - 1",
    async send(c) {
      await open(c);
      await c.window(1, 2 ** 31 - 1 - 65_535);
      await c.settings(INITIAL_WINDOW_SIZE, 65_536);
    },
    comes: { goAway: FLOW_CONTROL_ERROR },
    seen: 1,
  },
  {
    name: "a good setting before a bad one",
    send: (c) => c.settings(INITIAL_WINDOW_SIZE, 1000, INITIAL_WINDOW_SIZE, 2 ** 31),
    comes: { goAway: FLOW_CONTROL_ERROR },
  },
  {
    name: "a stream with a number below the last one that was never used",
    async send(c) {
      await c.headers(5, OPEN, false);
      await c.headers(1, request());
    },
    comes: { reset: STREAM_CLOSED },
    seen: 1,
  },
  {
    name: "DATA on a stream that the client has reset",
    async send(c) {
      await open(c);
      await c.reset(1, 8);
      await c.data(1, "x");
    },
    comes: { reset: STREAM_CLOSED },
    seen: 1,
  },
  {
    name: "HEADERS on a stream that the client has reset",
    async send(c) {
      await open(c);
      await c.reset(1, 8);
      await c.headers(1, ["x-a", "1"]);
    },
    comes: { reset: STREAM_CLOSED },
    seen: 1,
  },
];

const broken: Readonly<Record<string, string>> = {
  "an index beyond the tables": "\xff\x7f",
  "a size that is larger than was announced": "\x3f\xe2\x1f\x82",
  "a size that is not at the beginning": "\x82\x20",
  "an integer without an end": "\xff\x80\x80\x80\x80\x80\x80\x80\x80",
  "a string longer than the block": "\x00\x01a\x7f\xff\x01b",
  "the end's code in a string": "\x00\x01a\x84\xff\xff\xff\xff",
  "padding of zeroes in a string": "\x00\x01a\x81\x18",
};

const blocks: readonly Case[] = Object.entries(broken).map(([name, block]): Case => ({
  name: `a header block with ${name}`,
  send: (c) => c.frame(HEADERS, END_STREAM | END_HEADERS, 1, block),
  comes: { goAway: COMPRESSION_ERROR },
}));

const head = (name: string, fields: readonly string[], comes: Outcome = { reset: PROTOCOL_ERROR }): Case => ({
  name,
  send: (c) => c.headers(1, fields),
  comes,
});

const BAD: Outcome = { status: 400 };

const heads: readonly Case[] = [
  head("no fields at all", []),
  head("an empty name", request("/", "", "1")),
  head("a pseudo field without a name", [":", "1", ...request()]),
  head("a pseudo field in upper case", [":Method", "GET", ...request().slice(2)]),
  ...[" ", ":", "\t", "\n", "\0", "\x7f", "\xe9", "(", ","].map((character) =>
    head(`a name with ${JSON.stringify(character)} in it`, request("/", `x${character}a`, "1"))
  ),
  ...["keep-alive", "proxy-connection"].map((name) => head(name, request("/", name, "1"))),
  head("te of trailers and another thing", request("/", "te", "trailers, gzip")),
  head("two paths", [...request(), ":path", "/other"]),
  head("two authorities", [...request(), ":authority", "other.test"]),
  head("two hosts", request("/", "host", "gate.test", "host", "gate.test")),
  head("an authority with a user", [...request().slice(0, 7), "me@gate.test"], BAD),
  head("an authority with a path", [...request().slice(0, 7), "gate.test/other"], BAD),
  head("an empty authority", [...request().slice(0, 7), ""], BAD),
  ...["\r", "\n", "\0", " ", "\t", "\x7f", "\xe9"].map((character) =>
    head(`a path with ${JSON.stringify(character)} in it`, request(`/a${character}b`), BAD)
  ),
  head("a path of another authority", request("http://other.test/"), BAD),
  head("an asterisk that is not for OPTIONS", request("*"), BAD),
  ...["\r", "\n", "\0"].map((character) =>
    head(`a cookie with ${JSON.stringify(character)} in it`, request("/", "cookie", `a${character}b`), BAD)
  ),
  head("a method with a blank", [":method", "GET /other", ...request().slice(2)], { status: 501 }),
  head("a method with a line break", [":method", "GET\r\n", ...request().slice(2)], { status: 501 }),
  ...["3, 3", "+3", "0x3", "3 ", "", "9".repeat(30)].map((length) =>
    head(`a length of ${JSON.stringify(length)}`, upload("content-length", length), BAD)
  ),
];

const badTrailers: Readonly<Record<string, string>> = {
  "X-A": "1",
  "connection": "close",
  "transfer-encoding": "chunked",
  ":status": "200",
};

const bodies: readonly Case[] = [
  {
    name: "a body where the length is 0",
    async send(c) {
      await open(c, "content-length", "0");
      await c.data(1, "x");
    },
    comes: { reset: PROTOCOL_ERROR },
    seen: 1,
  },
  {
    name: "a body shorter than its length, ended by trailers",
    async send(c) {
      await open(c, "content-length", "3");
      await c.data(1, "12");
      await c.headers(1, ["x-a", "1"]);
    },
    comes: { reset: PROTOCOL_ERROR },
    seen: 1,
  },
  {
    name: "a body whose padding makes up for its length",
    async send(c) {
      await open(c, "content-length", "3");
      await c.frame(DATA, PADDED | END_STREAM, 1, "\x0112\0");
    },
    comes: { reset: PROTOCOL_ERROR },
    seen: 1,
  },
  ...Object.entries(badTrailers).map((field): Case => ({
    name: `trailers with ${field[0]}`,
    async send(c) {
      await open(c);
      await c.headers(1, field);
    },
    comes: { reset: PROTOCOL_ERROR },
    seen: 1,
  })),
  {
    name: "trailers after trailers",
    async send(c) {
      await open(c);
      await c.headers(1, ["x-a", "1"]);
      await c.headers(1, ["x-a", "1"]);
    },
    comes: { reset: STREAM_CLOSED },
    seen: 1,
  },
];

const harmless: Readonly<Record<string, (c: RawHttp2) => Promise<unknown>>> = {
  "a setting that nobody knows": (c) => c.settings(UNKNOWN_SETTING, 2 ** 32 - 1),
  "SETTINGS of nothing": (c) => c.settings(),
  "an acknowledgement that nobody waits for": (c) => c.frame(SETTINGS, ACK, 0),
  "the answer to a PING that was never sent": (c) => c.frame(PING, ACK, 0, "12345678"),
  "PRIORITY of a stream to come": (c) => c.frame(PRIORITY, 0, 7, "\0\0\0\0\x10"),
  "a PING with flags that mean nothing": (c) => c.frame(PING, 0xfe, 0, "12345678"),
  "a window of 2^31 - 1 exactly": (c) => c.window(0, 2 ** 31 - 1 - 65_535),
  "the reserved bit of a window": (c) => c.frame(WINDOW_UPDATE, 0, 0, number(2 ** 31 + 1)),
  "the reserved bit of a stream": (c) => c.frame(PING, 0, 2 ** 31, "12345678"),
  "a table of no size, and one of any": (c) => c.settings(HEADER_TABLE_SIZE, 0, HEADER_TABLE_SIZE, 2 ** 32 - 1),
};

/** What looks wrong and is not: the request after it is answered. */
const good: readonly Case[] = Object.entries(harmless).map(([name, send]): Case => ({
  name: `${name} is no mistake`,
  async send(c) {
    await send(c);
    await c.headers(1, request());
  },
  comes: { status: 200 },
}));

/** Makes the listener reset a stream whose request the handler works on; each announces a body of one byte. */
const provocations: Readonly<Record<string, (c: RawHttp2, id: number) => Promise<unknown>>> = {
  "more DATA than announced": (c, id) => c.data(id, "more"),
  "less DATA than announced": (c, id) => c.data(id, "", true),
  "trailers that are none": (c, id) => c.headers(id, [":path", "/"]),
  "trailers that do not end it": (c, id) => c.headers(id, ["x-a", "1"], false),
  "windows of 0": (c, id) => c.window(id, 0),
  "windows that overflow": (c, id) => c.window(id, 2 ** 31 - 1),
  "priorities of their own": (c, id) => c.frame(PRIORITY, 0, id, bytes(number(id), "\0")),
};

const floods: readonly Case[] = [
  // CVE-2025-8671: the resets are the listener's own, so that counting the client's is no help.
  ...Object.entries(provocations).map(([name, provoke]): Case => ({
    name: `a flood of requests with ${name}`,
    send: (c) =>
      repeat(1000, async (i) => {
        const id = 2 * i + 1;
        await c.headers(id, [...OPEN, "content-length", "1"], false);
        await provoke(c, id);
      }),
    comes: { goAway: ENHANCE_YOUR_CALM },
    seen: 400,
  })),
  {
    name: "a flood of malformed requests",
    send: (c) => repeat(1000, (i) => c.frame(HEADERS, END_STREAM | END_HEADERS, 2 * i + 1)),
    comes: { goAway: ENHANCE_YOUR_CALM },
  },
  {
    name: "a flood of HEADERS on a closed stream",
    async send(c) {
      await c.headers(1, request());
      await c.message(1);
      await repeat(400, () => c.headers(1, request()));
    },
    comes: { goAway: ENHANCE_YOUR_CALM },
    seen: 1,
  },
  {
    name: "a flood of requests beyond the most at once",
    send: (c) => repeat(1000, (i) => c.headers(2 * i + 1, OPEN, false)),
    comes: { goAway: ENHANCE_YOUR_CALM },
    seen: 128,
  },
];

/** Requests and trailers that go nowhere, with fields that their blocks put into the table. */
const unwanted: Readonly<Record<string, (c: RawHttp2, fields: string[]) => Promise<unknown>>> = {
  "a malformed request": (c, fields) => c.headers(1, [...request().slice(2), ...fields]),
  "a request that is answered with 400": (c, fields) => c.headers(1, request("x", ...fields)),
  "a request that is too large": async (c, fields) => {
    const large = ["x-a", "a".repeat(15_000), "cookie", "b".repeat(10_000)];
    const block = c.block(request("/", ...large, ...fields));
    await c.frame(HEADERS, END_STREAM, 1, block.subarray(0, 10_000));
    await c.frame(CONTINUATION, END_HEADERS, 1, block.subarray(10_000));
  },
  "trailers that are dropped": async (c, fields) => {
    await open(c);
    await c.headers(1, fields);
  },
  "trailers that are refused": async (c, fields) => {
    await open(c);
    await c.headers(1, [":path", "/", ...fields]);
  },
  "a request on a closed stream": async (c, fields) => {
    await c.headers(5, request());
    await c.message(5);
    await c.headers(1, request("/", ...fields));
  },
  "a request beyond the most at once": async (c, fields) => {
    for (let id = 1; id <= 257; id += 2) await c.headers(id, [...OPEN, ...(id === 257 ? fields : [])]);
    await c.message(257);
    await c.reset(1, 8);
  },
};

const tables: readonly Row<ListenerContext>[] = Object.entries(unwanted).map(([name, send]) => ({
  group: "the table",
  name: `${name}: what it puts into the table is there for the next request`,
  async run(context) {
    const served = await serve(context);
    const client = await http2Connect(served.port);
    const fields = ["x-kept", "in the table only"];
    await send(client, fields);
    const block = client.block(request("/next", ...fields));
    assert.ok(!Buffer.from(block).includes("x-kept") && block.byteLength < 16, "the field is an index");
    await client.frame(HEADERS, END_STREAM | END_HEADERS, 501, block);
    assert.equal((await client.message(501)).body, "ok");
    assert.deepEqual(served.seen.at(-1)?.inbound.headers.slice(-2), fields);
    client.connection.destroy();
  },
}));

const group = "pieces, and what is not read";

/** Requests whose answers are heads alone, which no window holds back (CVE-2019-9517 and its kin). */
const others: readonly Row<ListenerContext>[] = [
  {
    group,
    name: "whatever pieces it comes in, a connection is the same",
    async run(context) {
      const served = await serve(context);
      const client = new RawHttp2(await rawConnect(served.port));
      const block = client.block(request("/", "x-a", "1"));
      const first = bytes("\x02\0\0\0\0\x10", block.subarray(0, 1), "\0\0");
      const all = bytes(
        PREFACE,
        frameBytes(SETTINGS, 0, 0),
        frameBytes(HEADERS, END_STREAM | PADDED | WITH_PRIORITY, 1, first),
        frameBytes(CONTINUATION, 0, 1),
        frameBytes(CONTINUATION, END_HEADERS, 1, block.subarray(1)),
      );
      for (const byte of all) await client.connection.write(Uint8Array.of(byte));
      assert.equal((await client.message(1)).body, "ok");
      assert.deepEqual(served.seen[0]?.inbound.headers.slice(-2), ["x-a", "1"]);
      client.connection.destroy();
    },
  },
  {
    group,
    name: "a PING is answered with its own bytes",
    async run(context) {
      const client = await http2Connect((await serve(context)).port);
      await client.frame(PING, 0, 0, "\x00\xff\x80abcd\n");
      const { payload } = await client.find(({ type, flags }) => type === PING && flags === ACK);
      assert.equal(payload.toString("latin1"), "\x00\xff\x80abcd\n");
      client.connection.destroy();
    },
  },
  {
    group,
    name: "a header block that never ends is no request, and ends with its connection in time",
    slow: true,
    async run(context) {
      const served = await context.serve(undefined, { headerTimeout: 300 });
      const client = await http2Connect(served.port);
      await client.frame(HEADERS, END_STREAM, 1, client.block(request()));
      await client.connection.ended(3_000);
      assert.equal(served.seen.length, 0);
      client.connection.destroy();
    },
  },
  {
    group,
    name: "a client that reads nothing is asked for no more, and gets all of it once it reads",
    async run(context) {
      // More than half of the table: it is sent in full each time.
      const long = "a".repeat(3_000);
      const served = await context.serve(() => new Response(null, { headers: { "x-long": long } }));
      const client = await http2Connect(served.port);
      const { connection } = client;
      const count = 20_000;
      connection.pause();
      for (let sent = 0; sent < count;) {
        const batch = Array.from(
          { length: 500 },
          () => frameBytes(HEADERS, END_STREAM | END_HEADERS, 2 * sent++ + 1, client.block(request())),
        );
        await connection.write(Buffer.concat(batch));
      }
      let seen = -1, rounds = 0;
      // As long as the listener takes some, and a little longer.
      await until(() => {
        rounds = served.seen.length === seen ? rounds + 1 : 0;
        seen = served.seen.length;
        return rounds > 20;
      }, { what: "it stops", every: 10 });
      assert.ok(seen > 0 && seen < count, `the handler saw ${seen} requests`);
      connection.resume();
      await until(() => served.seen.length === count, { what: "it goes on" });
      connection.destroy();
    },
  },
];

const rows: readonly Row<ListenerContext>[] = [
  ...frames.map((row) => toRow("frames", row)),
  ...blocks.map((row) => toRow("header blocks", row)),
  ...heads.map((row) => toRow("heads", row)),
  ...bodies.map((row) => toRow("bodies", row)),
  ...good.map((row) => toRow("what is no mistake", row)),
  ...tables,
  ...floods.map((row) => toRow("floods", row)),
  ...others,
];

runContract(
  "malformed HTTP/2",
  "http1",
  rows,
  [],
  async () => new ListenerContext((await thisRuntime()).listeners.http1),
  (context) => context.end(),
);

import assert from "node:assert/strict";
import type { TransportErrorCode } from "../../src/forward/transport.ts";
import { CODE, FLAG, FRAME } from "../../src/runtimes/http2/protocol.ts";
import type { RawHttp2 } from "../support/http2-raw.ts";
import { latin1 } from "../support/raw.ts";
import { until } from "../support/until.ts";
import type { Row } from "./contract.ts";
import { ask, scripted } from "./http2-node.ts";
import { bytesOf, parts, type TransportContext } from "./transport-context.ts";

const group = "requests and answers";
const OK: readonly string[] = [":status", "200"];

/** What a node does with the first request, and what the transport fails with. */
interface Broken {
  readonly name: string;
  readonly script: (node: RawHttp2) => Promise<unknown>;
  readonly code: TransportErrorCode;
  /** Whether the answer's head came well. */
  readonly within?: true;
  readonly sent?: false;
}

const malformed = (name: string, fields: readonly string[]): Broken => ({
  name: `a head with ${name}`,
  script: (node) => node.headers(1, fields),
  code: "bad_answer",
});

const broken: readonly Broken[] = [
  malformed("no status", ["x-a", "1"]),
  malformed("a status that is none", [":status", "20"]),
  malformed("a status over 599", [":status", "600"]),
  malformed("101", [":status", "101"]),
  malformed("a name in upper case", [...OK, "X-A", "1"]),
  malformed("connection", [...OK, "connection", "close"]),
  malformed("a pseudo field of requests", [...OK, ":path", "/"]),
  malformed("two lengths", [...OK, "content-length", "1", "content-length", "1"]),
  malformed("a line break in a value", [...OK, "x-a", "1\r\nx-b: 2"]),
  malformed("an interim status, and no more", [":status", "103"]),
  { name: "a body without a head", script: (node) => node.data(1, "x"), code: "bad_answer" },
  { name: "a reset before the head", script: (node) => node.reset(1, CODE.internal), code: "reset" },
  { name: "a stream that is refused", script: (node) => node.reset(1, CODE.refused), code: "reset", sent: false },
  {
    name: "GOAWAY below the stream",
    script: (node) => node.frame(FRAME.goAway, 0, 0, new Uint8Array(8)),
    code: "reset",
    sent: false,
  },
  {
    name: "a connection that breaks before the head",
    script: (node) => Promise.resolve(node.connection.destroy()),
    code: "reset",
  },
  { name: "frames that are none", script: (node) => node.frame(FRAME.ping, 0, 0, "short"), code: "reset" },
  { name: "PUSH_PROMISE", script: (node) => node.frame(FRAME.push, FLAG.endHeaders, 1, "\0\0\0\x02"), code: "reset" },
  { name: "a stream that the node opens", script: (node) => node.headers(2, OK), code: "reset" },
  ...([
    ["a reset within the body", (node) => node.reset(1, CODE.internal)],
    ["a connection that breaks within the body", (node) => Promise.resolve(node.connection.destroy())],
    ["a body that is too short", (node) => node.data(1, "", true)],
    ["a body that is too long", (node) => node.data(1, "longer")],
    ["a reset without an error, before all has come", (node) => node.reset(1, CODE.none)],
    ["trailers with pseudo fields", (node) => node.headers(1, [":path", "/"])],
    ["a second head", (node) => node.headers(1, OK, false)],
  ] satisfies [string, Broken["script"]][]).map(([name, then]): Broken => ({
    name,
    async script(node) {
      await node.headers(1, [...OK, "content-length", "6"], false);
      await node.data(1, "part");
      await then(node);
    },
    code: "reset",
    within: true,
  })),
];

/** What goes to a node over HTTP/2, and what comes of its answer. */
export const http2AnswerRows: readonly Row<TransportContext>[] = [
  {
    group,
    name: "a request's fields: pseudo fields first, names in lower case, nothing of HTTP/1.1's connections",
    async run(context) {
      let fields: readonly string[] = [];
      const { peer } = await scripted(context, async (node) => {
        fields = (await node.head(1)).fields;
        await node.headers(1, OK);
      });
      const headers = [
        "X-Two",
        "1",
        "x-two",
        "\xe4",
        "Connection",
        "close",
        "TE",
        "gzip",
        "Cookie",
        "a=1",
        "Cookie",
        "b",
      ];
      const { status, reason, body } = await ask(context, peer, { target: "/a%2Fb//?", headers });
      assert.deepEqual([status, reason, body], [200, "", null]);
      assert.deepEqual(fields, [
        ...[":method", "GET", ":scheme", "http", ":path", "/a%2Fb//?", ":authority", `127.0.0.1:${peer.port}`],
        ...["x-two", "1", "x-two", "\xe4", "cookie", "a=1", "cookie", "b", "te", "trailers"],
      ]);
    },
  },
  {
    group,
    name: "bodies with a known length, without, and empty",
    async run(context) {
      const { peer } = await scripted(context, async (node) => {
        for (let id = 1;; id += 2) {
          const { headers, body } = await node.message(id);
          const at = headers.indexOf("content-length");
          await node.headers(id, OK, false);
          await node.data(id, `${at < 0 ? "-" : headers[at + 1]} ${body}`, true);
        }
      });
      const method = "POST";
      assert.equal((await ask(context, peer, { method, body: latin1("abc") })).text, "3 abc");
      assert.equal((await ask(context, peer, { method, body: parts("ab", "c") })).text, "- abc");
      const length = ["Content-Length", "3"];
      assert.equal((await ask(context, peer, { method, body: parts("ab", "c"), headers: length })).text, "3 abc");
      assert.equal((await ask(context, peer, { method, body: null })).text, "- ");
      assert.equal((await ask(context, peer, { method, body: parts() })).text, "- ");
    },
  },
  {
    group,
    name: "a body that is not as long as announced, or breaks, is never whole to the node",
    async run(context) {
      const resets: (number | undefined)[] = [];
      const { peer } = await scripted(context, async (node) => {
        for (let id = 1;; id += 2) resets.push((await node.message(id)).reset);
      });
      const failing = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(latin1("part"));
        },
        pull(controller) {
          controller.error(new Error("broken"));
        },
      }, { highWaterMark: 0 });
      const headers = ["Content-Length", "3"];
      for (const body of [parts("ab"), parts("abcd"), failing]) {
        await context.fails(context.send(peer, { method: "POST", body, headers }), "client_gone", true);
      }
      // Of one that is wrong from the start nothing is sent.
      await context.fails(context.send(peer, { method: "POST", body: latin1("abcd"), headers }), "client_gone", false);
      await until(() => resets.length === 3, { what: "the node hears of them" });
      assert.deepEqual(resets, [CODE.cancel, CODE.cancel, CODE.cancel]);
    },
  },
  {
    group,
    name: "answers in one packet, in pieces, with interim ones before, and after HEAD",
    async run(context) {
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, [":status", "103", "link", "</a>"], false);
        await node.headers(1, [...OK, "content-length", "5"], false);
        await node.data(1, "hello", true);
        await node.head(3);
        await node.headers(3, OK, false);
        for (const part of ["he", "", "llo"]) await node.data(3, part);
        await node.data(3, "", true);
        await node.head(5);
        await node.headers(5, [...OK, "content-length", "5"]);
        await node.head(7);
        await node.headers(7, [":status", "304"]);
      });
      assert.equal((await ask(context, peer)).text, "hello");
      assert.equal((await ask(context, peer)).text, "hello");
      assert.equal((await ask(context, peer, { method: "HEAD" })).body, null);
      assert.equal((await ask(context, peer)).status, 304);
    },
  },
  {
    group,
    name: "trailers after a body, after none, and alone",
    async run(context) {
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, OK, false);
        await node.data(1, "x");
        await node.headers(1, ["grpc-status", "0"]);
        await node.head(3);
        await node.headers(3, OK, false);
        await node.headers(3, ["grpc-status", "1"]);
        await node.head(5);
        await node.headers(5, [...OK, "grpc-status", "2"]);
      });
      const first = await ask(context, peer);
      assert.equal(first.text, "x");
      assert.deepEqual(await first.trailers, ["grpc-status", "0"]);
      assert.deepEqual(await (await ask(context, peer)).trailers, ["grpc-status", "1"]);
      assert.deepEqual((await ask(context, peer)).headers, ["grpc-status", "2"]);
    },
  },
  {
    group,
    name: "an answer before the end of the request is whole, and the rest is given up",
    async run(context) {
      let reset: number | undefined;
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, [":status", "403"], false);
        await node.data(1, "no", true);
        reset = (await node.message(1)).reset;
        await node.head(3);
        await node.headers(3, OK);
      });
      const body = new ReadableStream<Uint8Array>();
      assert.equal((await ask(context, peer, { method: "POST", body })).text, "no");
      assert.equal((await ask(context, peer)).status, 200);
      assert.equal(reset, CODE.cancel);
    },
  },
  {
    group,
    name: "all that was announced has come, and a reset without an error: the answer is whole",
    async run(context) {
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, [...OK, "content-length", "2"], false);
        await node.data(1, "ok");
        await node.reset(1, CODE.none);
      });
      assert.equal((await ask(context, peer)).text, "ok");
    },
  },
  {
    group,
    name: "what cannot be sent as it is is unsupported, and not sent",
    async run(context) {
      const { peer, connections } = await scripted(context, (node) => node.head(1));
      for (
        const request of [
          { method: "CONNECT" },
          { method: "A B" },
          { target: "x" },
          { target: "/a b" },
          { headers: ["x-a", "1\r\n"] },
          { headers: ["x a", "1"] },
        ]
      ) {
        await context.fails(context.send(peer, request), "unsupported", false);
      }
      assert.equal(connections(), 1);
    },
  },
  ...broken.map(({ name, script, code, within, sent = true }): Row<TransportContext> => ({
    group: "answers that are none",
    name,
    async run(context) {
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await script(node);
        await node.connection.ended();
      });
      const reading = context.send(peer).then((answer) => {
        assert.equal(within, true, "the answer's head came");
        return bytesOf(answer);
      });
      await context.fails(reading, code, sent);
    },
  })),
];

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CODE, FLAG, FRAME, SETTING } from "../../src/runtimes/http2/protocol.ts";
import { frameBytes } from "../support/http2-raw.ts";
import { until } from "../support/until.ts";
import type { Row } from "./contract.ts";
import { ask, scripted } from "./http2-node.ts";
import { outbound, streamOf, type TransportContext } from "./transport-context.ts";

const group = "ends, and what must not end";
const OK: readonly string[] = [":status", "200"];
const PART = new Uint8Array(16_384);
const TIMEOUTS = { connect: 2_000, send: 5_000, read: 5_000 };
const never = (): Promise<void> => new Promise(() => {});

/** What the transport over HTTP/2 ends, and what goes on. */
export const http2EndRows: readonly Row<TransportContext>[] = [
  {
    group,
    name: "keepalive_pool: requests, of those that come at once",
    async run(context) {
      const served: number[] = [];
      const keepAlive = { size: 320, idleTimeout: 60_000, requests: 2 };
      const { peer } = await scripted(context, async (node, index) => {
        for (let id = 1;; id += 2) {
          await node.message(id);
          served[index] = (served[index] ?? 0) + 1;
          await node.headers(id, OK);
        }
      }, { keepAlive });
      await Promise.all(Array.from({ length: 6 }, () => ask(context, peer)));
      assert.deepEqual(served, [2, 2, 2]);
    },
  },
  {
    group,
    name: "a connection that no request needed after all ends when it has idled",
    async run(context) {
      let opened = 0, ended = 0;
      const keepAlive = { size: 320, idleTimeout: 50, requests: 0 };
      const { peer } = await scripted(context, async (node) => {
        opened++;
        await node.connection.ended();
        ended++;
      }, { keepAlive });
      await context.fails(context.send(peer, { target: "/a b" }), "unsupported", false);
      await until(() => opened === 1 && ended === 1, { what: "it ends" });
    },
  },
  {
    group,
    name: "close breaks requests that wait for a connection",
    async run(context) {
      // A node that says nothing to the TLS handshake.
      const origin = await context.origin(never);
      const { peer } = await scripted(context, never);
      const tls = { servername: "a", verify: false };
      const waiting = context.transport.send(outbound({ ...peer, port: origin.port, tls }, { timeouts: TIMEOUTS }));
      const failed = context.fails(waiting, "reset", false);
      await context.transport.close();
      await failed;
    },
  },
  {
    group,
    name: "close breaks requests of a connection that takes no more",
    async run(context) {
      let gone = false;
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.frame(FRAME.goAway, 0, 0, new Uint8Array([0, 0, 0, 1, 0, 0, 0, 0]));
        gone = true;
        await never();
      });
      const failed = context.fails(context.send(peer, { timeouts: TIMEOUTS }), "reset", true);
      await until(() => gone, { what: "the node says GOAWAY" });
      await ask(context, peer, { timeouts: { ...TIMEOUTS, read: 100 } }).catch(() => {});
      await context.transport.close();
      await failed;
    },
  },
  {
    group,
    name: "answers to 600 requests that were given up at once disturb no other",
    async run(context) {
      const count = 600;
      let answer: () => void = () => {};
      const { peer, connections } = await scripted(
        context,
        async (node) => {
          await new Promise<void>((resolve) => answer = resolve);
          const late = Array.from({ length: count }, (_, i) => {
            const block = node.block(OK);
            return frameBytes(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 3 + 2 * i, block);
          });
          await node.connection.write(Buffer.concat(late));
          await node.headers(1, OK);
          await never();
        },
        {},
        [SETTING.maxStreams, 10_000],
      );
      const living = ask(context, peer, { timeouts: TIMEOUTS });
      await until(() => connections() === 1, { what: "the connection stands" });
      // What the node allows is known once something was answered; its SETTINGS come first.
      await new Promise((resolve) => setTimeout(resolve, 50));
      const timeouts = { ...TIMEOUTS, read: 200 };
      const given = Array.from(
        { length: count },
        () => context.fails(context.send(peer, { timeouts }), "read_timeout", true),
      );
      await Promise.all(given);
      answer();
      assert.equal((await living).status, 200);
      assert.equal(connections(), 1);
    },
  },
  {
    group,
    name: "a message that the node has accepted does not count as one that it does not accept",
    slow: true,
    async run(context) {
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, OK, false);
        await node.data(1, "first");
        await node.find(({ type }) => type === FRAME.data);
        await new Promise((resolve) => setTimeout(resolve, 600));
        await node.data(1, "second", true);
      });
      let source!: ReadableStreamDefaultController<Uint8Array>;
      const body = new ReadableStream<Uint8Array>({ start: (controller) => source = controller });
      const answer = await context.send(peer, { method: "POST", body, timeouts: { ...TIMEOUTS, send: 200 } });
      const reader = streamOf(answer.body).getReader();
      assert.equal(Buffer.from((await reader.read()).value!).toString(), "first");
      source.enqueue(new Uint8Array(5));
      assert.equal(Buffer.from((await reader.read()).value!).toString(), "second");
    },
  },
  {
    group,
    name: "a client that reads nothing makes no node silent, whatever becomes of its upload",
    slow: true,
    async run(context) {
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, OK, false);
        for (let sent = 0; sent < 131_072; sent += PART.byteLength) await node.data(1, PART);
        await never();
      });
      let source!: ReadableStreamDefaultController<Uint8Array>;
      const body = new ReadableStream<Uint8Array>({ start: (controller) => source = controller });
      const answer = await context.send(peer, { method: "POST", body, timeouts: { ...TIMEOUTS, read: 200 } });
      await new Promise((resolve) => setTimeout(resolve, 100));
      source.enqueue(new Uint8Array(5));
      source.close();
      await new Promise((resolve) => setTimeout(resolve, 500));
      const reader = streamOf(answer.body).getReader();
      for (let got = 0; got < 131_072;) got += (await reader.read()).value!.byteLength;
      await reader.cancel();
    },
  },
  {
    group,
    name: "a node that refuses what it has begun to answer has not left it untouched",
    async run(context) {
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, [":status", "103"], false);
        await node.reset(1, CODE.refused);
        await never();
      });
      await context.fails(context.send(peer, { timeouts: TIMEOUTS }), "reset", true);
    },
  },
];

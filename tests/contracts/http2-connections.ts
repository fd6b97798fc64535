import assert from "node:assert/strict";
import { CODE, FRAME, SETTING } from "../../src/runtimes/http2/protocol.ts";
import { number } from "../support/http2-raw.ts";
import { until } from "../support/until.ts";
import { type Row, thrice } from "./contract.ts";
import { ask, type Script, scripted, streams } from "./http2-node.ts";
import { bytesOf, generated, outbound, streamOf, type TransportContext } from "./transport-context.ts";

const group = "connections, pace and time";
const OK: readonly string[] = [":status", "200"];
const PART = new Uint8Array(16_384);

/** Answers every request with the number of its stream. */
const numbered: Script = async (node, index) => {
  for (let id = 1;; id += 2) {
    await node.message(id);
    await node.headers(id, OK, false);
    await node.data(id, `${index} ${id}`, true);
  }
};

/** How connections to nodes over HTTP/2 are shared, kept and ended. */
export const http2ConnectionRows: readonly Row<TransportContext>[] = [
  {
    group,
    name: "requests at once share a connection, and each gets its own answer",
    async run(context) {
      const { peer, connections } = await scripted(context, async (node) => {
        const paths = new Map<number, string>();
        for (const id of streams(100)) paths.set(id, (await node.head(id)).fields[5]!);
        for (const [id, path] of [...paths].reverse()) {
          await node.headers(id, OK, false);
          await node.data(id, path, true);
        }
      });
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => ask(context, peer, { target: `/${i}` })),
      );
      assert.deepEqual(answers.map(({ text }) => text), answers.map((_, i) => `/${i}`));
      assert.equal(connections(), 1);
    },
  },
  {
    group,
    name: "a node that takes fewer at once gets more connections",
    async run(context) {
      let open = 0, most = 0;
      const { peer, connections } = await scripted(
        context,
        async (node) => {
          for (const id of streams(10)) {
            await node.head(id);
            most = Math.max(most, ++open);
            setTimeout(() => {
              open--;
              void node.headers(id, OK);
            }, 5);
          }
        },
        {},
        [SETTING.maxStreams, 1],
      );
      // The first one tells how many it takes.
      await ask(context, peer);
      await Promise.all([ask(context, peer), ask(context, peer), ask(context, peer)]);
      assert.equal(connections(), 3);
      assert.ok(most <= 3);
    },
  },
  {
    group,
    name: "a connection that says GOAWAY ends its requests, and gets no more",
    async run(context) {
      const { peer, connections } = await scripted(context, async (node, index) => {
        await node.head(1);
        if (index === 0) {
          await node.frame(FRAME.goAway, 0, 0, new Uint8Array([0, 0, 0, 1, 0, 0, 0, 0]));
          await until(() => connections() === 2, { what: "there is another one" });
        }
        await node.headers(1, OK, false);
        await node.data(1, String(index), true);
      });
      const first = ask(context, peer);
      await until(() => connections() === 1, { what: "the first is there" });
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal((await ask(context, peer)).text, "1");
      assert.equal((await first).text, "0");
    },
  },
  {
    group,
    name: "keepalive_pool: requests, idle timeout, none kept",
    async run(context) {
      const keepAlive = { size: 320, idleTimeout: 60_000, requests: 2 };
      const two = await scripted(context, numbered, { keepAlive });
      const texts: string[] = [];
      for (let i = 0; i < 5; i++) texts.push((await ask(context, two.peer)).text);
      assert.deepEqual(texts, ["0 1", "0 3", "1 1", "1 3", "2 1"]);
      let ended = 0;
      const counted: Script = async (node, index) => {
        await numbered(node, index).catch(() => {});
        ended++;
      };
      const short = await scripted(context, counted, { keepAlive: { ...keepAlive, idleTimeout: 50 } });
      await ask(context, short.peer);
      await until(() => ended === 1, { what: "it ends" });
      const none = await scripted(context, counted, { keepAlive: { ...keepAlive, size: 0 } });
      await ask(context, none.peer);
      await until(() => ended === 2, { what: "it ends at once" });
    },
  },
  {
    group,
    name: "release ends a node's connections with their requests",
    async run(context) {
      let answer: () => void = () => {}, ended = false;
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await new Promise<void>((resolve) => answer = resolve);
        await node.headers(1, OK);
        await node.connection.ended();
        ended = true;
      });
      const waiting = ask(context, peer);
      await new Promise((resolve) => setTimeout(resolve, 50));
      context.transport.release(peer);
      answer();
      assert.equal((await waiting).status, 200);
      await until(() => ended, { what: "the connection ends" });
    },
  },
  {
    group,
    name: "a request that is given up ends at the node within 100 ms",
    run: thrice(async (context) => {
      let seen = 0, code: number | undefined;
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        seen++;
        code = (await node.message(1)).reset;
      });
      const abort = new AbortController();
      const failed = context.fails(context.send(peer, { signal: abort.signal }), "client_gone", true);
      await until(() => seen === 1, { what: "it is there" });
      const start = performance.now();
      abort.abort();
      await failed;
      await until(() => code !== undefined, { what: "the node hears of it" });
      const ms = performance.now() - start;
      assert.ok(ms < 100, `it took ${ms} ms`);
      assert.equal(code, CODE.cancel);
    }),
  },
  {
    group,
    name: "what nobody reads stops the node, and not the other requests",
    async run(context) {
      let sent = 0;
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, OK, false);
        for (; sent < 131_072; sent += PART.byteLength) await node.data(1, PART);
        await node.head(3);
        await node.headers(3, OK, false);
        await node.data(3, "ok", true);
        // More only where the window has been widened.
        await node.find(({ type, stream }) => type === FRAME.window && stream === 1);
        await node.data(1, "", true);
      });
      const unread = await context.send(peer);
      assert.equal((await ask(context, peer)).text, "ok");
      assert.equal((await bytesOf(unread)).byteLength, 131_072);
    },
  },
  {
    group,
    name: "a node that sends more than is allowed loses its stream",
    async run(context) {
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, OK, false);
        for (let sent = 0; sent < 10; sent++) await node.data(1, PART);
        await node.connection.ended();
      });
      await context.fails(
        (async () => {
          const reader = streamOf((await context.send(peer)).body).getReader();
          await new Promise((resolve) => setTimeout(resolve, 100));
          while (!(await reader.read()).done);
        })(),
        "reset",
        true,
      );
    },
  },
  {
    group,
    name: "an upload goes no further than the node's window",
    async run(context) {
      const { stream, taken } = generated(10 * 1024 * 1024);
      let body = 0;
      const { peer } = await scripted(context, async (node) => {
        await node.head(1);
        while (body < 65_535) body += (await node.find(({ type }) => type === FRAME.data)).payload.byteLength;
        await new Promise((resolve) => setTimeout(resolve, 50));
        assert.ok(taken() < 256 * 1024);
        await node.frame(FRAME.window, 0, 0, number(100_000_000));
        await node.frame(FRAME.window, 0, 1, number(100_000_000));
        for (let end = false; !end;) {
          const { payload, flags } = await node.find(({ type }) => type === FRAME.data);
          body += payload.byteLength;
          end = flags === 1;
        }
        await node.headers(1, OK);
      });
      assert.equal((await ask(context, peer, { method: "POST", body: stream })).status, 200);
      assert.equal(body, 10 * 1024 * 1024);
    },
  },
  {
    group,
    name: "timeouts: connect, send, read before and within the answer; a silent connection gets no more requests",
    slow: true,
    async run(context) {
      const timeouts = { connect: 300, send: 300, read: 300 };
      const silent = await scripted(context, async (node) => {
        await node.head(1);
        await node.connection.ended();
      });
      // Settings are told on the first one; nothing at all on the second.
      for (let i = 0; i < 3; i++) {
        await context.fails(context.send(silent.peer, { timeouts }), "read_timeout", true);
      }
      assert.equal(silent.connections(), 2);
      const within = await scripted(context, async (node) => {
        await node.head(1);
        await node.headers(1, OK, false);
        await node.connection.ended();
      });
      const answer = await context.send(within.peer, { timeouts });
      await context.fails(bytesOf(answer), "read_timeout", true);
      const full = await scripted(context, async (node) => {
        await node.head(1);
        await node.connection.ended();
      });
      const { stream } = generated(1024 * 1024);
      await context.fails(context.send(full.peer, { method: "POST", body: stream, timeouts }), "send_timeout", true);
    },
  },
  {
    group,
    name: "a node that floods, or says nothing of HTTP/2, is given up",
    async run(context) {
      const flooding = await scripted(context, async (node) => {
        await node.head(1);
        for (let i = 0; i < 400; i++) await node.frame(FRAME.ping, 0, 0, "12345678");
      });
      await context.fails(context.send(flooding.peer), "reset", true);
      const origin = await context.origin(async (connection) => {
        await connection.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
      });
      await context.fails(context.send({ ...flooding.peer, port: origin.port }), "reset", true);
    },
  },
  {
    group,
    name: "nobody listens: connect_refused, for all that wait for the connection",
    async run(context) {
      const { peer } = await scripted(context, numbered);
      const gone = { ...peer, port: 1 };
      await Promise.all([1, 2, 3].map(() => context.fails(context.send(gone), "connect_refused", false)));
    },
  },
  {
    group,
    name: "one that gives up waiting for a connection leaves it to the others",
    async run(context) {
      const { peer, connections } = await scripted(context, numbered);
      const abort = new AbortController();
      const given = context.transport.send(outbound(peer, { signal: abort.signal }));
      const other = ask(context, peer);
      abort.abort();
      await context.fails(given, "client_gone", false);
      assert.equal((await other).text, "0 1");
      assert.equal(connections(), 1);
    },
  },
];

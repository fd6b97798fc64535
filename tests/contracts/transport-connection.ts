import assert from "node:assert/strict";
import { createServer } from "node:net";
import { string, until, within } from "../support/raw.ts";
import { type Row, thrice } from "./contract.ts";
import { bytesOf, generated, OK, parts, peerOf, streamOf, type TransportContext } from "./transport-context.ts";

const group = "Connections, time and failure";

function row(name: string, run: (context: TransportContext) => Promise<void>): Row<TransportContext> {
  return { group, name, run };
}

function slow(name: string, run: (context: TransportContext) => Promise<void>): Row<TransportContext> {
  return { ...row(name, run), slow: true };
}

const keepAlive = { size: 10, idleTimeout: 60_000, requests: 1000 };

/** Rows about one method over a connection that breaks: how often the request arrived, and what came of it. */
function broken(method: string): Row<TransportContext>[] {
  const body = method === "POST" ? { headers: ["Content-Length", "2"], body: new TextEncoder().encode("ab") } : {};
  return [
    row(`${method}: reset after delivery on a reused connection arrives once`, async (context) => {
      let arrived = 0;
      const origin = await context.origin(async (connection) => {
        for (;;) {
          await connection.readMessage();
          if (++arrived > 1) return connection.reset();
          await connection.write(OK);
        }
      });
      const peer = peerOf(origin.port);
      await bytesOf(await context.send(peer, { method, ...body }));
      await settle();
      await context.fails(context.send(peer, { method, ...body }), "reset", true);
      await settle();
      assert.equal(arrived, 2, "requests that arrived");
    }),
    row(`${method}: closed after delivery on a fresh connection arrives once`, async (context) => {
      let arrived = 0;
      const origin = await context.origin(async (connection) => {
        await connection.readMessage();
        arrived++;
        connection.finish();
      });
      await context.fails(context.send(peerOf(origin.port), { method, ...body }), "reset", true);
      await settle();
      assert.equal(arrived, 1, "requests that arrived");
    }),
  ];
}

/** Lets what is under way on the loopback arrive. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60));
}

export const connectionRows: readonly Row<TransportContext>[] = [
  row("connections are used again", async (context) => {
    const { origin, peer } = await context.fixed();
    for (let i = 0; i < 20; i++) await bytesOf(await context.send(peer));
    assert.equal(origin.connections.length, 1);
  }),
  row("connections are used again after POST with a streamed body", async (context) => {
    const { origin, peer } = await context.fixed();
    for (let i = 0; i < 20; i++) {
      await bytesOf(await context.send(peer, { method: "POST", headers: ["Content-Length", "2"], body: parts("ab") }));
    }
    // Some runtimes need a moment after an upload before they use its connection again.
    assert.ok(origin.connections.length <= 10, `${origin.connections.length} connections for 20 requests`);
  }),
  row("keepAlive.requests ends a connection after so many requests", async (context) => {
    const { origin } = await context.fixed();
    const peer = peerOf(origin.port, { keepAlive: { ...keepAlive, requests: 3 } });
    for (let i = 0; i < 7; i++) await bytesOf(await context.send(peer));
    assert.equal(origin.connections.length, 3);
  }),
  slow("keepAlive.size bounds the idle connections", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      await released;
      await connection.write(OK);
    });
    const peer = peerOf(origin.port, { keepAlive: { ...keepAlive, size: 2 } });
    const all = Promise.all(Array.from({ length: 6 }, async () => bytesOf(await context.send(peer))));
    await origin.connection(6);
    release();
    await all;
    await until(
      () => origin.connections.filter(({ end }) => end === "open").length === 2,
      2_000,
      "two connections stay open",
    );
  }),
  slow("keepAlive.idleTimeout closes a connection that idles", async (context) => {
    const { origin } = await context.fixed();
    await bytesOf(await context.send(peerOf(origin.port, { keepAlive: { ...keepAlive, idleTimeout: 300 } })));
    const connection = await origin.connection(1);
    assert.equal(connection.end, "open");
    await connection.ended(2_000);
  }),
  row("keepAlive.idleTimeout 0 keeps none", async (context) => {
    const { origin } = await context.fixed();
    const peer = peerOf(origin.port, { keepAlive: { ...keepAlive, idleTimeout: 0 } });
    await bytesOf(await context.send(peer));
    await (await origin.connection(1)).ended(2_000);
    await bytesOf(await context.send(peer));
    assert.equal(origin.connections.length, 2);
  }),
  row("a connection that the upstream has closed meanwhile is not used", async (context) => {
    let arrived = 0;
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      arrived++;
      await connection.write(OK);
      connection.finish();
    });
    const peer = peerOf(origin.port);
    for (let i = 0; i < 20; i++) {
      await bytesOf(await context.send(peer, { method: "POST" }));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    assert.equal(arrived, 20);
  }),
  row("a connection that is closed at the same moment: answered, or reset, never sent twice", async (context) => {
    let arrived = 0;
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      arrived++;
      await connection.write(OK);
      connection.finish();
    });
    const peer = peerOf(origin.port);
    let answered = 0;
    for (let i = 0; i < 40; i++) {
      try {
        await bytesOf(await context.send(peer, { method: "POST" }));
        answered++;
      } catch (error) {
        assert.equal((error as { code?: string }).code, "reset");
      }
    }
    assert.equal(arrived, answered);
  }),
  ...broken("GET"),
  ...broken("POST"),
  row("three hundred requests wait for their heads at once", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    let waiting = 0;
    const origin = await context.origin(async (connection) => {
      for (;;) {
        await connection.readMessage();
        waiting++;
        await released;
        await connection.write(OK);
      }
    });
    const peer = peerOf(origin.port);
    const all = Promise.all(Array.from({ length: 300 }, async () => bytesOf(await context.send(peer))));
    all.catch(() => {});
    try {
      await until(() => waiting === 300, 4_000, "300 requests at the upstream");
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${waiting} are`);
    } finally {
      release();
      await all.catch(() => {});
    }
  }),
  row("nobody listens: connect_refused, not sent", async (context) => {
    const port = await freePort();
    await context.fails(context.send(peerOf(port)), "connect_refused", false);
  }),
  row("no such name: connect_failed, not sent", async (context) => {
    await context.fails(context.send(peerOf(80, { host: "no-such-name.invalid" })), "connect_failed", false);
  }),
  slow("no head in time: read_timeout, sent", async (context) => {
    const origin = await context.origin(() => {});
    const begun = performance.now();
    await context.fails(
      context.send(peerOf(origin.port), { timeouts: { connect: 100, send: 100, read: 300 } }),
      "read_timeout",
      true,
    );
    const ms = performance.now() - begun;
    assert.ok(ms > 250 && ms < 1_500, `after ${ms} ms`);
    await origin.connections[0]!.ended(1_000);
  }),
  slow("a slow body within the read timeout is not cut", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
      for (const byte of "slowly") {
        await new Promise((resolve) => setTimeout(resolve, 150));
        await connection.write(byte);
      }
    });
    const answer = await context.send(peerOf(origin.port), { timeouts: { connect: 500, send: 500, read: 500 } });
    assert.equal(string(await bytesOf(answer)), "slowly");
  }),
  row("a body that stalls: read_timeout", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    });
    const answer = await context.send(peerOf(origin.port), { timeouts: { connect: 300, send: 300, read: 300 } });
    assert.equal((await context.failure(bytesOf(answer))).code, "read_timeout");
    await origin.connections[0]!.ended(1_000);
  }),
  slow("an upstream that takes nothing: send_timeout, sent", async (context) => {
    const origin = await context.origin((connection) => connection.pause());
    const request = {
      method: "POST",
      body: generated(64 * 1024 * 1024).stream,
      timeouts: { connect: 5_000, send: 300, read: 5_000 },
    };
    await context.fails(context.send(peerOf(origin.port), request), "send_timeout", true);
  }),
  row("given up before it was begun: client_gone, not sent", async (context) => {
    const { peer, origin } = await context.fixed();
    await context.fails(context.send(peer, { signal: AbortSignal.abort() }), "client_gone", false);
    assert.equal(origin.connections.length, 0);
  }),
  row(
    "given up while the upstream thinks: its connection ends within 100 ms",
    thrice(async (context) => {
      const origin = await context.origin(async (connection) => {
        await connection.readMessage();
      });
      const abort = new AbortController();
      const sending = context.failure(context.send(peerOf(origin.port), { signal: abort.signal }));
      const connection = await origin.connection(1);
      await settle();
      const begun = performance.now();
      abort.abort();
      assert.equal((await sending).code, "client_gone");
      await connection.ended();
      const ms = performance.now() - begun;
      assert.ok(ms < 100, `it took ${ms} ms`);
    }),
  ),
  row(
    "given up within the answer: the body breaks, and the connection ends within 100 ms",
    thrice(async (context) => {
      const origin = await context.origin(async (connection) => {
        await connection.readMessage();
        await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
      });
      const abort = new AbortController();
      const answer = await context.send(peerOf(origin.port), { signal: abort.signal });
      const reader = streamOf(answer.body).getReader();
      await reader.read();
      const connection = await origin.connection(1);
      const begun = performance.now();
      abort.abort();
      const error = await context.failure(reader.read());
      assert.equal(error.code, "client_gone");
      await connection.ended();
      const ms = performance.now() - begun;
      assert.ok(ms < 100, `it took ${ms} ms`);
    }),
  ),
  row(
    "given up within the request: the connection ends within 100 ms",
    thrice(async (context) => {
      const origin = await context.origin((connection) => connection.pause());
      const abort = new AbortController();
      const body = generated(64 * 1024 * 1024).stream;
      const sending = context.failure(
        context.send(peerOf(origin.port), { method: "POST", body, signal: abort.signal }),
      );
      const connection = await origin.connection(1);
      await settle();
      abort.abort();
      const begun = performance.now();
      connection.resume();
      assert.equal((await sending).code, "client_gone");
      await connection.ended();
      const ms = performance.now() - begun;
      assert.ok(ms < 1_000, `it took ${ms} ms`);
    }),
  ),
  row("release lets requests finish and closes what idles", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const origin = await context.origin(async (connection) => {
      for (;;) {
        const { startLine } = await connection.readMessage();
        if (startLine.includes("/slow")) await released;
        await connection.write(OK);
      }
    });
    const peer = peerOf(origin.port);
    await bytesOf(await context.send(peer));
    const slow = context.send(peer, { target: "/slow" });
    const idle = context.send(peer, { target: "/quick" }).then(bytesOf);
    await idle;
    context.transport.release(peer);
    release();
    assert.equal(string(await bytesOf(await within(slow, 2_000, "answer"))), "ok");
    await until(() => origin.connections.every(({ end }) => end !== "open"), 2_000, "every connection is closed");
  }),
  row("close breaks requests that wait for a connection", async (context) => {
    // It says nothing to the TLS handshake.
    const origin = await context.origin(() => new Promise(() => {}));
    const tls = { servername: "a", verify: false };
    const failed = context.failure(context.send(peerOf(origin.port, { tls })));
    await settle();
    await context.transport.close();
    await within(failed, 2_000, "the request fails");
  }),
];

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address!.port : 0));
    });
  });
}

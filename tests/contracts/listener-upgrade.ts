import assert from "node:assert/strict";
import { concat, header, string, until } from "../support/raw.ts";
import type { Row } from "./contract.ts";
import { get, type ListenerContext, type Served, statusOf } from "./listener-context.ts";
import { assertPattern, pattern } from "./transport-context.ts";
import type { ByteTunnel } from "../../src/net/inbound.ts";

const group = "Upgrades";
const UPGRADE = get(
  "/chat",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
);
const ANSWER = ["Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "X-Tag", "a"];

function row(name: string, run: (context: ListenerContext) => Promise<void>): Row<ListenerContext> {
  return { group, name, run };
}

/** A listener that takes every connection over. */
async function tunnelling(context: ListenerContext, use: (tunnel: ByteTunnel) => void): Promise<Served> {
  return await context.serve((_request, inbound) => {
    if (inbound.upgrade === undefined) return new Response(null, { status: 501 });
    use(inbound.upgrade(101, "Switching Protocols", ANSWER));
    return new Response(null);
  });
}

async function upgraded(served: Served, more = "") {
  const client = await served.connect();
  await client.write(UPGRADE + more);
  const { startLine, headers } = await client.readHead();
  assert.equal(startLine, "HTTP/1.1 101 Switching Protocols");
  return { client, headers };
}

export const upgradeRows: readonly Row<ListenerContext>[] = [
  row("an upgrade yields the connection, with the bytes that came with the request", async (context) => {
    const served = await tunnelling(
      context,
      ({ readable, writable }) => void readable.pipeTo(writable).catch(() => {}),
    );
    const { client, headers } = await upgraded(served, "early");
    assert.equal(header(headers, "x-tag"), "a");
    assert.equal(header(headers, "connection")?.toLowerCase(), "upgrade");
    assert.equal(header(headers, "upgrade"), "websocket");
    assert.equal(string(await client.read(5)), "early");
    await client.write("hello");
    assert.equal(string(await client.read(5)), "hello");
    client.finish();
    assert.equal(await client.ended(2_000), "fin");
  }),
  row("an upgrade can be answered otherwise", async (context) => {
    const served = await context.serve(() => new Response("no", { status: 401, headers: { "x-why": "a" } }));
    const answer = await served.ask(UPGRADE);
    assert.equal(statusOf(answer), 401);
    assert.equal(header(answer.headers, "x-why"), "a");
    assert.equal(string(answer.body), "no");
  }),
  row("an offer of another protocol is an ordinary request", async (context) => {
    const served = await context.serve((_request, inbound) => new Response(inbound.target));
    const h2c = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"];
    const answer = await served.ask(get("/plain", ...h2c));
    assert.equal(statusOf(answer), 200);
    assert.equal(string(answer.body), "/plain");
  }),
  row("an offer of another protocol with a body is an ordinary request", async (context) => {
    const served = await context.serve(async (request) => new Response(await request.text()));
    const fields =
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 5\r\n";
    const answer = await served.ask(`POST / HTTP/1.1\r\nHost: gate.test\r\n${fields}\r\nhello`);
    assert.equal(string(answer.body), "hello");
  }),
  row("8 MB both ways through a tunnel arrive as they were", async (context) => {
    const size = 8 * 1024 * 1024;
    const served = await tunnelling(
      context,
      ({ readable, writable }) => void readable.pipeTo(writable).catch(() => {}),
    );
    const { client } = await upgraded(served);
    const writing = (async () => {
      for (let at = 0; at < size; at += 65536) await client.write(pattern(at, 65536));
    })();
    const parts: Uint8Array[] = [];
    for (let got = 0; got < size; got += 65536) parts.push(await client.read(65536));
    await writing;
    assertPattern(concat(parts), size);
  }),
  row("a client of a tunnel that does not read stops the other side", async (context) => {
    let written = 0;
    const served = await tunnelling(context, ({ writable }) => {
      const writer = writable.getWriter();
      void (async () => {
        for (; written < 64 * 1024 * 1024; written += 65536) await writer.write(pattern(written, 65536));
      })().catch(() => {});
    });
    const { client } = await upgraded(served);
    client.pause();
    let before = -1;
    while (before !== written || written === 0) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    assert.ok(written < 32 * 1024 * 1024, `${written} bytes were written to nobody`);
  }),
  row("a client that is reset breaks the tunnel", async (context) => {
    let outcome = "";
    const served = await tunnelling(context, ({ readable }) => {
      void (async () => {
        for await (const _ of readable);
      })().then(() => outcome = "ended", () => outcome = "broken");
    });
    const { client } = await upgraded(served);
    client.reset();
    await until(() => outcome !== "", 2_000, "the tunnel ends");
    assert.equal(outcome, "broken");
  }),
  row("a tunnel that is aborted cuts the client", async (context) => {
    const served = await tunnelling(context, ({ writable }) => void writable.abort(new Error("gone")));
    const { client } = await upgraded(served);
    await client.ended(2_000);
  }),
  row("close cuts open tunnels when its time is over, and counts them", async (context) => {
    const served = await tunnelling(
      context,
      ({ readable, writable }) => void readable.pipeTo(writable).catch(() => {}),
    );
    const { client } = await upgraded(served);
    assert.equal(await served.listener.close(200), 1);
    await client.ended(2_000);
  }),
];

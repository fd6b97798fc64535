import assert from "node:assert/strict";
import { header, string, until } from "../support/raw.ts";
import type { Row } from "./contract.ts";
import { assertPattern, bytesOf, outbound, pattern, peerOf, type TransportContext } from "./transport-context.ts";
import { concat } from "../support/raw.ts";

const group = "Upgrades";
const headers = [
  "Sec-WebSocket-Key",
  "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version",
  "13",
  "Connection",
  "Upgrade",
  "Upgrade",
  "websocket",
];
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Tag: a\r\n\r\n";

function row(name: string, run: (context: TransportContext) => Promise<void>): Row<TransportContext> {
  return { group, name, run };
}

async function upgrade(context: TransportContext, port: number) {
  assert.ok(context.transport.upgrade !== undefined, "the transport cannot upgrade");
  return await context.transport.upgrade(outbound(peerOf(port), { headers }));
}

export const upgradeRows: readonly Row<TransportContext>[] = [
  row("an upgrade yields the connection, with the bytes that came with the answer", async (context) => {
    const origin = await context.origin(async (connection) => {
      const { startLine, headers } = await connection.readHead();
      assert.equal(startLine, "GET / HTTP/1.1");
      assert.equal(header(headers, "upgrade")?.toLowerCase(), "websocket");
      assert.equal(header(headers, "connection")?.toLowerCase(), "upgrade");
      await connection.write(`${SWITCH}early`);
      const said = await connection.read(5);
      await connection.write(`you said ${string(said)}`);
      connection.finish();
    });
    const answer = await upgrade(context, origin.port);
    assert.ok("tunnel" in answer, `status ${answer.status}`);
    assert.equal(header(answer.headers, "x-tag"), "a");
    const writer = answer.tunnel.writable.getWriter();
    await writer.write(new TextEncoder().encode("hello"));
    const parts: Uint8Array[] = [];
    for await (const part of answer.tunnel.readable) parts.push(part);
    assert.equal(string(concat(parts)), "earlyyou said hello");
    await writer.close();
    await origin.connections[0]!.ended();
    assert.equal(origin.connections[0]!.end, "fin");
  }),
  row("an upgrade that is answered otherwise is an ordinary answer", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readHead();
      await connection.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    });
    const answer = await upgrade(context, origin.port);
    assert.ok(!("tunnel" in answer));
    assert.equal(answer.status, 401);
    assert.equal(string(await bytesOf(answer)), "no");
  }),
  row("8 MB both ways through a tunnel arrive as they were", async (context) => {
    const size = 8 * 1024 * 1024;
    const origin = await context.origin(async (connection) => {
      await connection.readHead();
      await connection.write(SWITCH);
      for (let sent = 0; sent < size;) {
        const part = await connection.read(Math.min(65536, size - sent));
        sent += part.byteLength;
        await connection.write(part);
      }
    });
    const answer = await upgrade(context, origin.port);
    assert.ok("tunnel" in answer);
    const { readable, writable } = answer.tunnel;
    const writer = writable.getWriter();
    const writing = (async () => {
      for (let at = 0; at < size; at += 65536) await writer.write(pattern(at, 65536));
    })();
    const reader = readable.getReader();
    const parts: Uint8Array[] = [];
    for (let got = 0; got < size;) {
      const { value } = await reader.read();
      got += value!.byteLength;
      parts.push(value!);
    }
    await writing;
    assertPattern(concat(parts), size);
    await reader.cancel();
  }),
  row("a reader of the tunnel that does not read stops the upstream", async (context) => {
    let written = 0;
    const origin = await context.origin(async (connection) => {
      await connection.readHead();
      await connection.write(SWITCH);
      for (; written < 64 * 1024 * 1024; written += 65536) await connection.write(pattern(written, 65536));
    });
    const answer = await upgrade(context, origin.port);
    assert.ok("tunnel" in answer);
    let before = -1;
    while (before !== written || written === 0) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    assert.ok(written < 32 * 1024 * 1024, `${written} bytes were written to nobody`);
    await answer.tunnel.readable.cancel();
    await origin.connections[0]!.ended();
  }),
  row("a reset upstream breaks the tunnel", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readHead();
      await connection.write(SWITCH);
      await connection.read(1);
      connection.reset();
    });
    const answer = await upgrade(context, origin.port);
    assert.ok("tunnel" in answer);
    await answer.tunnel.writable.getWriter().write(new Uint8Array(1));
    await assert.rejects(answer.tunnel.readable.getReader().read());
  }),
  row("a tunnel that is aborted cuts the upstream's connection", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readHead();
      await connection.write(SWITCH);
    });
    const answer = await upgrade(context, origin.port);
    assert.ok("tunnel" in answer);
    await answer.tunnel.writable.abort(new Error("gone"));
    await until(() => origin.connections[0]!.end !== "open", 1_000, "the upstream sees the end");
  }),
];

// Requests on one connection, in whatever pieces they come.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytes, cut } from "../transports/http1/record.ts";
import { FakeClient } from "./client.ts";
import { readPlainly } from "./reference.ts";
import { SAMPLES } from "./samples.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function ask(pieces: readonly Uint8Array[], apart = false): Promise<FakeClient> {
  const client = new FakeClient();
  for (const piece of pieces) {
    client.send(piece);
    if (apart) await turn();
  }
  for (let i = 0; i < 100 && client.busy; i++) await turn();
  await turn();
  return client;
}

describe("requests on a connection", () => {
  for (const { name, wire, requests, closes = false } of SAMPLES) {
    const all = bytes(wire);
    const check = (client: FakeClient, where: string): void => {
      assert.deepEqual(client.seen.map(({ method, target, body }) => [method, target, body]), requests, where);
      assert.deepEqual(client.statuses, requests.map(() => 200), where);
      assert.equal(client.closed, closes, where);
    };

    it(`${name}: whole, and byte by byte`, async () => {
      check(await ask([all]), "whole");
      check(await ask(cut(all, ...Array.from({ length: all.byteLength - 1 }, (_, i) => i + 1)), true), "byte by byte");
    });

    it(`${name}: cut in two anywhere`, async () => {
      for (let at = 1; at < all.byteLength; at++) {
        check(await ask(cut(all, at)), `at ${at}`);
        check(await ask(cut(all, at), true), `at ${at}, apart`);
      }
    });

    it(`${name}: the plain reference reads the same`, () => {
      const read = requests.map(([method, target, body]) => [method, target, body ?? "unread"]);
      const plainly = readPlainly(wire);
      assert.deepEqual(
        plainly.map(([method, target, body], i) => [method, target, read[i]?.[2] === "unread" ? "unread" : body]),
        read,
      );
    });
  }

  it("a thousand in one packet are answered, each once and in order", async () => {
    const wire = Array.from({ length: 1000 }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: x\r\n\r\n`).join("");
    const client = await ask([bytes(wire)]);
    assert.deepEqual(client.seen.map(({ target }) => target), Array.from({ length: 1000 }, (_, i) => `/${i}`));
    assert.equal(client.statuses.length, 1000);
  });
});

/** What must be answered with this status, and with nothing after it: what follows may not be a request. */
const REFUSED: Readonly<Record<string, readonly [wire: string, status: number]>> = {
  "a TLS handshake": ["\x16\x03\x01\x02\x00\x01", 400],
  "a line feed alone in an unfinished head": ["GET / HTTP/1.1\nHost: x\n\n", 400],
  "a line without a version": ["GET /\r\nHost: x\r\n\r\n", 400],
  "HTTP/2.0": ["GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505],
  "HTTP/1.2": ["GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505],
  "HTTP/1.1x": ["GET / HTTP/1.1x\r\nHost: x\r\n\r\n", 400],
  "the preface of HTTP/2": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  "two blanks in the line": ["GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  "a blank in the target": ["GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  "a folded field": ["GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400],
  "a blank before the colon": ["GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400],
  "a field without a colon": ["GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400],
  "a NUL in a value": ["GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 400],
  "a carriage return in a value": ["GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400],
  "two lengths": ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400],
  "a length with a sign": ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400],
  "a length beside chunks": [
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  "another coding": ["POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501],
  "chunks in HTTP/1.0": ["POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
  "no host": ["GET / HTTP/1.1\r\n\r\n", 400],
  "two hosts": ["GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400],
  "an unknown method": ["BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501],
  "a line that is too long": [`GET /${"a".repeat(3000)}`, 414],
  "a field that is too long": [`GET / HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(3000)}`, 431],
  "too many fields": [`GET / HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(20)}\r\n`, 431],
  "a body that is announced as too large": ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4001\r\n\r\n", 413],
  "WebSocket with a body": [
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\na",
    400,
  ],
};

describe("a request that is refused", () => {
  for (const [name, [wire, status]] of Object.entries(REFUSED)) {
    it(`${name}: ${status}`, async () => {
      const next = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
      for (const before of ["", "GET /first HTTP/1.1\r\nHost: x\r\n\r\n"]) {
        const client = await ask([bytes(before + wire), bytes(next)], true);
        assert.deepEqual(client.seen.map(({ target }) => target), before === "" ? [] : ["/first"]);
        assert.deepEqual(client.statuses, before === "" ? [status] : [200, status]);
        assert.ok(client.closed);
      }
    });
  }
});

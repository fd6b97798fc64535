import assert from "node:assert/strict";
import { string } from "../support/raw.ts";
import type { Row } from "./contract.ts";
import { bodyOf, echo, get, type ListenerContext, ok, refused, statusOf } from "./listener-context.ts";

const group = "Heads that must not be routed";

function row(name: string, run: (context: ListenerContext) => Promise<void>): Row<ListenerContext> {
  return { group, name, run };
}

/** A row of requests, each of which has to be refused. */
function refusedRow(
  what: string,
  texts: readonly string[],
  statuses: readonly number[] = [400, 501],
): Row<ListenerContext> {
  return row(`refused: ${what}`, async (context) => {
    for (const text of texts) {
      const served = await context.serve(ok);
      try {
        await refused(served, text, statuses);
      } catch (error) {
        throw new Error(`${JSON.stringify(text.slice(0, 120))}: ${(error as Error).message}`);
      }
      await context.end();
    }
  });
}

function request(...fields: string[]): string {
  return `POST /x HTTP/1.1\r\nHost: gate.test\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
}

const CHUNKS = "3\r\nabc\r\n0\r\n\r\n";

export const headRows: readonly Row<ListenerContext>[] = [
  refusedRow("Content-Length with Transfer-Encoding", [
    request("Content-Length: 3", "Transfer-Encoding: chunked") + CHUNKS,
    request("Transfer-Encoding: chunked", "Content-Length: 3") + CHUNKS,
  ]),
  refusedRow("two different Content-Length", [request("Content-Length: 3", "Content-Length: 4") + "abcd"]),
  refusedRow("two equal Content-Length", [request("Content-Length: 3", "Content-Length: 3") + "abc"]),
  refusedRow("a Content-Length that is no plain number", [
    request("Content-Length: 3, 3") + "abc",
    request("Content-Length: +3") + "abc",
    request("Content-Length: 0x3") + "abc",
    request("Content-Length: -1") + "abc",
    request("Content-Length: 3 3") + "abc",
  ]),
  refusedRow("an empty Content-Length", [request("Content-Length:") + "abc"]),
  refusedRow("Transfer-Encoding that only looks like chunked", [
    request("Transfer-Encoding: xchunked") + CHUNKS,
    request("Transfer-Encoding: chunked, identity") + CHUNKS,
    request("Transfer-Encoding: chunked, chunked") + CHUNKS,
    request("Transfer-Encoding: \x0bchunked") + CHUNKS,
    request("Transfer-Encoding : chunked") + CHUNKS,
    request("Transfer-Encoding: chunked", "Transfer-Encoding: identity") + CHUNKS,
  ]),
  refusedRow("Transfer-Encoding: gzip, chunked", [request("Transfer-Encoding: gzip, chunked") + CHUNKS]),
  refusedRow("Transfer-Encoding in HTTP/1.0", [
    `POST /x HTTP/1.0\r\nHost: gate.test\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
  ]),
  refusedRow("a folded field", [request("X-A: 1", "  2")]),
  refusedRow("NUL in a field", [request("X-A: 1\0")]),
  refusedRow("other control characters in a field", [request("X-A: a\x01b"), request("X-A: a\x7fb")]),
  refusedRow("a bare carriage return in a field", [request("X-A: a\rb")]),
  refusedRow("a space before the colon", [request("X-A : 1")]),
  refusedRow("a head with bare line feeds", ["GET / HTTP/1.1\nHost: gate.test\n\n"], [400, 505]),
  row("refused: a chunk size that is none", async (context) => {
    for (
      const chunks of ["3 \r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "-3\r\nabc\r\n0\r\n\r\n", "3\nabc\n0\n\n"]
    ) {
      let complete = false;
      const served = await context.serve(async (_request, inbound) => {
        try {
          await bodyOf(inbound);
          complete = true;
        } catch {
          // As it should be.
        }
        return ok();
      });
      const client = await served.connect();
      await client.write(request("Transfer-Encoding: chunked") + chunks + get("/smuggled"));
      await Promise.race([client.ended(2_000).catch(() => {}), new Promise((resolve) => setTimeout(resolve, 300))]);
      assert.equal(complete, false, `${JSON.stringify(chunks)} was taken for a body`);
      assert.ok(served.seen.length <= 1, "what came after it reached the handler");
      await context.end();
    }
  }),
  refusedRow("no Host", ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"]),
  refusedRow("two Host fields", ["GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n"]),
  refusedRow("an empty Host", ["GET / HTTP/1.1\r\nHost:\r\n\r\n"]),
  refusedRow("a Host that is none", [
    "GET / HTTP/1.1\r\nHost: evil.test/x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: user@evil.test\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test:x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test:70000\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test?x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.test#x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a%2etest\r\n\r\n",
  ]),
  refusedRow("absolute form of another host", ["GET http://other.test/x HTTP/1.1\r\nHost: gate.test\r\n\r\n"]),
  row("absolute form of the same host is origin form", async (context) => {
    const served = await context.serve(ok);
    const answer = await served.ask("GET http://gate.test/x?y HTTP/1.1\r\nHost: gate.test\r\n\r\n");
    assert.equal(statusOf(answer), 200);
    assert.equal(served.seen[0]!.inbound.target, "/x?y");
  }),
  refusedRow("OPTIONS *", ["OPTIONS * HTTP/1.1\r\nHost: gate.test\r\n\r\n"]),
  refusedRow("CONNECT", ["CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n"], [400, 405]),
  refusedRow("an unknown method", ["BREW / HTTP/1.1\r\nHost: gate.test\r\n\r\n"], [400, 405, 501]),
  refusedRow("a method in lower case", ["get / HTTP/1.1\r\nHost: gate.test\r\n\r\n"], [400, 405, 501]),
  refusedRow("a fragment in the target", ["GET /a#b HTTP/1.1\r\nHost: gate.test\r\n\r\n"]),
  refusedRow("bytes outside ASCII in the target", ["GET /\xc3\xa9 HTTP/1.1\r\nHost: gate.test\r\n\r\n"]),
  refusedRow("a target that is no path", ["GET x HTTP/1.1\r\nHost: gate.test\r\n\r\n"]),
  refusedRow("HTTP/0.9", ["GET /\r\n\r\n"], [400, 505]),
  refusedRow("HTTP/2.0 without HTTP/2", ["GET / HTTP/2.0\r\nHost: gate.test\r\n\r\n"], [400, 505]),
  row("a target that is too long: 414 or 431", async (context) => {
    const served = await context.serve(ok);
    await refused(served, get(`/${"a".repeat(20_000)}`), [414, 431]);
  }),
  row("a field that is too long: 431", async (context) => {
    const served = await context.serve(ok);
    await refused(served, get("/", `X-Big: ${"a".repeat(20_000)}`), [431]);
  }),
  row("too many fields: 431", async (context) => {
    const served = await context.serve(ok);
    const fields = Array.from({ length: 150 }, (_, i) => `X-${i}: v`);
    await refused(served, get("/", ...fields), [431]);
  }),
  row("a thousand fields, where that many are allowed, arrive", async (context) => {
    const served = await context.serve(ok, { headerCount: 1100, headerBytes: 64 * 1024 });
    const fields = Array.from({ length: 1000 }, (_, i) => `X-${i}: v`);
    assert.equal(statusOf(await served.ask(get("/", ...fields))), 200);
    assert.equal(served.seen[0]!.inbound.headers.filter((name) => /^x-\d+$/i.test(name)).length, 1000);
  }),
  row("fields past the allowed number are never dropped in silence", async (context) => {
    const served = await context.serve(ok, { headerCount: 3000, headerBytes: 256 * 1024 });
    const fields = Array.from({ length: 2500 }, (_, i) => `X-${i}: v`);
    const client = await served.connect();
    await client.write(get("/", ...fields));
    const status = statusOf(await client.readMessage());
    if (status === 200) {
      assert.equal(served.seen[0]!.inbound.headers.filter((name) => /^x-\d+$/i.test(name)).length, 2500);
    } else assert.ok(status === 431 || status === 400, `it was answered with ${status}`);
  }),
  row("a well-formed chunked body with extensions arrives", async (context) => {
    const served = await context.serve(echo);
    const answer = await served.ask(request("Transfer-Encoding: chunked") + "3;a=b\r\nabc\r\n0\r\n\r\n");
    assert.equal(string(answer.body), "abc");
  }),
];

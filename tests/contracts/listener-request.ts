import assert from "node:assert/strict";
import { headersOf, string, until, within } from "../support/raw.ts";
import type { Row } from "./contract.ts";
import { bodyOf, echo, get, type ListenerContext, ok, post, statusOf } from "./listener-context.ts";
import { assertPattern, pattern } from "./transport-context.ts";

const group = "What the handler is told";

function row(name: string, run: (context: ListenerContext) => Promise<void>): Row<ListenerContext> {
  return { group, name, run };
}

function slow(name: string, run: (context: ListenerContext) => Promise<void>): Row<ListenerContext> {
  return { ...row(name, run), slow: true };
}

function target(what: string, text: string): Row<ListenerContext> {
  return row(`target: ${what}`, async (context) => {
    const served = await context.serve(ok);
    assert.equal(statusOf(await served.ask(get(text))), 200);
    assert.equal(served.seen[0]!.inbound.target, text);
  });
}

export const requestRows: readonly Row<ListenerContext>[] = [
  target("dot segments", "/a/../b/./c"),
  target("encoded dot segments", "/%2e%2e/x"),
  target("two leading slashes", "//a//b"),
  target("an empty query", "/x?"),
  target("quotes, braces, backslash and others that URLs escape", "/a\\b'c\"d<e>f{g}h`i^j|k"),
  target("percent-encodings, valid or not, and + ; ~", "/%2F%zz%00%41+;~?a=%2f&b=%"),
  row("Request says the same as Inbound", async (context) => {
    const served = await context.serve(async (request, inbound) => {
      assert.ok(request instanceof Request);
      return Response.json([
        request.method,
        request.url,
        request.headers.get("x-tag"),
        await request.text(),
        inbound.target,
      ]);
    });
    const answer = await served.ask(post("hello", "X-Tag: a"));
    assert.deepEqual(JSON.parse(string(answer.body)), [
      "POST",
      `${context.secure ? "https" : "http"}://gate.test/`,
      "a",
      "hello",
      "/",
    ]);
  }),
  row("a Request can be made anew, cloned and read as JSON, as middleware does", async (context) => {
    const served = await context.serve(async (request) => {
      const copy = new Request(request.clone(), { headers: { "x-new": "1" } });
      const again = new Request(request);
      return Response.json([copy.headers.get("x-new"), await copy.json(), again.method, await again.text()]);
    });
    const answer = await served.ask(post('{"a":1}'));
    assert.deepEqual(JSON.parse(string(answer.body)), ["1", { a: 1 }, "POST", '{"a":1}']);
  }),
  row("method TRACE and PURGE", async (context) => {
    const served = await context.serve(ok);
    for (const method of ["TRACE", "PURGE"]) {
      assert.equal(statusOf(await served.ask(`${method} / HTTP/1.1\r\nHost: gate.test\r\n\r\n`)), 200);
      assert.equal(served.seen.at(-1)!.request.method, method);
    }
  }),
  row("case and order of field names", async (context) => {
    const served = await context.serve(ok);
    await served.ask(get("/", "x-C: 1", "X-A: 2", "x-b: 3"));
    assert.deepEqual(served.seen[0]!.inbound.headers.filter((name) => /^x-/i.test(name)), ["x-C", "X-A", "x-b"]);
  }),
  row("fields of one name stay apart", async (context) => {
    const served = await context.serve(ok);
    await served.ask(get("/", "X-Tag: a", "X-Tag: b", "Cookie: a=1", "Cookie: b=2"));
    const { headers } = served.seen[0]!.inbound;
    assert.deepEqual([headersOf(headers, "x-tag"), headersOf(headers, "cookie")], [["a", "b"], ["a=1", "b=2"]]);
  }),
  row("Latin-1 bytes in values", async (context) => {
    const served = await context.serve(ok);
    await served.ask(get("/", "X-Name: caf\xe9"));
    assert.deepEqual(headersOf(served.seen[0]!.inbound.headers, "x-name"), ["caf\xe9"]);
  }),
  row("the client's address and port", async (context) => {
    const served = await context.serve(ok);
    const client = await served.connect();
    await client.write(get());
    await client.readMessage();
    const { peer, localPort, secure } = served.seen[0]!.inbound;
    assert.deepEqual([peer, localPort, secure], [
      { address: "127.0.0.1", port: client.socket.localPort },
      served.port,
      context.secure,
    ]);
  }),
  row("a body with GET", async (context) => {
    const served = await context.serve(echo);
    const answer = await served.ask("GET / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: 3\r\n\r\nabc");
    assert.equal(string(answer.body), "abc");
  }),
  row("no body where there is none", async (context) => {
    const served = await context.serve((_request, inbound) => new Response(String(inbound.body)));
    for (const text of [get(), post(""), "DELETE / HTTP/1.1\r\nHost: gate.test\r\n\r\n"]) {
      assert.equal(string((await served.ask(text)).body), "null");
    }
  }),
  row("16 MB up arrive as they were", async (context) => {
    const size = 16 * 1024 * 1024;
    let body: Uint8Array = new Uint8Array(0);
    const served = await context.serve(async (_request, inbound) => {
      body = await bodyOf(inbound);
      return ok();
    });
    const client = await served.connect();
    await client.write(`POST / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: ${size}\r\n\r\n`);
    for (let at = 0; at < size; at += 65536) await client.write(pattern(at, 65536));
    assert.equal(statusOf(await client.readMessage()), 200);
    assertPattern(body, size);
  }),
  row("a body is read part by part, as it comes", async (context) => {
    let first!: () => void;
    const got = new Promise<void>((resolve) => first = resolve);
    const served = await context.serve(async (_request, inbound) => {
      const reader = inbound.body!.getReader();
      await reader.read();
      first();
      while (!(await reader.read()).done);
      return ok();
    });
    const client = await served.connect();
    await client.write("POST / HTTP/1.1\r\nHost: gate.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    await within(got, 2_000, "first part");
    await client.write("3\r\ndef\r\n0\r\n\r\n");
    assert.equal(statusOf(await client.readMessage()), 200);
  }),
  slow("a handler that does not read slows the client", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    let body = 0;
    const served = await context.serve(async (_request, inbound) => {
      const reader = inbound.body!.getReader();
      await released;
      for (let part = await reader.read(); !part.done; part = await reader.read()) body += part.value.byteLength;
      return ok();
    });
    const size = 64 * 1024 * 1024;
    const client = await served.connect();
    await client.write(`POST / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: ${size}\r\n\r\n`);
    let written = 0;
    const writing = (async () => {
      for (; written < size; written += 65536) await client.write(pattern(written, 65536));
    })();
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.ok(written < 32 * 1024 * 1024, `${written} bytes were taken by nobody`);
    release();
    await writing;
    assert.equal(statusOf(await client.readMessage()), 200);
    assert.equal(body, size);
  }),
  row("Expect: 100-continue is answered before the body is sent", async (context) => {
    const served = await context.serve(echo);
    const client = await served.connect();
    await client.write("POST / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert.match(await client.readUntil("\r\n\r\n"), /^HTTP\/1.1 100 /);
    await client.write("abc");
    assert.equal(string((await client.readMessage()).body), "abc");
  }),
  row("a client that ends its side after the request is answered", async (context) => {
    // At once: after a while it could as well have gone, which ends the request.
    const served = await context.serve(ok);
    const client = await served.connect();
    await client.write(get());
    client.finish();
    assert.equal(statusOf(await client.readMessage()), 200);
  }),
  row("two requests in one packet are answered in order", async (context) => {
    const served = await context.serve(async (_request, inbound) => {
      if (inbound.target === "/1") await new Promise((resolve) => setTimeout(resolve, 100));
      return new Response(inbound.target);
    });
    const client = await served.connect();
    await client.write(get("/1") + get("/2"));
    assert.equal(string((await client.readMessage()).body), "/1");
    assert.equal(string((await client.readMessage()).body), "/2");
  }),
  row("a body that nobody read does not disturb the next request", async (context) => {
    const served = await context.serve((_request, inbound) => new Response(inbound.target));
    const client = await served.connect();
    await client.write(post("x".repeat(100_000)));
    assert.equal(string((await client.readMessage()).body), "/");
    await client.write(get("/next"));
    try {
      assert.equal(string((await client.readMessage()).body), "/next");
    } catch (error) {
      // Closing is the other way to be safe.
      if (client.end === "open") throw error;
    }
  }),
  row("a body over the limit, announced: 413, not read", async (context) => {
    const served = await context.serve(echo, { bodyBytes: 1000 });
    const client = await served.connect();
    await client.write("POST / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: 1001\r\n\r\n");
    assert.equal(statusOf(await client.readMessage()), 413);
    assert.equal(served.seen.length, 0);
  }),
  row("a body over the limit, chunked: the handler's read fails", async (context) => {
    let failure: unknown;
    const served = await context.serve(async (_request, inbound) => {
      try {
        await bodyOf(inbound);
      } catch (error) {
        failure = error;
      }
      return new Response(null, { status: 413 });
    }, { bodyBytes: 1000 });
    const client = await served.connect();
    await client.write("POST / HTTP/1.1\r\nHost: gate.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    const chunk = `258\r\n${"x".repeat(600)}\r\n`;
    await client.write(chunk + chunk + chunk);
    assert.equal(statusOf(await client.readMessage()), 413);
    // Where the runtime's own server has refused it, there was no handler to tell.
    if (served.seen.length > 0) assert.equal((failure as { code?: string }).code, "body_too_large");
  }),
  row("an answer before the body was read is readable while the client is still sending", async (context) => {
    const served = await context.serve(() => new Response("no", { status: 413 }));
    const client = await served.connect();
    const size = 8 * 1024 * 1024;
    await client.write(`POST / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: ${size}\r\n\r\n`);
    void (async () => {
      for (let at = 0; at < size && client.end === "open"; at += 65536) await client.write(pattern(at, 65536));
    })();
    const answer = await client.readMessage();
    assert.equal(statusOf(answer), 413);
    assert.equal(string(answer.body), "no");
  }),
  slow("a client that was answered early and sends on without end is cut", async (context) => {
    const served = await context.serve(() => new Response("no", { status: 413 }));
    const client = await served.connect();
    await client.write("POST / HTTP/1.1\r\nHost: gate.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert.equal(statusOf(await client.readMessage()), 413);
    const begun = performance.now();
    while (client.end === "open" && performance.now() - begun < 8_000) {
      await client.write("3\r\nabc\r\n");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.notEqual(client.end, "open", "the connection is still open");
  }),
  row("an upload that was read in part, and then answered, does not disturb the next request", async (context) => {
    const served = await context.serve(async (_request, inbound) => {
      if (inbound.body !== null) {
        const reader = inbound.body.getReader();
        await reader.read();
        await reader.cancel();
      }
      return new Response(inbound.target);
    });
    const client = await served.connect();
    await client.write(post("x".repeat(1_000_000)));
    assert.equal(string((await client.readMessage()).body), "/");
    await client.write(get("/next"));
    try {
      assert.equal(string((await client.readMessage()).body), "/next");
    } catch (error) {
      // Closing is the other way to be safe.
      if (client.end === "open") throw error;
    }
  }),
  row("a client that goes within its request breaks the body", async (context) => {
    let failure: unknown;
    const served = await context.serve(async (_request, inbound) => {
      try {
        await bodyOf(inbound);
        failure = "none";
      } catch (error) {
        failure = error;
      }
      return ok();
    });
    const client = await served.connect();
    await client.write("POST / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: 1000\r\n\r\nabc");
    await until(() => served.seen.length === 1, 2_000, "the handler is called");
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.reset();
    await until(() => failure !== undefined, 2_000, "the body ends");
    assert.equal((failure as { code?: string }).code, "client_gone");
  }),
];

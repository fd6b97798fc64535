import assert from "node:assert/strict";
import { header, headersOf, string, until, within } from "../support/raw.ts";
import { type Row, thrice } from "./contract.ts";
import { get, type ListenerContext, nodeAnswer, statusOf } from "./listener-context.ts";
import { assertPattern, generated, parts } from "./transport-context.ts";

const group = "Answer to the client";

function row(name: string, run: (context: ListenerContext) => Promise<void>): Row<ListenerContext> {
  return { group, name, run };
}

function slow(name: string, run: (context: ListenerContext) => Promise<void>): Row<ListenerContext> {
  return { ...row(name, run), slow: true };
}

/** A body that breaks after its first part. */
function breaking(): ReadableStream<Uint8Array> {
  let pulls = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (pulls++ === 0) return controller.enqueue(new TextEncoder().encode("abc"));
      await new Promise((resolve) => setTimeout(resolve, 50));
      controller.error(new Error("cut"));
    },
  }, { highWaterMark: 0 });
}

/** A row whose answer must not look whole. */
function broken(
  what: string,
  headers: string[],
  body: () => ReadableStream<Uint8Array>,
  version = "1.1",
): Row<ListenerContext> {
  return row(`broken transfer: ${what}`, async (context) => {
    const served = await context.serve(() => nodeAnswer({ headers, body: body() }));
    const client = await served.connect();
    await client.write(get().replace("1.1", version));
    let whole = true;
    try {
      const message = await client.readMessage();
      // Without a length the end of the connection is the end of the body: only a reset tells.
      const delimited = header(message.headers, "content-length") ?? header(message.headers, "transfer-encoding");
      whole = delimited === undefined ? client.end === "fin" : message.complete;
    } catch (error) {
      if (client.end === "open") throw error;
      whole = false;
    }
    assert.equal(whole, false, "the client saw a whole answer");
  });
}

export const answerRows: readonly Row<ListenerContext>[] = [
  row("the reason phrase", async (context) => {
    const served = await context.answering({ status: 299, reason: "Quite Odd" });
    assert.equal((await served.ask(get())).startLine, "HTTP/1.1 299 Quite Odd");
  }),
  row("case and order of the answer's fields", async (context) => {
    const served = await context.answering({ headers: ["X-c", "1", "X-A", "2", "x-b", "3"] });
    const { headers } = await served.ask(get());
    assert.deepEqual(headers.filter((name) => /^x-/i.test(name)), ["X-c", "X-A", "x-b"]);
  }),
  row("several Set-Cookie stay apart", async (context) => {
    const served = await context.answering({ headers: ["Set-Cookie", "a=1", "X-A", "1", "Set-Cookie", "b=2, c"] });
    const { headers } = await served.ask(get());
    assert.deepEqual(headersOf(headers, "set-cookie"), ["a=1", "b=2, c"]);
  }),
  row("Set-Cookie stay where they were among the fields", async (context) => {
    const served = await context.answering({ headers: ["Set-Cookie", "a=1", "X-A", "1", "Set-Cookie", "b=2"] });
    const { headers } = await served.ask(get());
    const names = headers.filter((name, i) => i % 2 === 0 && /^(?:set-cookie|x-a)$/i.test(name));
    assert.deepEqual(names.map((name) => name.toLowerCase()), ["set-cookie", "x-a", "set-cookie"]);
  }),
  row("other fields of one name stay apart in the answer", async (context) => {
    const served = await context.answering({ headers: ["X-Tag", "a", "X-Tag", "b"] });
    assert.deepEqual(headersOf((await served.ask(get())).headers, "x-tag"), ["a", "b"]);
  }),
  row("fields that middleware changed are those that are sent", async (context) => {
    const served = await context.serve(() => {
      const response = nodeAnswer({ headers: ["X-Keep", "1", "X-Drop", "1", "X-Change", "1"] });
      response.headers.delete("x-drop");
      response.headers.set("x-change", "2");
      response.headers.append("x-new", "3");
      return response;
    });
    const { headers } = await served.ask(get());
    const of = (name: string) => header(headers, name);
    assert.deepEqual([of("x-keep"), of("x-drop"), of("x-change"), of("x-new")], ["1", undefined, "2", "3"]);
  }),
  row("Latin-1 bytes in values of the answer", async (context) => {
    const served = await context.answering({
      headers: ["X-Name", "caf\xe9", "Content-Length", "2"],
      body: new TextEncoder().encode("ok"),
    });
    assert.equal(header((await served.ask(get())).headers, "x-name"), "caf\xe9");
  }),
  row("Latin-1 bytes in values, with a head that is sent before its body", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await released;
        controller.close();
      },
    }, { highWaterMark: 0 });
    const served = await context.answering({ headers: ["X-Name", "caf\xe9"], body });
    const client = await served.connect();
    await client.write(get());
    const { headers } = await client.readHead(2_000);
    release();
    assert.equal(header(headers, "x-name"), "caf\xe9");
  }),
  row("Content-Length of a streamed body is kept", async (context) => {
    const served = await context.serve(() =>
      nodeAnswer({ headers: ["Content-Length", "6"], body: parts("abc", "def") })
    );
    const answer = await served.ask(get());
    assert.equal(header(answer.headers, "content-length"), "6");
    assert.equal(header(answer.headers, "transfer-encoding"), undefined);
    assert.equal(string(answer.body), "abcdef");
  }),
  row("a body of bytes without a length gets one", async (context) => {
    const served = await context.answering({ body: new TextEncoder().encode("abc") });
    const answer = await served.ask(get());
    assert.equal(header(answer.headers, "content-length"), "3");
    assert.equal(string(answer.body), "abc");
  }),
  row("no Content-Type is invented", async (context) => {
    const served = await context.serve(() =>
      nodeAnswer({ headers: ["Content-Length", "6"], body: parts("abc", "def") })
    );
    assert.equal(header((await served.ask(get())).headers, "content-type"), undefined);
  }),
  row("HEAD keeps Content-Length and sends no body", async (context) => {
    const served = await context.answering({ headers: ["Content-Length", "5000"] });
    const client = await served.connect();
    const head = get().replace("GET", "HEAD");
    await client.write(head);
    assert.equal(header((await client.readMessage("HEAD")).headers, "content-length"), "5000");
    await client.write(head);
    assert.equal(statusOf(await client.readMessage("HEAD")), 200);
  }),
  row("204 has neither body nor length", async (context) => {
    const served = await context.answering({ status: 204, headers: ["Content-Length", "5"] });
    const client = await served.connect();
    await client.write(get() + get("/2"));
    const answer = await client.readMessage();
    assert.deepEqual([header(answer.headers, "content-length"), header(answer.headers, "transfer-encoding")], [
      undefined,
      undefined,
    ]);
    assert.equal(statusOf(await client.readMessage()), 204);
  }),
  row("304 sends no body, whatever its length says", async (context) => {
    const served = await context.answering({ status: 304, headers: ["Content-Length", "100", "ETag", '"a"'] });
    const client = await served.connect();
    await client.write(get() + get("/2"));
    assert.equal(header((await client.readMessage()).headers, "etag"), '"a"');
    assert.equal(statusOf(await client.readMessage()), 304);
  }),
  row("205", async (context) => {
    const served = await context.answering({ status: 205 });
    const client = await served.connect();
    await client.write(get() + get("/2"));
    assert.equal(statusOf(await client.readMessage()), 205);
    assert.equal(statusOf(await client.readMessage()), 205);
  }),
  row("trailers", async (context) => {
    const served = await context.serve(() =>
      nodeAnswer({ headers: ["Trailer", "X-Sum"], body: parts("ab"), trailers: Promise.resolve(["X-Sum", "12"]) })
    );
    assert.deepEqual((await served.ask(get())).trailers, ["X-Sum", "12"]);
  }),
  row("events reach the client one by one", async (context) => {
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (own) => void (controller = own) });
    const served = await context.answering({ headers: ["Content-Type", "text/event-stream"], body });
    const client = await served.connect();
    await client.write(get());
    for (let i = 0; i < 3; i++) {
      controller.enqueue(new TextEncoder().encode(`data: ${i}\n\n`));
      await client.readUntil(`data: ${i}\n\n`, 2_000);
    }
    controller.close();
    await client.readUntil("0\r\n\r\n", 2_000);
  }),
  row("the head is sent before there is a body", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await released;
        controller.close();
      },
    }, { highWaterMark: 0 });
    const served = await context.answering({ body });
    const client = await served.connect();
    await client.write(get());
    await within(client.readHead(), 2_000, "head");
    release();
  }),
  row("16 MB down arrive as they were", async (context) => {
    const size = 16 * 1024 * 1024;
    const served = await context.serve(() =>
      nodeAnswer({ headers: ["Content-Length", String(size)], body: generated(size).stream })
    );
    assertPattern((await served.ask(get())).body, size);
  }),
  row("16 MB down, chunked, arrive as they were", async (context) => {
    const size = 16 * 1024 * 1024;
    const served = await context.serve(() => nodeAnswer({ body: generated(size).stream }));
    assertPattern((await served.ask(get())).body, size);
  }),
  slow("a client that does not read stops the source", async (context) => {
    const { stream, taken } = generated(64 * 1024 * 1024);
    const served = await context.serve(() => nodeAnswer({ body: stream }));
    const client = await served.connect();
    client.pause();
    await client.write(get());
    let before = -1;
    while (before !== taken() || taken() === 0) {
      before = taken();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.ok(taken() < 32 * 1024 * 1024, `${taken()} bytes were taken for nobody`);
  }),
  broken("chunked body fails", [], breaking),
  broken("body with a length fails", ["Content-Length", "10"], breaking),
  broken("body fails towards an HTTP/1.0 client", [], breaking, "1.0"),
  broken("body is shorter than announced", ["Content-Length", "10"], () => parts("abc")),
  row("a body that is longer than announced sends no byte more", async (context) => {
    const served = await context.serve(() =>
      nodeAnswer({ headers: ["Content-Length", "3"], body: parts("abcdef", "ghi") })
    );
    const client = await served.connect();
    await client.write(get());
    await client.ended(1_000).catch(() => {});
    const text = client.peek();
    // With chunks there is no length to break.
    assert.ok(
      /transfer-encoding: chunked/i.test(text) || !text.includes("def"),
      `what was sent: ${JSON.stringify(text)}`,
    );
  }),
  row(
    "a client that goes while the handler works aborts its signal within 100 ms",
    thrice(async (context) => {
      let aborted = 0;
      let begun = 0;
      const served = await context.serve(async (_request, inbound) => {
        inbound.signal.addEventListener("abort", () => aborted = performance.now());
        await until(() => aborted > 0, 3_000, "the signal aborts").catch(() => {});
        return new Response("late");
      });
      const client = await served.connect();
      await client.write(get());
      await until(() => served.seen.length === 1, 2_000, "the handler is called");
      begun = performance.now();
      client.destroy();
      await until(() => aborted > 0, 3_000, "the signal aborts");
      assert.ok(aborted - begun < 100, `it took ${aborted - begun} ms`);
    }),
  ),
  row(
    "a client that goes within its answer cancels the body within 100 ms",
    thrice(async (context) => {
      let cancelled = 0;
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode("abc")),
        cancel: () => void (cancelled = performance.now()),
      });
      const served = await context.answering({ body });
      const client = await served.connect();
      await client.write(get());
      await client.readUntil("abc");
      const begun = performance.now();
      client.destroy();
      await until(() => cancelled > 0, 3_000, "the body is cancelled");
      assert.ok(cancelled - begun < 100, `it took ${cancelled - begun} ms`);
    }),
  ),
  row("a handler that fails is answered with 500", async (context) => {
    const served = await context.serve(() => Promise.reject(new Error("no")));
    assert.equal(statusOf(await served.ask(get())), 500);
  }),
];

import assert from "node:assert/strict";
import process from "node:process";
import { header, headersOf, string, until } from "../support/raw.ts";
import type { Row } from "./contract.ts";
import {
  assertPattern,
  bytesOf,
  generated,
  OK,
  parts,
  peerOf,
  type TransportContext,
  withoutFraming,
} from "./transport-context.ts";

const group = "Request towards the upstream";

function row(name: string, run: (context: TransportContext) => Promise<void>): Row<TransportContext> {
  return { group, name, run };
}

function slow(name: string, run: (context: TransportContext) => Promise<void>): Row<TransportContext> {
  return { ...row(name, run), slow: true };
}

/** A row that sends this target and expects it to arrive so. */
function target(what: string, text: string): Row<TransportContext> {
  return row(`target: ${what}`, async (context) => {
    const { sent } = await context.exchange({ target: text });
    assert.equal(sent.startLine, `GET ${text} HTTP/1.1`);
  });
}

const HURRIED_SIZE = 3 * 1024 * 1024;
const BIG = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig";

/** A row whose upstream answers before it has read the body, and closes at once, so that the system resets the connection. */
function hurried(what: string, headers: readonly string[]): Row<TransportContext> {
  return row(
    `an answer that comes before the body has been sent, and then the end: a body ${what}`,
    async (context) => {
      let signals = hurry();
      const origin = await context.origin(async (connection) => {
        const { headRead, unread, cut } = signals;
        await connection.readHead();
        connection.pause();
        headRead.resolve();
        await unread.promise;
        await connection.write(BIG);
        connection.destroy();
        cut.resolve();
      });
      for (let i = 1; i <= 5; i++) {
        signals = hurry();
        const { headRead, unread, cut } = signals;
        let pulls = 0;
        const body = new ReadableStream<Uint8Array>({
          async pull(controller) {
            pulls++;
            // Some clients send the head with the first part.
            if (pulls === 2) await headRead.promise;
            // The second part stays unread, and the third is written before the answer is read.
            if (pulls === 3) unread.resolve();
            if (pulls === 3) await cut.promise;
            controller.enqueue(new Uint8Array(HURRIED_SIZE / 48));
            if (pulls === 48) controller.close();
          },
        }, { highWaterMark: 0 });
        const answer = await context.send(peerOf(origin.port), { method: "POST", headers: [...headers], body });
        assert.equal(`${answer.status} ${string(await bytesOf(answer))}`, "413 big");
        assert.equal(origin.connections.length, i, "connections for as many requests");
      }
    },
  );
}

function hurry(): Record<"headRead" | "unread" | "cut", PromiseWithResolvers<void>> {
  return {
    headRead: Promise.withResolvers<void>(),
    unread: Promise.withResolvers<void>(),
    cut: Promise.withResolvers<void>(),
  };
}

export const requestRows: readonly Row<TransportContext>[] = [
  row("Host is what the request says", async (context) => {
    const { messages, peer } = await context.fixed();
    const request = { peer, method: "GET", target: "/", body: null, timeouts: { connect: 5e3, send: 5e3, read: 5e3 } };
    const headers = ["Host", "example.test:81"];
    const answer = await context.transport.send({ ...request, headers, signal: new AbortController().signal });
    await bytesOf(answer);
    assert.deepEqual(headersOf(messages[0]!.headers, "host"), ["example.test:81"]);
  }),
  row("no field is added but Host, Connection and the body's length", async (context) => {
    const { sent } = await context.exchange({ method: "POST", headers: ["Content-Length", "2"], body: parts("ab") });
    const empty = withoutFraming(sent.headers).filter((_, i, all) =>
      all[i & ~1]!.toLowerCase() !== "user-agent" || all[i | 1] !== ""
    );
    assert.deepEqual(empty, []);
  }),
  row("no User-Agent where the client sent none", async (context) => {
    const { sent } = await context.exchange();
    assert.deepEqual(headersOf(sent.headers, "user-agent"), []);
  }),
  row("the case of field names", async (context) => {
    const { sent } = await context.exchange({ headers: ["x-lower", "1", "X-UPPER", "2", "X-mIxEd", "3"] });
    assert.deepEqual(withoutFraming(sent.headers).filter((name) => /^x-/i.test(name)), [
      "x-lower",
      "X-UPPER",
      "X-mIxEd",
    ]);
  }),
  row("the order of fields", async (context) => {
    const { sent } = await context.exchange({ headers: ["X-C", "1", "X-A", "2", "X-B", "3"] });
    assert.deepEqual(sent.headers.map((name) => name.toLowerCase()).filter((name) => /^x-[abc]$/.test(name)), [
      "x-c",
      "x-a",
      "x-b",
    ]);
  }),
  row("fields of one name stay apart", async (context) => {
    const { sent } = await context.exchange({ headers: ["X-Tag", "a", "X-Tag", "b"] });
    assert.deepEqual(headersOf(sent.headers, "x-tag"), ["a", "b"]);
  }),
  row("two Cookie fields stay apart", async (context) => {
    const { sent } = await context.exchange({ headers: ["Cookie", "a=1", "Cookie", "b=2"] });
    assert.deepEqual(headersOf(sent.headers, "cookie"), ["a=1", "b=2"]);
  }),
  row("Latin-1 bytes in field values", async (context) => {
    const { sent } = await context.exchange({ headers: ["X-Name", "caf\xe9"] });
    assert.equal(header(sent.headers, "x-name"), "caf\xe9");
  }),
  row("a thousand fields", async (context) => {
    const headers = Array.from({ length: 1000 }, (_, i) => [`X-${i}`, "v"]).flat();
    const { sent } = await context.exchange({ headers });
    assert.equal(sent.headers.filter((name) => /^x-\d+$/i.test(name)).length, 1000);
  }),
  ...["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PURGE", "TRACE"].map((method) =>
    row(`method ${method}`, async (context) => {
      const { sent } = await context.exchange({ method });
      assert.equal(sent.startLine, `${method} / HTTP/1.1`);
    })
  ),
  target("dot segments", "/a/../b/./c"),
  target("encoded dot segments", "/%2e%2e/x"),
  target("two leading slashes", "//a//b"),
  target("an empty query", "/x?"),
  target("quotes, braces, backslash and others that URLs escape", "/a\\b'c\"d<e>f{g}h`i^j|k"),
  target("percent-encodings, valid or not, and + ; ~", "/%2F%zz%00%41+;~?a=%2f&b=%"),
  row("Content-Length of a streamed body", async (context) => {
    const { sent } = await context.exchange({
      method: "POST",
      headers: ["Content-Length", "6"],
      body: parts("abc", "def"),
    });
    assert.equal(header(sent.headers, "content-length"), "6");
    assert.equal(header(sent.headers, "transfer-encoding"), undefined);
    assert.equal(string(sent.body), "abcdef");
  }),
  row("a streamed body without length is chunked", async (context) => {
    const { sent } = await context.exchange({ method: "POST", body: parts("abc", "def") });
    assert.equal(header(sent.headers, "transfer-encoding"), "chunked");
    assert.equal(header(sent.headers, "content-length"), undefined);
    assert.equal(string(sent.body), "abcdef");
  }),
  row("a body of bytes has its length", async (context) => {
    const { sent } = await context.exchange({ method: "POST", body: new TextEncoder().encode("abc") });
    assert.equal(header(sent.headers, "content-length"), "3");
    assert.equal(string(sent.body), "abc");
  }),
  row("POST without a body has Content-Length: 0", async (context) => {
    const { sent } = await context.exchange({ method: "POST", headers: ["Content-Length", "0"] });
    assert.deepEqual(headersOf(sent.headers, "content-length"), ["0"]);
    assert.equal(header(sent.headers, "transfer-encoding"), undefined);
  }),
  row("GET without a body has no length", async (context) => {
    const { sent } = await context.exchange();
    assert.equal(header(sent.headers, "content-length"), undefined);
    assert.equal(header(sent.headers, "transfer-encoding"), undefined);
  }),
  row("GET with a body", async (context) => {
    const { sent } = await context.exchange({ headers: ["Content-Length", "3"], body: parts("abc") });
    assert.equal(header(sent.headers, "content-length"), "3");
    assert.equal(string(sent.body), "abc");
  }),
  row("DELETE with a body", async (context) => {
    const { sent } = await context.exchange({ method: "DELETE", headers: ["Content-Length", "3"], body: parts("abc") });
    assert.equal(string(sent.body), "abc");
  }),
  row("a body shorter than its Content-Length fails, and the upstream sees a cut", async (context) => {
    let seen: boolean | undefined;
    const origin = await context.origin(async (connection) => {
      seen = (await connection.readMessage()).complete;
    });
    const request = { method: "POST", headers: ["Content-Length", "9"], body: parts("abc") };
    await context.failure(context.send(peerOf(origin.port), request));
    await until(
      () => origin.connections.length === 0 || seen !== undefined,
      2_000,
      "the upstream sees the end of the request",
    );
    assert.notEqual(seen, true, "the upstream saw a whole request");
  }),
  row("a body longer than its Content-Length fails, and no more than announced is sent", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
    });
    const request = { method: "POST", headers: ["Content-Length", "3"], body: parts("abcdef") };
    await context.failure(context.send(peerOf(origin.port), request));
    assert.ok(
      !origin.connections.some((connection) => connection.peek().includes("def")),
      "more than announced was sent",
    );
  }),
  row("a request body that fails ends the request as client_gone with its cause", async (context) => {
    let seen: boolean | undefined;
    const origin = await context.origin(async (connection) => {
      seen = (await connection.readMessage()).complete;
    });
    const cause = new Error("broken");
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(new Uint8Array(10));
        else controller.error(cause);
      },
    }, { highWaterMark: 0 });
    const error = await context.failure(context.send(peerOf(origin.port), { method: "POST", body }));
    assert.equal(error.code, "client_gone");
    assert.equal(error.cause, cause);
    await until(
      () => origin.connections.length === 0 || seen !== undefined,
      2_000,
      "the upstream sees the end of the request",
    );
    assert.notEqual(seen, true, "the upstream saw a whole request");
  }),
  row("a body is sent part by part, as it comes", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readUntil("first");
      seen();
      await connection.readUntil("0\r\n\r\n");
      await connection.write(OK);
    });
    let seen!: () => void;
    const first = new Promise<void>((resolve) => seen = resolve);
    const encoder = new TextEncoder();
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (pulls++ === 0) return controller.enqueue(encoder.encode("first"));
        // The second part exists only once the first has arrived.
        await first;
        controller.enqueue(encoder.encode("second"));
        controller.close();
      },
    }, { highWaterMark: 0 });
    const answer = await context.send(peerOf(origin.port), { method: "POST", body });
    assert.equal(answer.status, 200);
  }),
  row("an answer that comes before the body was sent", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readHead();
      await connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    });
    const { stream, taken } = generated(64 * 1024 * 1024);
    const answer = await context.send(peerOf(origin.port), { method: "POST", body: stream });
    assert.equal(answer.status, 413);
    assert.equal(string(await bytesOf(answer)), "big");
    assert.ok(taken() < 32 * 1024 * 1024, `${taken()} bytes were taken of a body that nobody wants`);
  }),
  hurried("with its length", ["Content-Length", String(HURRIED_SIZE)]),
  hurried("in chunks", []),
  row("a connection that is cut while the body is being sent, without an answer: reset", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readHead();
      connection.pause();
      connection.destroy();
    });
    const { stream } = generated(HURRIED_SIZE);
    const error = await context.failure(context.send(peerOf(origin.port), { method: "POST", body: stream }));
    assert.equal(`${error.code} sent=${error.sent}`, "reset sent=true", error.message);
  }),
  row("16 MB up arrive as they were", async (context) => {
    const size = 16 * 1024 * 1024;
    const { sent } = await context.exchange({
      method: "POST",
      headers: ["Content-Length", String(size)],
      body: generated(size).stream,
    });
    assertPattern(sent.body, size);
  }),
  slow("an upstream that does not read slows the client", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const origin = await context.origin(async (connection) => {
      connection.pause();
      await released;
      connection.resume();
      await connection.readMessage();
      await connection.write(OK);
    });
    const size = 64 * 1024 * 1024;
    const { stream, taken } = generated(size);
    const sending = context.send(peerOf(origin.port), {
      method: "POST",
      headers: ["Content-Length", String(size)],
      body: stream,
    });
    let before = -1;
    // The flow has stopped once nothing more is taken for half a second.
    while (before !== taken()) {
      before = taken();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.ok(taken() < 40 * 1024 * 1024, `${taken()} bytes were taken by nobody`);
    release();
    assert.equal((await sending).status, 200);
  }),
  row("ports that browsers block", async (context) => {
    // 10080 is on the Fetch standard's list of bad ports. Nobody listens there: refused is as good as answered.
    const error = await context.failure(context.send(peerOf(10080)));
    assert.equal(error.code, "connect_refused");
  }),
  row("HTTP_PROXY of the environment is not obeyed", async (context) => {
    const before = process.env["HTTP_PROXY"];
    process.env["HTTP_PROXY"] = "http://127.0.0.1:9";
    try {
      const { answer } = await context.exchange();
      assert.equal(answer.status, 200);
    } finally {
      if (before === undefined) delete process.env["HTTP_PROXY"];
      else process.env["HTTP_PROXY"] = before;
    }
  }),
];

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { concat, header, headersOf, latin1, string, within } from "../support/raw.ts";
import { type Row, thrice } from "./contract.ts";
import { assertPattern, bytesOf, OK, pattern, peerOf, streamOf, type TransportContext } from "./transport-context.ts";

const group = "Answer of the upstream";

function row(name: string, run: (context: TransportContext) => Promise<void>): Row<TransportContext> {
  return { group, name, run };
}

function slow(name: string, run: (context: TransportContext) => Promise<void>): Row<TransportContext> {
  return { ...row(name, run), slow: true };
}

/** A row whose answer must not be taken for one. */
function refused(what: string, answer: string): Row<TransportContext> {
  return row(`refused: ${what}`, async (context) => {
    let error: unknown;
    try {
      await context.exchange({}, answer);
    } catch (thrown) {
      error = thrown;
    }
    assert.ok(error !== undefined, "the answer was accepted");
    assert.equal((error as { code?: string }).code, "bad_answer");
  });
}

/** A row whose body breaks after its head. */
function cut(what: string, head: string, how: "fin" | "reset"): Row<TransportContext> {
  return row(`cut within the body: ${what}, ${how}`, async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      await connection.write(`HTTP/1.1 200 OK\r\n${head}`);
      // The head has been seen before the end comes: see below.
      await delivered;
      if (how === "fin") connection.finish();
      else connection.reset();
    });
    let deliver!: () => void;
    const delivered = new Promise<void>((resolve) => deliver = resolve);
    const answer = await context.send(peerOf(origin.port));
    deliver();
    const error = await context.failure(bytesOf(answer));
    assert.equal(error.code, "reset");
  });
}

const BOTH_LENGTHS = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";

export const answerRows: readonly Row<TransportContext>[] = [
  row("a compressed body is passed on untouched", async (context) => {
    const body = new Uint8Array(gzipSync("hello ".repeat(100)));
    const head = latin1(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.byteLength}\r\n\r\n`);
    const got = await context.exchange({ headers: ["Accept-Encoding", "gzip"] }, concat([head, body]));
    assert.equal(string(got.body), string(body));
    assert.equal(header(got.answer.headers, "content-encoding"), "gzip");
    assert.equal(header(got.answer.headers, "content-length"), String(body.byteLength));
  }),
  row("the client's Accept-Encoding goes on", async (context) => {
    const { sent } = await context.exchange({ headers: ["Accept-Encoding", "br;q=0.5, gzip"] });
    assert.deepEqual(headersOf(sent.headers, "accept-encoding"), ["br;q=0.5, gzip"]);
  }),
  row("a body that is not what Content-Encoding says is passed on", async (context) => {
    const got = await context.exchange(
      {},
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
    );
    assert.equal(string(got.body), "plain");
  }),
  row("a redirect is not followed", async (context) => {
    const { answer, body } = await context.exchange(
      {},
      "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 2\r\n\r\ngo",
    );
    assert.equal(answer.status, 302);
    assert.equal(header(answer.headers, "location"), "/other");
    assert.equal(string(body), "go");
  }),
  row("several Set-Cookie stay apart", async (context) => {
    const { answer } = await context.exchange(
      {},
      "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-A: 1\r\nSet-Cookie: b=2, c\r\nContent-Length: 0\r\n\r\n",
    );
    assert.deepEqual(headersOf(answer.headers, "set-cookie"), ["a=1", "b=2, c"]);
  }),
  row("other fields of one name stay apart in the answer", async (context) => {
    const { answer } = await context.exchange(
      {},
      "HTTP/1.1 200 OK\r\nX-Tag: a\r\nX-Tag: b\r\nContent-Length: 0\r\n\r\n",
    );
    assert.deepEqual(headersOf(answer.headers, "x-tag"), ["a", "b"]);
  }),
  row("case and order of the answer's fields", async (context) => {
    const { answer } = await context.exchange(
      {},
      "HTTP/1.1 200 OK\r\nX-c: 1\r\nX-A: 2\r\nContent-Length: 0\r\nx-b: 3\r\n\r\n",
    );
    assert.deepEqual(answer.headers, ["X-c", "1", "X-A", "2", "Content-Length", "0", "x-b", "3"]);
  }),
  row("Latin-1 bytes in the answer's values", async (context) => {
    const { answer } = await context.exchange({}, "HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 0\r\n\r\n");
    assert.equal(header(answer.headers, "x-name"), "caf\xe9");
  }),
  row("the reason phrase", async (context) => {
    const { answer } = await context.exchange({}, "HTTP/1.1 299 Quite Odd\r\nContent-Length: 0\r\n\r\n");
    assert.equal(`${answer.status} ${answer.reason}`, "299 Quite Odd");
  }),
  row("Content-Length of the answer", async (context) => {
    const { answer, body } = await context.exchange();
    assert.equal(header(answer.headers, "content-length"), "2");
    assert.equal(string(body), "ok");
  }),
  row("no Content-Type where the upstream sent none", async (context) => {
    const { answer } = await context.exchange();
    assert.equal(header(answer.headers, "content-type"), undefined);
  }),
  row("HEAD keeps Content-Length and has no body", async (context) => {
    const { answer } = await context.exchange({ method: "HEAD" }, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
    assert.equal(header(answer.headers, "content-length"), "5000");
    assert.equal(answer.body, null);
  }),
  row("204 has no body, even with a Content-Length", async (context) => {
    const { answer } = await context.exchange({}, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
    assert.equal(answer.status, 204);
    assert.equal(answer.body, null);
  }),
  row("304 with a Content-Length has no body", async (context) => {
    const { answer } = await context.exchange(
      {},
      'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 100\r\n\r\n',
    );
    assert.equal(answer.status, 304);
    assert.equal(answer.body, null);
  }),
  row("205", async (context) => {
    const { answer } = await context.exchange({}, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
    assert.equal(answer.status, 205);
  }),
  row("an empty chunked body", async (context) => {
    const { body } = await context.exchange({}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert.equal(body.byteLength, 0);
  }),
  row("a body that ends with the connection", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      await connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it");
      connection.finish();
    });
    assert.equal(string(await bytesOf(await context.send(peerOf(origin.port)))), "all of it");
  }),
  row("status 600 is bad_answer", async (context) => {
    await context.fails(context.exchange({}, "HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n"), "bad_answer", true);
  }),
  row("101 that nobody asked for is bad_answer", async (context) => {
    const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n";
    await context.fails(context.exchange({}, answer), "bad_answer", true);
  }),
  row("102 and 103 are passed over", async (context) => {
    const { answer, body } = await context.exchange(
      {},
      `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`,
    );
    assert.equal(answer.status, 200);
    assert.equal(string(body), "ok");
  }),
  row("a 100 Continue that nobody asked for is passed over", async (context) => {
    const { answer } = await context.exchange({ method: "POST" }, `HTTP/1.1 100 Continue\r\n\r\n${OK}`);
    assert.equal(answer.status, 200);
  }),
  row("trailers", async (context) => {
    const text =
      "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 12\r\n\r\n";
    const { answer } = await context.exchange({}, text);
    assert.deepEqual(await (answer.trailers ?? Promise.resolve([])), ["X-Sum", "12"]);
  }),
  row("events reach the reader one by one", async (context) => {
    const release: (() => void)[] = [];
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      await connection.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
      );
      for (let i = 0; i < 3; i++) {
        await connection.write("9\r\ndata: " + i + "\n\n\r\n");
        await new Promise<void>((resolve) => release.push(resolve));
      }
      await connection.write("0\r\n\r\n");
    });
    const answer = await context.send(peerOf(origin.port));
    const reader = streamOf(answer.body).getReader();
    for (let i = 0; i < 3; i++) {
      // The next event is sent only after this one was read.
      const { value } = await within(reader.read(), 2_000, `event ${i}`);
      assert.equal(new TextDecoder().decode(value), `data: ${i}\n\n`);
      release.shift()!();
    }
    assert.equal((await reader.read()).done, true);
  }),
  row("the head comes before any of the body", async (context) => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => release = resolve);
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      await released;
      await connection.write("1\r\na\r\n0\r\n\r\n");
    });
    const answer = await within(context.send(peerOf(origin.port)), 2_000, "head");
    release();
    assert.equal(string(await bytesOf(answer)), "a");
  }),
  cut("Content-Length", "Content-Length: 10\r\n\r\nabc", "fin"),
  cut("Content-Length", "Content-Length: 10\r\n\r\nabc", "reset"),
  cut("chunked", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "fin"),
  cut("chunked", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "reset"),
  row("16 MB down arrive as they were", async (context) => {
    const size = 16 * 1024 * 1024;
    const head = latin1(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    const { body } = await context.exchange({}, concat([head, pattern(0, size)]));
    assertPattern(body, size);
  }),
  slow("a client that does not read stops the upstream", async (context) => {
    let written = 0;
    const size = 64 * 1024 * 1024;
    const origin = await context.origin(async (connection) => {
      await connection.readMessage();
      await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      for (; written < size; written += 65536) await connection.write(pattern(written, 65536));
    });
    const answer = await context.send(peerOf(origin.port), { timeouts: { connect: 5_000, send: 5_000, read: 1_000 } });
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 1_200));
    }
    assert.ok(written < 32 * 1024 * 1024, `${written} bytes were written to nobody`);
    // That the client paused longer than the read timeout is not the upstream's fault.
    assertPattern(await bytesOf(answer), size);
  }),
  row(
    "an answer that is given up ends the connection within 100 ms",
    thrice(async (context) => {
      const origin = await context.origin(async (connection) => {
        await connection.readMessage();
        await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
      });
      const answer = await context.send(peerOf(origin.port));
      const connection = await origin.connection(1);
      const begun = performance.now();
      await streamOf(answer.body).cancel();
      await connection.ended();
      assert.ok(performance.now() - begun < 100, `it took ${performance.now() - begun} ms`);
    }),
  ),
  refused("Content-Length with Transfer-Encoding", BOTH_LENGTHS),
  refused("two different Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
  refused("two equal Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
  refused("a Content-Length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc"),
  refused("a head with bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"),
  refused("a folded field", "HTTP/1.1 200 OK\r\nX-A: 1\r\n  2\r\nContent-Length: 3\r\n\r\nabc"),
  refused("NUL in a field", "HTTP/1.1 200 OK\r\nX-A: 1\0\r\nContent-Length: 3\r\n\r\nabc"),
  refused("what is not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
  row("an answer of a thousand fields", async (context) => {
    const fields = Array.from({ length: 1000 }, (_, i) => `X-${i}: v\r\n`).join("");
    const { answer } = await context.exchange({}, `HTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`);
    assert.equal(answer.headers.filter((name) => /^x-\d+$/i.test(name)).length, 1000);
  }),
  row("an answer's head of 1 MB is bad_answer", async (context) => {
    const answer = `HTTP/1.1 200 OK\r\nX-Big: ${"a".repeat(1024 * 1024)}\r\nContent-Length: 0\r\n\r\n`;
    await context.fails(context.exchange({}, answer), "bad_answer", true);
  }),
];

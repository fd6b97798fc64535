import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytes, cut, MAX_HEAD, read } from "./record.ts";
import { type Sample, SAMPLES } from "./samples.ts";

function check({ wire, method = "GET", status, body, keepAlive, interim = [], trailers = [], closes }: Sample): void {
  const reading = read([bytes(wire)], method, closes);
  assert.equal(reading.bad, false);
  assert.equal(reading.status, status);
  assert.equal(reading.body, body);
  assert.equal(reading.keepAlive, keepAlive);
  assert.deepEqual(reading.interim, interim);
  assert.deepEqual(reading.trailers, trailers);
  assert.equal(reading.left, "");
}

describe("AnswerParser reads, whatever the pieces", () => {
  for (const sample of SAMPLES) {
    const { name, wire, method = "GET", closes } = sample;
    it(`${name}`, () => check(sample));

    it(`${name}, cut at every byte`, () => {
      const all = bytes(wire), whole = read([all], method, closes);
      for (let at = 0; at <= all.byteLength; at++) {
        assert.deepEqual(read(cut(all, at), method, closes), whole, `at ${at}`);
      }
    });

    it(`${name}, cut at every pair of bytes`, () => {
      const all = bytes(wire), whole = JSON.stringify(read([all], method, closes));
      for (let a = 0; a <= all.byteLength; a++) {
        for (let b = a; b <= all.byteLength; b++) {
          const reading = JSON.stringify(read(cut(all, a, b), method, closes));
          if (reading !== whole) assert.equal(reading, whole, `at ${a} and ${b}`);
        }
      }
    });

    it(`${name}, byte by byte`, () => {
      const all = bytes(wire);
      const pieces = Array.from(all, (_, i) => all.slice(i, i + 1));
      assert.deepEqual(read(pieces, method, closes), read([all], method, closes));
    });

    if (closes !== true) {
      it(`${name}, with more behind it`, () => {
        const all = bytes(wire), more = bytes("HTTP/1.1 200 OK\r\n\r\n");
        const reading = read([new Uint8Array([...all, ...more])], method);
        assert.equal(reading.left, "HTTP/1.1 200 OK\r\n\r\n");
        assert.equal(reading.body, sample.body);
      });
    }

    it(`${name}, cut short, is not taken for whole`, () => {
      const all = bytes(wire);
      // What ends with the connection cannot be told from what is whole once its head is.
      const last = closes === true ? wire.indexOf("\r\n\r\n") + 4 : all.byteLength;
      for (let at = 0; at < last; at++) {
        assert.equal(read([all.slice(0, at)], method, true).trailers, undefined, `at ${at}`);
      }
    });
  }

  it("the switch to another protocol, and leaves its first bytes alone", () => {
    const wire = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi";
    const reading = read([bytes(wire)]);
    assert.equal(reading.status, 101);
    assert.equal(reading.left, "\x81\x02hi");
  });

  it("fields in the order, case and number they came in", () => {
    const { headers, reason } = read([bytes(SAMPLES.at(-1)!.wire)]);
    assert.deepEqual(headers, ["Set-Cookie", "a=1", "set-cookie", "b=2", "X", "caf\xe9", "Content-Length", "3"]);
    assert.equal(reason, "\xc9t\xe9");
  });
});

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const head = (...fields: string[]): string =>
  `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;

/** What could be read in two ways, or is no answer at all. */
const REFUSED: Readonly<Record<string, string>> = {
  "two lengths": head("Content-Length: 5", "Content-Length: 6") + "abcdef",
  "the same length twice": head("Content-Length: 5", "Content-Length: 5") + "abcde",
  "a list of lengths": head("Content-Length: 5, 5") + "abcde",
  "a length with a sign": head("Content-Length: +5") + "abcde",
  "a negative length": head("Content-Length: -5"),
  "a hexadecimal length": head("Content-Length: 0x5") + "abcde",
  "an empty length": head("Content-Length:"),
  "a length of more than 15 digits": head("Content-Length: 1234567890123456"),
  "a length with a space inside": head("Content-Length: 1 0"),
  "a length beside chunks": head("Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n",
  "chunks beside a length": head("Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n",
  "two codings": head("Transfer-Encoding: gzip, chunked"),
  "chunked twice": head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
  "a coding that is not chunked": head("Transfer-Encoding: identity"),
  "a coding that looks like chunked": head("Transfer-Encoding: xchunked"),
  "a coding with a vertical tab": head("Transfer-Encoding: \x0bchunked"),
  "a coding of HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "a blank before the colon": head("Content-Length : 5") + "abcde",
  "a field that goes on in the next line": head("X: a", " Content-Length: 5"),
  "a field that goes on behind a tab": head("X: a", "\tb"),
  "a first field that begins with a blank": "HTTP/1.1 200 OK\r\n Content-Length: 5\r\n\r\n",
  "a field without a colon": head("Content-Length"),
  "a field without a name": head(": x"),
  "a name with a delimiter": head("Content(Length: 5"),
  "a name beyond ASCII": head("Conten\xe9: 5"),
  "a bare LF": "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 5\r\n\r\nabcde",
  "a bare LF at the end of the status line": "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nabcde",
  "nothing but bare LFs": "HTTP/1.1 200 OK\nContent-Length: 5\n\nabcde",
  "a bare CR": head("X: a\rb"),
  "two CRs": "HTTP/1.1 200 OK\r\nX: a\r\r\n\r\n",
  "NUL in a value": head("X: a\0b"),
  "an escape in the reason": "HTTP/1.1 200 \x1b[2J\r\n\r\n",
  "DEL in a value": head("X: a\x7f"),
  "HTTP/2": "HTTP/2.0 200 OK\r\n\r\n",
  "HTTP/1.2": "HTTP/1.2 200 OK\r\n\r\n",
  "HTTP/0.9": "<html>hello</html>\r\n\r\n",
  "another protocol": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
  "lower case": "http/1.1 200 OK\r\n\r\n",
  "an empty line first": "\r\nHTTP/1.1 200 OK\r\n\r\n",
  "a blank first": " HTTP/1.1 200 OK\r\n\r\n",
  "two blanks": "HTTP/1.1  200 OK\r\n\r\n",
  "a tab": "HTTP/1.1\t200\tOK\r\n\r\n",
  "a status of two digits": "HTTP/1.1 20 OK\r\n\r\n",
  "a status of four digits": "HTTP/1.1 2000 OK\r\n\r\n",
  "a status below 100": "HTTP/1.1 099 OK\r\n\r\n",
  "no status": "HTTP/1.1\r\n\r\n",
  "a head that is too long": head(`X: ${"a".repeat(MAX_HEAD)}`),
  "a head that never ends": `HTTP/1.1 200 OK\r\nX: ${"a".repeat(MAX_HEAD)}`,
  "more interim answers than anybody sends": "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10_000),
  "a chunk without a size": `${CHUNKED}\r\nabc\r\n0\r\n\r\n`,
  "a chunk with a sign": `${CHUNKED}+3\r\nabc\r\n0\r\n\r\n`,
  "a chunk with 0x": `${CHUNKED}0x3\r\nabc\r\n0\r\n\r\n`,
  "a chunk with a blank before its size": `${CHUNKED} 3\r\nabc\r\n0\r\n\r\n`,
  "a chunk with a blank after its size": `${CHUNKED}3 \r\nabc\r\n0\r\n\r\n`,
  "a chunk whose size overflows": `${CHUNKED}ffffffffffffffff1\r\nabc\r\n0\r\n\r\n`,
  "a chunk longer than its size": `${CHUNKED}2\r\nabc\r\n0\r\n\r\n`,
  "a chunk with a bare LF after its size": `${CHUNKED}3\nabc\r\n0\r\n\r\n`,
  "a chunk with a bare LF after its data": `${CHUNKED}3\r\nabc\n0\r\n\r\n`,
  "an extension with a bare LF": `${CHUNKED}3;a\nb\r\nabc\r\n0\r\n\r\n`,
  "an extension with a bare CR": `${CHUNKED}3;a\rb\r\nabc\r\n0\r\n\r\n`,
  "an extension that is too long": `${CHUNKED}3;${"a".repeat(2000)}\r\nabc\r\n0\r\n\r\n`,
  "a trailer without a name": `${CHUNKED}0\r\n: x\r\n\r\n`,
  "a trailer with a bare LF": `${CHUNKED}0\r\nX: a\nY: b\r\n\r\n`,
  "a trailer that goes on in the next line": `${CHUNKED}0\r\nX: a\r\n b\r\n\r\n`,
  "trailers that are too long": `${CHUNKED}0\r\nX: ${"a".repeat(MAX_HEAD)}\r\n\r\n`,
};

describe("AnswerParser refuses", () => {
  for (const [name, wire] of Object.entries(REFUSED)) {
    it(`${name}, whatever the pieces`, () => {
      const all = bytes(wire), whole = read([all]);
      assert.equal(whole.bad, true);
      assert.equal(whole.trailers, undefined, "the answer must not count as complete");
      const step = Math.max(1, Math.floor(all.byteLength / 200));
      for (let at = 0; at <= all.byteLength; at += step) {
        const reading = read(cut(all, at));
        assert.equal(reading.bad, true, `at ${at}`);
        assert.equal(reading.trailers, undefined, `at ${at}`);
      }
    });
  }
});

describe("AnswerParser frames as RFC 9112 section 6.3 says", () => {
  it("a body of a length exactly so long", () => {
    const reading = read([bytes("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef")]);
    assert.deepEqual([reading.body, reading.left], ["abc", "def"]);
  });

  for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304], ["HEAD", 500]] as const) {
    it(`no body after ${status} to ${method}, whatever the fields say`, () => {
      for (const field of ["Content-Length: 3", "Transfer-Encoding: chunked", "X: y"]) {
        const reading = read([bytes(`HTTP/1.1 ${status} x\r\n${field}\r\n\r\nabc`)], method);
        assert.deepEqual([reading.body, reading.left, reading.trailers], ["", "abc", []]);
      }
    });
  }

  it("a second answer smuggled into a body as part of the body", () => {
    const inner = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    const reading = read([bytes(`HTTP/1.1 200 OK\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`)]);
    assert.deepEqual([reading.body, reading.left], [inner, ""]);
  });

  it("a connection that closes as one that is not used again, by the whole token", () => {
    const keepAlive = (value: string): boolean | undefined =>
      read([bytes(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: ${value}\r\n\r\n`)]).keepAlive;
    assert.equal(keepAlive("close"), false);
    assert.equal(keepAlive("X-A, Close"), false);
    assert.equal(keepAlive("keep-alive"), true);
    assert.equal(keepAlive("X-A"), true);
  });

  it("two Connection fields as one", () => {
    const wire = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n";
    assert.equal(read([bytes(wire)]).keepAlive, false);
  });

  it("nothing as answered while nobody has asked", () => {
    const reading = read([bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), bytes("HTTP/1.1 200 OK\r\n\r\n")]);
    assert.equal(reading.left, "HTTP/1.1 200 OK\r\n\r\n");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutboundRequest } from "../../../../../src/forward/transport.ts";
import { requestHead } from "../../../../../src/runtimes/transports/http1/request-head.ts";

const PEER = { host: "127.0.0.1", port: 1, keepAlive: { size: 1, idleTimeout: 1, requests: 0 } };

function request(changes: Partial<OutboundRequest>): OutboundRequest {
  return {
    peer: PEER,
    method: "GET",
    target: "/",
    headers: ["Host", "a"],
    body: null,
    timeouts: { connect: 0, send: 0, read: 0 },
    signal: new AbortController().signal,
    ...changes,
  };
}

describe("requestHead", () => {
  it("writes target and fields as they are, in their order", () => {
    const head = requestHead(
      request({ target: "/a%2Fb//../c?x=%00|{}\xe9", headers: ["hOsT", "a:1", "X", " y\t", "X", "", "X", "caf\xe9"] }),
      false,
    );
    assert.equal(
      head?.text,
      "GET /a%2Fb//../c?x=%00|{}\xe9 HTTP/1.1\r\nhOsT: a:1\r\nX:  y\t\r\nX: \r\nX: caf\xe9\r\n\r\n",
    );
  });

  it("says that the connection closes where it does", () => {
    assert.equal(requestHead(request({}), true)?.text, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  });

  it("frames a body by its length where that is known, else in chunks", () => {
    const stream = new ReadableStream<Uint8Array>();
    const headers = ["Host", "a", "content-length", "5"];
    const framing = (changes: Partial<OutboundRequest>) => {
      const { text, chunked, length } = requestHead(request({ method: "PUT", ...changes }), false)!;
      return [/Transfer-Encoding: chunked/.test(text), /Content-Length: \d+/i.exec(text)?.[0], chunked, length];
    };
    assert.deepEqual(framing({ body: stream }), [true, undefined, true, undefined]);
    assert.deepEqual(framing({ body: stream, headers }), [false, "content-length: 5", false, 5]);
    assert.deepEqual(framing({ body: new Uint8Array(3) }), [false, "Content-Length: 3", false, 3]);
    assert.deepEqual(framing({ body: null }), [false, "Content-Length: 0", false, 0]);
    assert.deepEqual(framing({ body: null, method: "GET" }), [false, undefined, false, undefined]);
  });

  const refused: Readonly<Record<string, Partial<OutboundRequest>>> = {
    "CONNECT": { method: "CONNECT" },
    "a method with a blank": { method: "GET /x HTTP/1.1\r\nX:" },
    "an empty method": { method: "" },
    "an empty target": { target: "" },
    "a target with a blank": { target: "/a b" },
    "a target with a line break": { target: "/\r\nX: y" },
    "a target with what would be written as a line break": { target: "/\u010a\u010d" },
    "a name with a blank": { headers: ["X ", "y"] },
    "an empty name": { headers: ["", "y"] },
    "a name with a colon": { headers: ["X:", "y"] },
    "a value with CR": { headers: ["X", "a\rb"] },
    "a value with LF": { headers: ["X", "a\nb"] },
    "a value with NUL": { headers: ["X", "a\0b"] },
    "a value with what would be written as a line break": { headers: ["X", "\u010d\u010a"] },
    "two lengths": { headers: ["Content-Length", "1", "content-length", "1"] },
    "a length that is none": { headers: ["Content-Length", "1, 1"] },
    "a transfer coding": { headers: ["Transfer-Encoding", "chunked"] },
  };
  for (const [name, changes] of Object.entries(refused)) {
    it(`refuses ${name}`, () => assert.equal(requestHead(request(changes), false), undefined));
  }
});

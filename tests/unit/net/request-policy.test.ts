import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AcceptedHead, checkHead, type RefusedHead } from "../../../src/net/request-policy.ts";

const LIMITS = { headerBytes: 1000, headerCount: 10 };

function check(
  target: string,
  headers: string[] = ["Host", "a.test"],
  method = "GET",
  http10 = false,
): AcceptedHead | RefusedHead {
  return checkHead(method, target, headers, LIMITS, http10);
}

function assertRefused(head: AcceptedHead | RefusedHead, status: number, message: RegExp): void {
  assert.ok(!head.ok, "accepted");
  assert.equal(head.status, status);
  assert.match(head.message, message);
}

describe("checkHead()", () => {
  it("accepts a target in origin form as it is", () => {
    for (const target of ["/", "/a%2F//b?", "/a?b=c|d", "/%2e%2e/x", "//x", "/a\\b'\"<>{}`^"]) {
      assert.deepEqual(check(target), { ok: true, target, host: "a.test", length: 0 });
    }
  });

  it("turns absolute form of the Host field's authority into origin form", () => {
    for (
      const [target, path] of [
        ["http://a.test/x?y", "/x?y"],
        ["http://A.TEST/x", "/x"],
        ["https://a.test", "/"],
        ["http://a.test?y", "/?y"],
      ] as const
    ) assert.deepEqual(check(target), { ok: true, target: path, host: "a.test", length: 0 });
  });

  it("refuses absolute form of any other authority", () => {
    for (
      const target of ["http://b.test/x", "http://a.test:80/x", "http://u@a.test/x", "http:///x", "ftp://a.test/x"]
    ) {
      assertRefused(check(target), 400, /Request target/);
    }
  });

  it("refuses what is no target of a request", () => {
    for (const target of ["", "*", "x", "/a#b", "/a b", "/\x7f", "/\xe9", "http://a.test/#x", "http://a.test/\xe9"]) {
      assert.ok(!check(target).ok, JSON.stringify(target));
    }
  });

  it("accepts hosts as they are written", () => {
    for (const host of ["a", "a.test", "A.Test:8080", "a_b.test", "127.0.0.1:1", "[::1]", "[::1]:80", "a.test."]) {
      const head = check("/", ["Host", host]);
      assert.equal(head.ok && head.host, host);
    }
  });

  it("refuses hosts that are none", () => {
    const bad = [
      "",
      " ",
      "a b",
      "a/x",
      "u@a",
      "a:x",
      "a:65536",
      "a:123456",
      "a:",
      "a?b",
      "a#b",
      "a%41",
      "::1",
      "[::1",
      "a,b",
      "-a",
      "a\tb",
      "\xe9",
    ];
    for (const host of bad) assertRefused(check("/", ["Host", host]), 400, /Host/);
  });

  it("wants exactly one Host", () => {
    assertRefused(check("/", []), 400, /No Host/);
    assertRefused(check("/", ["Host", "a", "hOST", "a"]), 400, /More than one Host/);
  });

  it("knows the methods of Apache APISIX's routes, and no other", () => {
    for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PURGE"]) {
      assert.ok(check("/", ["Host", "a"], method).ok, method);
    }
    assertRefused(check("/", ["Host", "a"], "CONNECT"), 405, /CONNECT/);
    for (const method of ["get", "BREW", "", "GET "]) {
      assertRefused(check("/", ["Host", "a"], method), 501, /Unknown method/);
    }
  });

  it("tells the length of the body", () => {
    const lengthOf = (...fields: string[]) => {
      const head = check("/", ["Host", "a", ...fields], "POST");
      return head.ok ? head.length : head.message;
    };
    assert.equal(lengthOf(), 0);
    assert.equal(lengthOf("content-length", "0"), 0);
    assert.equal(lengthOf("Content-Length", "12"), 12);
    assert.equal(lengthOf("Transfer-Encoding", "Chunked"), -1);
  });

  it("refuses lengths that could be read in two ways", () => {
    const refused = (...fields: string[]) =>
      assertRefused(check("/", ["Host", "a", ...fields], "POST"), 400, /Content-Length/);
    refused("Content-Length", "1", "Content-Length", "1");
    refused("Content-Length", "1", "Transfer-Encoding", "chunked");
    refused("Transfer-Encoding", "chunked", "Content-Length", "1");
    for (const length of ["", "+1", "-1", "0x1", "1, 1", "1 1", "1.0", "9999999999999999"]) {
      refused("Content-Length", length);
    }
  });

  it("refuses transfer codings other than chunked", () => {
    for (const coding of ["gzip, chunked", "chunked, chunked", "identity", "xchunked", "", "chunked "]) {
      assertRefused(check("/", ["Host", "a", "Transfer-Encoding", coding], "POST"), 501, /Transfer-Encoding/);
    }
    const twice = ["Host", "a", "Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"];
    assertRefused(check("/", twice, "POST"), 400, /More than one Transfer-Encoding/);
    assertRefused(check("/", ["Host", "a", "Transfer-Encoding", "chunked"], "POST", true), 400, /HTTP\/1.0/);
  });

  it("refuses control characters in values, and lets tabs and Latin-1 pass", () => {
    for (const value of ["a\0", "a\rb", "a\nb", "\x01", "\x1f", "a\x7f"]) {
      assertRefused(check("/", ["Host", "a", "X", value]), 400, /Control character in header field 'X'/);
    }
    assert.ok(check("/", ["Host", "a", "X", "a\tb \xe9\xff"]).ok);
  });

  it("bounds the number of fields, their size and the target's", () => {
    const fields = Array.from({ length: 10 }, (_, i) => [`X-${i}`, "v"]).flat();
    assertRefused(check("/", ["Host", "a", ...fields]), 431, /11 header fields: at the most 10/);
    assert.ok(check("/", ["Host", "a", ...fields.slice(2)]).ok);
    assertRefused(check("/", ["Host", "a", "X", "v".repeat(1000)]), 431, /at the most 1000/);
    assertRefused(check(`/${"a".repeat(1000)}`), 414, /Request target/);
  });

  it("has no bounds where they are 0", () => {
    const fields = Array.from({ length: 5000 }, (_, i) => [`X-${i}`, "v"]).flat();
    assert.ok(checkHead("GET", "/", ["Host", "a", ...fields], { headerBytes: 0, headerCount: 0 }).ok);
  });
});

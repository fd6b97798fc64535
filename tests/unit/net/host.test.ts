import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseHost } from "../../../src/net/host.ts";

const hosts: readonly [field: string, host: string | undefined][] = [
  ["example.com", "example.com"],
  ["Example.COM", "example.com"],
  ["example.com:8080", "example.com"],
  ["EXAMPLE.com.:8080", "example.com"],
  ["example.com.", "example.com"],
  ["example.com:", "example.com"],
  ["127.0.0.1:80", "127.0.0.1"],
  ["[::1]", "[::1]"],
  ["[::1]:8443", "[::1]"],
  ["[FE80::1]:80", "[fe80::1]"],
  [".foo.com", ".foo.com"],
  ["a_b.com", "a_b.com"],
  ["", ""],
  [":80", ""],
  [".", undefined],
  ["a..b", undefined],
  ["a.com/b", undefined],
  ["a.com\\b", undefined],
  ["a com", undefined],
  ["a\u0000", undefined],
  ["[::1", undefined],
  ["[::1]x", undefined],
];

describe("parseHost", () => {
  for (const [field, host] of hosts) {
    it(`makes ${JSON.stringify(field)} ${host === undefined ? "malformed" : JSON.stringify(host)}`, () => {
      assert.equal(parseHost(field), host);
    });
  }
});

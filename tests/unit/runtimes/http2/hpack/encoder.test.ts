import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HpackDecoder } from "../../../../../src/runtimes/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../../../src/runtimes/http2/hpack/encoder.ts";
import { toHex } from "./support.ts";

const encode = (encoder: HpackEncoder, ...fields: string[]): string => toHex(encoder.encode(fields));

describe("HpackEncoder", () => {
  it("sends fields of the static table as one byte each", () => {
    assert.equal(encode(new HpackEncoder(), ":method", "GET", ":path", "/", ":status", "200"), "828488");
    assert.equal(encode(new HpackEncoder(), "accept-encoding", "gzip, deflate", "accept", ""), "9093");
  });

  it("sends a field that comes again as one byte", () => {
    const encoder = new HpackEncoder();
    assert.match(encode(encoder, "x-a", "1", "x-b", "2"), /^40/);
    assert.equal(encode(encoder, "x-a", "1", "x-b", "2"), "bfbe");
  });

  it("sends a name that comes again with another value as an index", () => {
    const encoder = new HpackEncoder();
    encode(encoder, "x-a", "1", "x-a", "2");
    assert.equal(encode(encoder, "x-a", "3"), "7e0133");
  });

  it("lets nobody keep what could be a secret", () => {
    const encoder = new HpackEncoder();
    for (const name of ["authorization", "cookie", "set-cookie", "proxy-authorization"]) {
      const first = encode(encoder, name, "secret");
      assert.match(first, /^1/, name);
      assert.equal(encode(encoder, name, "secret"), first, name);
    }
  });

  it("keeps what seldom comes again out of the table", () => {
    const encoder = new HpackEncoder();
    for (const name of [":path", "content-length", "etag", "location"]) {
      const first = encode(encoder, name, "12345");
      assert.match(first, /^0/, name);
      assert.equal(encode(encoder, name, "12345"), first, name);
    }
    const large = encode(encoder, "x-large", "y".repeat(3000));
    assert.equal(encode(encoder, "x-large", "y".repeat(3000)), large);
  });

  it("adds few values of a name whose values never come again, and goes on to look for one that does", () => {
    const encoder = new HpackEncoder();
    let added = 0;
    for (let i = 0; i < 64; i++) added += encode(encoder, "x-request-id", `${i}`).startsWith("4") ? 1 : 0;
    for (let i = 0; i < 64; i++) added += encode(encoder, "x-request-id", `1${i}`).startsWith("7") ? 1 : 0;
    assert.ok(added > 1 && added < 20, `${added}`);
    let sent = "";
    for (let i = 0; i < 17; i++) sent = encode(encoder, "x-request-id", "stays");
    assert.equal(sent, "be");
  });

  it("uses Huffman codes only where they are shorter", () => {
    assert.equal(encode(new HpackEncoder(), ":path", "aaaaaaaa"), "0485" + "18c6318c63");
    assert.equal(encode(new HpackEncoder(), ":path", "<<"), "0402" + "3c3c");
    assert.equal(encode(new HpackEncoder(), ":path", ""), "0400");
  });

  it("never makes a line break of a character beyond Latin-1", () => {
    const decoder = new HpackDecoder(4096, 65_536);
    for (const value of ["\u010a", `aaaaaaaaaaaa\u010d\u010aaaaaaaa`]) {
      const { fields } = decoder.decode(new HpackEncoder().encode(["x-a", value]));
      assert.deepEqual(fields, ["x-a", value.replaceAll(/[^a]/g, "?")]);
    }
  });

  it("tells a table that is made smaller, and the smallest one in between", () => {
    const encoder = new HpackEncoder();
    encode(encoder, "x-a", "1");
    encoder.setMaxTableSize(100);
    assert.equal(encode(encoder, "x-a", "1"), "3f45be");
    assert.equal(encode(encoder, "x-a", "1"), "be");
    encoder.setMaxTableSize(0);
    encoder.setMaxTableSize(200);
    assert.match(encode(encoder, "x-a", "1"), /^203fa90140/);
    encoder.setMaxTableSize(50);
    encoder.setMaxTableSize(200);
    encoder.setMaxTableSize(40);
    assert.match(encode(encoder, "x-a", "1"), /^3f09be/);
  });

  it("uses no more than its own 4096 bytes, and says nothing where nothing changes", () => {
    const encoder = new HpackEncoder();
    encoder.setMaxTableSize(1 << 30);
    assert.equal(encode(encoder, ":method", "GET"), "82");
    encoder.setMaxTableSize(0);
    assert.equal(encode(encoder), "20");
    assert.match(encode(encoder, "x-a", "1"), /^0/);
  });
});

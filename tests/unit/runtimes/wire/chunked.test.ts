import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChunkedDecoder } from "../../../../src/runtimes/wire/chunked.ts";
import { BadMessage } from "../../../../src/runtimes/wire/bad-message.ts";
import { bytes, cut, text } from "../transports/http1/record.ts";

function decode(
  pieces: readonly Uint8Array[],
): { body: string; left: string; trailers: readonly string[] | undefined } {
  const decoder = new ChunkedDecoder(1000);
  let body = "", left = "";
  for (const piece of pieces) {
    if (decoder.trailers === undefined) left += text(decoder.take(piece, (part) => body += text(part)));
    else left += text(piece);
  }
  return { body, left, trailers: decoder.trailers };
}

describe("ChunkedDecoder", () => {
  it("reads any body cut into any chunks and any pieces", () => {
    const body = Array.from({ length: 300 }, (_, i) => String.fromCharCode(i % 256)).join("");
    for (const size of [1, 2, 15, 16, 17, 255, 256, 300]) {
      let wire = "";
      for (let at = 0; at < body.length; at += size) {
        const part = body.slice(at, at + size);
        wire += `${part.length.toString(16)}\r\n${part}\r\n`;
      }
      wire += "0\r\n\r\nNEXT";
      const all = bytes(wire);
      for (let at = 0; at <= all.byteLength; at++) {
        assert.deepEqual(decode(cut(all, at)), { body, left: "NEXT", trailers: [] }, `chunks of ${size}, cut at ${at}`);
      }
    }
  });

  it("takes sizes in either case and with zeros before them", () => {
    assert.equal(decode([bytes("A\r\n0123456789\r\n000b\r\n0123456789a\r\n00\r\n\r\n")]).body, "01234567890123456789a");
  });

  it("keeps a trailer's bytes but for blanks around them", () => {
    const { trailers } = decode([bytes("0\r\nX:\xa0caf\xe9\xa0 \t\r\nX: b\r\n\r\n")]);
    assert.deepEqual(trailers, ["X", "\xa0caf\xe9\xa0", "X", "b"]);
  });

  it("is not over before its last line break", () => {
    assert.equal(decode([bytes("0\r\n\r")]).trailers, undefined);
    assert.equal(decode([bytes("1\r\na\r\n")]).trailers, undefined);
  });

  it("gives on views of what it was given, and copies nothing", () => {
    const piece = bytes("5\r\nhello\r\n0\r\n\r\n");
    new ChunkedDecoder(10).take(piece, (part) => assert.equal(part.buffer, piece.buffer));
  });

  for (
    const wire of ["g\r\n", "-1\r\n", ";a\r\n", "\r\n", "1\r\nab\r\n", "1\r\na\r\r\n", "1234567890abc\r\n", "1\r\rX"]
  ) {
    it(`refuses ${JSON.stringify(wire)}`, () => assert.throws(() => decode([bytes(wire)]), BadMessage));
  }
});

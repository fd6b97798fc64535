import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { HpackDecoder } from "../../../../../src/runtimes/http2/hpack/decoder.ts";
import { HpackError } from "../../../../../src/runtimes/http2/hpack/error.ts";
import { fromHex } from "./support.ts";

const MALFORMED: Readonly<Record<string, string>> = {
  "index 0": "80",
  "an index beyond the static table, while the other is empty": "be",
  "an index far beyond both": "ffff03",
  "the name of an index that is not there": "7f0001 61",
  "the name of an index that is not there, not added": "0fff03 0161",
  "a size that is larger than was announced": "3fe21f",
  "a size after a field": "82 20",
  "three sizes, the last after a field": "20 20 82 20",
  "a first byte without more": "40",
  "a name without a value": "400161",
  "a name that is cut off": "400361",
  "a value that is cut off": "4001610261",
  "an index that is cut off": "ff",
  "an index that is cut off later": "ffff",
  "a size that is cut off": "3f",
  "a length that is cut off": "40ff",
  "an integer of 2^31": "ff81ffffff07",
  "an integer of 2^32": "ff81ffffff0f",
  "an integer of 35 bits": "ffffffffff7f",
  "an integer of six bytes and more": "ff8080808080808001",
  "an integer with zeroes at its end": "ff808080808000",
  "a length of 2^31 - 1": "4001617f80ffffff07",
  "the end's code": "400161 84ffffffff",
  "the end's code and more": "400161 85fffffffcff",
  "the end's code within four bits of a byte": "400161 851fffffffff",
  "8 bits of padding": "400161 821fff",
  "padding and nothing else": "400161 81ff",
  "padding of zeroes": "400161 8118",
  "padding with one zero": "400161 811e",
  "a Huffman string that ends within a code": "400161 83fffffe",
};

describe("HpackDecoder", () => {
  for (const [what, hex] of Object.entries(MALFORMED)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => new HpackDecoder(4096, 65_536).decode(fromHex(hex)), HpackError);
    });
  }

  it("takes what looks malformed and is not", () => {
    const cases: readonly [hex: string, fields: string[]][] = [
      ["", []],
      ["20", []],
      ["20 3fe11f 82", [":method", "GET"]],
      ["40 00 00", ["", ""]],
      ["40 80 80", ["", ""]],
      // Seven bits of padding.
      ["400161 840000007f", ["a", "00000"]],
      ["400161 8107", ["a", "0"]],
      // More bytes than are needed.
      ["0f808000 0161", ["accept-charset", "a"]],
    ];
    for (const [hex, fields] of cases) {
      assert.deepEqual(new HpackDecoder(4096, 65_536).decode(fromHex(hex)).fields, fields, hex);
    }
  });

  it("keeps every byte of names and values", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const block = Uint8Array.of(0x00, 0x7f, 0x81, 0x01, ...all, 0x7f, 0x81, 0x01, ...all);
    const text = Buffer.from(all).toString("latin1");
    assert.deepEqual(new HpackDecoder(4096, 65_536).decode(block).fields, [text, text]);
  });

  it("reads a view into other bytes", () => {
    const bytes = Uint8Array.of(0xff, 0x82, 0x87, 0xff);
    assert.deepEqual(new HpackDecoder(4096, 65_536).decode(bytes.subarray(1, 3)).fields, [
      ...[":method", "GET", ":scheme", "https"],
    ]);
  });

  it("drops the oldest fields for new ones, and all for one that is too large", () => {
    const decoder = new HpackDecoder(4096, 65_536);
    // Two fields of 34 bytes fit.
    decoder.decode(fromHex("3f30 40016101 31 40016101 32 40016101 33"));
    assert.deepEqual(decoder.decode(fromHex("be bf")).fields, ["a", "3", "a", "2"]);
    assert.throws(() => decoder.decode(fromHex("c0")), HpackError);
    const large = "x".repeat(78);
    const block = Buffer.concat([fromHex("400161 4e"), Buffer.from(large)]);
    assert.deepEqual(decoder.decode(block).fields, ["a", large]);
    assert.throws(() => decoder.decode(fromHex("be")), HpackError);
  });

  it("adds a field whose name is an entry that is dropped for it", () => {
    const decoder = new HpackDecoder(4096, 65_536);
    decoder.decode(fromHex("3f05 40016101 31"));
    assert.deepEqual(decoder.decode(fromHex("7e01 32 be")).fields, ["a", "2", "a", "2"]);
  });

  it("keeps thousands of fields in a table that is large enough", () => {
    const decoder = new HpackDecoder(1 << 20, 1 << 20);
    decoder.decode(fromHex("3fe1ff3f"));
    for (let i = 0; i < 10_000; i++) decoder.decode(Buffer.concat([fromHex("40016105"), Buffer.from(`${10_000 + i}`)]));
    assert.deepEqual(decoder.decode(fromHex("be")).fields, ["a", "19999"]);
    assert.deepEqual(decoder.decode(fromHex("ffce4d")).fields, ["a", "10000"]);
  });

  it("keeps to the protocol's own size until another is said, and forgets what a smaller one has no room for", () => {
    const decoder = new HpackDecoder(0, 65_536);
    decoder.decode(fromHex("40016101 31"));
    assert.deepEqual(decoder.decode(fromHex("be")).fields, ["a", "1"]);
    assert.throws(() => decoder.decode(fromHex("21 be")), HpackError);
    decoder.decode(fromHex("20"));
    assert.throws(() => decoder.decode(fromHex("be")), HpackError);
  });

  it("drops fields beyond the limit, yet knows the table after them", () => {
    const decoder = new HpackDecoder(4096, 100);
    const decoded = decoder.decode(fromHex("40016101 31 40016101 32 40016101 33 40016101 34"));
    assert.deepEqual(decoded, { fields: ["a", "1", "a", "2"], tooLarge: true });
    assert.deepEqual(decoder.decode(fromHex("be c1")), { fields: ["a", "4", "a", "1"], tooLarge: false });
  });

  it("drops a small field after a large one too, so that none is missing within a list", () => {
    const block = Buffer.concat([fromHex("400161 4e"), Buffer.from("x".repeat(78)), fromHex("82")]);
    assert.deepEqual(new HpackDecoder(4096, 100).decode(block), { fields: [], tooLarge: true });
  });

  it("takes a list of exactly the limit", () => {
    assert.equal(new HpackDecoder(4096, 42).decode(fromHex("82")).tooLarge, false);
    assert.equal(new HpackDecoder(4096, 41).decode(fromHex("82")).tooLarge, true);
  });

  it("is no amplifier: 100,000 bytes that stand for 400 MB take neither time nor memory", () => {
    const decoder = new HpackDecoder(4096, 65_536);
    const value = "x".repeat(4000);
    decoder.decode(Buffer.concat([fromHex("4001617fa11e"), Buffer.from(value)]));
    const start = performance.now();
    const { fields, tooLarge } = decoder.decode(new Uint8Array(100_000).fill(0xbe));
    assert.equal(tooLarge, true);
    assert.equal(fields.length, 2 * Math.floor(65_536 / 4033));
    assert.ok(performance.now() - start < 1000);
  });
});

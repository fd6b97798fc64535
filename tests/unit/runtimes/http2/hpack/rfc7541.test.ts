// The examples of RFC 7541, appendix C.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { HpackDecoder } from "../../../../../src/runtimes/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../../../src/runtimes/http2/hpack/encoder.ts";
import { BlockReader, writeInteger } from "../../../../../src/runtimes/http2/hpack/integer.ts";
import { STATIC_LENGTH, STATIC_NAMES, STATIC_VALUES } from "../../../../../src/runtimes/http2/hpack/static-table.ts";
import { fromHex, toHex } from "./support.ts";

const REQUESTS = [
  [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"],
  [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com", "cache-control", "no-cache"],
  [
    ...[":method", "GET", ":scheme", "https", ":path", "/index.html", ":authority", "www.example.com"],
    ...["custom-key", "custom-value"],
  ],
];
const PLAIN_REQUESTS = [
  "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
  "8286 84be 5808 6e6f 2d63 6163 6865",
  "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
];
const HUFFMAN_REQUESTS = [
  "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
  "8286 84be 5886 a8eb 1064 9cbf",
  "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
];

const DATE = "Mon, 21 Oct 2013 20:13:21 GMT", LATER = "Mon, 21 Oct 2013 20:13:22 GMT";
const PLACE = ["location", "https://www.example.com"];
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const RESPONSES = [
  [":status", "302", "cache-control", "private", "date", DATE, ...PLACE],
  [":status", "307", "cache-control", "private", "date", DATE, ...PLACE],
  [
    ...[":status", "200", "cache-control", "private", "date", LATER, ...PLACE],
    ...["content-encoding", "gzip", "set-cookie", COOKIE],
  ],
];
const PLAIN_RESPONSES = [
  "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e " +
  "1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
  "4803 3330 37c1 c0bf",
  "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d " +
  "4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 " +
  "7369 6f6e 3d31",
];
const HUFFMAN_RESPONSES = [
  "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b " +
  "97c8 e9ae 82ae 43d3",
  "4883 640e ffc1 c0bf",
  "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf " +
  "cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
];

/** Says that the table has 256 bytes, as C.5 and C.6 take for granted. */
const SIZE_256 = "3fe101";

function decodeAll(decoder: HpackDecoder, blocks: readonly string[]): string[][] {
  return blocks.map((block) => decoder.decode(fromHex(block)).fields);
}

describe("RFC 7541", () => {
  it("C.1 integers", () => {
    const cases: readonly [prefix: number, value: number, hex: string][] = [
      [5, 10, "0a"],
      [5, 1337, "1f9a0a"],
      [8, 42, "2a"],
      [5, 30, "1e"],
      [5, 31, "1f00"],
      [7, 127, "7f00"],
      [4, 2 ** 31 - 1, "0ff0ffffff07"],
    ];
    for (const [prefix, value, hex] of cases) {
      const bytes = Buffer.alloc(8);
      assert.equal(toHex(bytes.subarray(0, writeInteger(bytes, 0, 0, prefix, value))), hex);
      const reader = new BlockReader(fromHex(hex));
      assert.equal(reader.integer(prefix), value);
      assert.equal(reader.done, true);
    }
  });

  it("C.2 fields, and what each leaves in the table", () => {
    const cases: readonly [hex: string, fields: string[], added: boolean][] = [
      ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", ["custom-key", "custom-header"], true],
      ["040c 2f73 616d 706c 652f 7061 7468", [":path", "/sample/path"], false],
      ["1008 7061 7373 776f 7264 0673 6563 7265 74", ["password", "secret"], false],
      ["82", [":method", "GET"], false],
    ];
    for (const [hex, fields, added] of cases) {
      const decoder = new HpackDecoder(4096, 65_536);
      assert.deepEqual(decoder.decode(fromHex(hex)), { fields, tooLarge: false });
      if (added) assert.deepEqual(decoder.decode(fromHex("be")).fields, fields);
      else assert.throws(() => decoder.decode(fromHex("be")), { name: "HpackError" });
    }
  });

  it("C.3 and C.4 requests, decoded", () => {
    for (const blocks of [PLAIN_REQUESTS, HUFFMAN_REQUESTS]) {
      assert.deepEqual(decodeAll(new HpackDecoder(4096, 65_536), blocks), REQUESTS);
    }
  });

  it("C.4 requests, encoded", () => {
    const encoder = new HpackEncoder();
    assert.deepEqual(
      REQUESTS.map((request) => toHex(encoder.encode(request))),
      HUFFMAN_REQUESTS.map((hex) => hex.replaceAll(" ", "")),
    );
  });

  it("C.5 and C.6 responses, decoded, and what is left in the table", () => {
    for (const [first, ...more] of [PLAIN_RESPONSES, HUFFMAN_RESPONSES]) {
      const decoder = new HpackDecoder(256, 65_536);
      assert.deepEqual(decodeAll(decoder, [SIZE_256 + first, ...more]), RESPONSES);
      assert.deepEqual(decodeAll(decoder, ["bebfc0"]), [
        ["set-cookie", COOKIE, "content-encoding", "gzip", "date", LATER],
      ]);
      assert.throws(() => decoder.decode(fromHex("c1")), { name: "HpackError" });
    }
  });

  it("appendix A, at some places", () => {
    assert.equal(STATIC_NAMES.length, STATIC_LENGTH + 1);
    assert.equal(STATIC_VALUES.length, STATIC_LENGTH + 1);
    const at = (index: number): string => `${STATIC_NAMES[index]} ${STATIC_VALUES[index]}`;
    assert.deepEqual([1, 14, 16, 19, 23, 32, 55, 61].map(at), [
      ":authority ",
      ":status 500",
      "accept-encoding gzip, deflate",
      "accept ",
      "authorization ",
      "cookie ",
      "set-cookie ",
      "www-authenticate ",
    ]);
  });
});

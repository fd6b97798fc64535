import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { findHeadEnd, latin1, readFields } from "../../../../src/runtimes/wire/fields.ts";

function read(text: string): string[] | undefined {
  const bytes = Buffer.from(text, "latin1");
  const fields: string[] = [];
  return readFields(bytes, 0, latin1(bytes, 0, bytes.length), fields) ? fields : undefined;
}

describe("readFields", () => {
  it("takes names as they are, and values without the blanks around them", () => {
    assert.deepEqual(read("Host: a\r\nX:\r\nx: \t b c\t \r\nY:caf\xe9"), [
      "Host",
      "a",
      "X",
      "",
      "x",
      "b c",
      "Y",
      "caf\xe9",
    ]);
    assert.deepEqual(read(""), []);
    assert.deepEqual(read("X: "), ["X", ""]);
    assert.deepEqual(read("X:"), ["X", ""]);
  });

  for (
    const text of [
      ":a",
      "X",
      "X : a",
      " X: a",
      "X: a\r\n b",
      "X: a\r\n",
      "X: a\r\n\r\nY: b",
      "X: a\rY: b",
      "X: a\nY: b",
      "X: a\r",
      "X: a\0",
      "X: a\x7f",
      "X\xe9: a",
    ]
  ) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(read(text), undefined));
  }
});

describe("findHeadEnd", () => {
  it("finds what a search finds, in every text of line breaks and letters", () => {
    let texts = [""];
    for (let length = 0; length < 9; length++) {
      texts = texts.flatMap((text) => ["\r", "\n", "a"].map((end) => text + end));
    }
    for (const text of texts) {
      const bytes = Buffer.from(text, "latin1");
      for (let from = 0; from < 3; from++) assert.equal(findHeadEnd(bytes, from), text.indexOf("\r\n\r\n", from), text);
    }
  });
});

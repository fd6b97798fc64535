import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerHead, headBytes, toResponse, untouchedAnswer } from "../../../src/forward/answer.ts";
import type { NodeFields } from "../../../src/net/answer-fields.ts";

const HEADERS = ["X-Tag", "a", "Set-Cookie", "a=1", "x-tag", "b", "Content-Length", "2"];

function answer(): Response & NodeFields {
  return toResponse({ status: 200, reason: "Fine", headers: HEADERS, body: new TextEncoder().encode("hi") });
}

describe("the fields of a node's answer", () => {
  it("are changed without making a Response of it", () => {
    const response = answer(), fields = response.nodeFields!;
    fields.set("x-tag", "c");
    fields.append("Set-Cookie", "b=2");
    fields.delete("content-length");
    const changed = ["x-tag", "c", "Set-Cookie", "a=1", "Set-Cookie", "b=2"];
    assert.deepEqual(untouchedAnswer(response)?.headers, changed);
    assert.deepEqual(answerHead(response).headers, changed);
    assert.equal(
      headBytes(response),
      "HTTP/1.1 200 Fine\r\nx-tag: c\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n".length,
    );
    assert.deepEqual(HEADERS.length, 8);
  });

  it("are those of the Response that is made later, which keeps what a node's head has beyond them", () => {
    const response = answer();
    response.nodeFields!.set("X-New", "1");
    assert.equal(response.headers.get("x-new"), "1");
    assert.equal(response.headers.get("x-tag"), "a, b");
    assert.equal(response.nodeFields, undefined);
    response.headers.delete("set-cookie");
    const { reason, headers } = answerHead(response);
    assert.equal(reason, "Fine");
    assert.deepEqual(headers, ["X-Tag", "a", "x-tag", "b", "Content-Length", "2", "X-New", "1"]);
  });

  it("refuse what would end a field", () => {
    assert.throws(() => answer().nodeFields!.set("X-A", "a\r\nX-B: b"), TypeError);
  });
});
